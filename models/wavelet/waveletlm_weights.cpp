#include "models/wavelet/waveletlm_weights.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "core/error.h"
#include "core/tensors/foreign_names.h"
#include "core/text.h"
#include "models/wavelet/waveletlm_names.h"

namespace subband {

namespace {

using Names = std::map<std::string, std::string>;  // theirs -> ours

constexpr const char* kCompilerPrefix = "_orig_mod.";

std::string shape_text(const at::Tensor& tensor) {
  std::string text;
  for (const int64_t size : tensor.sizes()) text += (text.empty() ? "" : ", ") + std::to_string(size);
  return "[" + text + "]";
}

// Scalars come as [] or [1].
bool fits(const at::Tensor& ours, const at::Tensor& theirs) {
  return ours.sizes() == theirs.sizes() || (ours.dim() == 0 && theirs.numel() == 1);
}

std::string without_compiler_prefix(std::string key) {
  if (const size_t at = key.find(kCompilerPrefix); at != std::string::npos)
    key.erase(at, std::string(kCompilerPrefix).size());
  return key;
}

// `cells.1.` of `cells.1.layers.0.ln1.bias`; empty where there is one net.
std::string cell_of(const std::string& name) {
  if (!name.starts_with("cells.")) return {};
  const size_t dot = name.find('.', 6);
  return dot == std::string::npos ? std::string() : name.substr(0, dot + 1);
}

// The names of one net, whose own begin with `cell`. All are the original's here: theirs, and the one it repeats.
class CellNames {
 public:
  CellNames(const std::vector<std::string>& originals, std::string cell, Names& names)
      : cell_(std::move(cell)), names_(names) {
    for (const std::string& name : originals)
      if (name.starts_with(cell_) && cell_of(name) == cell_) own_.push_back(name);
    for (const std::string& name : own_)
      if (const auto number = block_of(name)) blocks_ = std::max(blocks_, *number + 1);
  }

  void add() {
    for (const std::string& name : own_) names_[name] = name;
    for (int64_t block = 0; block < blocks_; ++block) add_liftings(block);
    if (!has(cell_ + "lm_head.weight") && has(cell_ + "token_embedding.weight"))
      names_[cell_ + "lm_head.weight"] = cell_ + "token_embedding.weight";
  }

 private:
  bool has(const std::string& name) const { return std::ranges::count(own_, name) > 0; }

  std::optional<int64_t> block_of(const std::string& name) const {
    const std::string prefix = cell_ + "layers.";
    if (!name.starts_with(prefix)) return {};
    return parse_integer(name.substr(prefix.size(), name.find('.', prefix.size()) - prefix.size()));
  }

  std::vector<std::string> below(const std::string& prefix) const {
    std::vector<std::string> rest;
    for (const std::string& name : own_)
      if (name.starts_with(prefix)) rest.push_back(name.substr(prefix.size()));
    return rest;
  }

  void add_liftings(int64_t block) {
    const std::string here = cell_ + "layers." + std::to_string(block) + ".";
    std::string source = here + "lifting_wavelet.";
    if (below(source).empty()) source = cell_ + "layers.0.lifting_wavelet.";
    for (const std::string& rest : below(source)) names_[here + "lifting_wavelet." + rest] = source + rest;
    const std::string untied = here + "lifting_reconstruct_wavelet.";
    if (!below(untied).empty()) source = untied;
    for (const std::string& rest : below(source)) add_reconstruction(here, source, rest);
  }

  // A wavelet of several bases is repeated as a whole, and each of its bases once more.
  void add_reconstruction(const std::string& here, const std::string& source, const std::string& rest) {
    const std::string reconstruct = here + "lifting_reconstruct.";
    if (rest.starts_with("wavelets.")) {
      const size_t dot = rest.find('.', 9);
      names_[reconstruct + "multi_basis." + rest] = source + rest;
      names_[reconstruct + "reconstructs." + rest.substr(9, dot - 9) + ".decompose" + rest.substr(dot)] =
          source + rest;
    } else {
      names_[reconstruct + (rest == "basis_weights" ? "multi_basis." : "decompose.") + rest] = source + rest;
    }
  }

  std::string cell_;
  Names& names_;
  std::vector<std::string> own_;
  int64_t blocks_ = 0;
};

}  // namespace

std::map<std::string, at::Tensor> named_tensors(const torch::nn::Module& net) {
  std::map<std::string, at::Tensor> tensors;
  for (const auto& item : net.named_parameters()) tensors.emplace(item.key(), item.value());
  for (const auto& item : net.named_buffers()) tensors.emplace(item.key(), item.value());
  return tensors;
}

std::map<std::string, std::string> waveletlm_names(const std::map<std::string, at::Tensor>& ours) {
  Names names, back;
  std::vector<std::string> originals, cells;
  for (const auto& [name, tensor] : ours) {
    const std::string original = name_in_waveletlm(name), cell = cell_of(original);
    originals.push_back(original);
    back[original] = name;
    if (cell.empty())
      names[original] = original;
    else if (std::ranges::count(cells, cell) == 0)
      cells.push_back(cell);
  }
  if (cells.empty()) cells.emplace_back();
  for (const std::string& cell : cells) CellNames(originals, cell, names).add();
  // The head that the original's other code asks a model of several cells for.
  if (!cells.front().empty()) names["lm_head.weight"] = names.at(cells.front() + "lm_head.weight");
  for (auto& [theirs, place] : names) place = back.at(place);
  return names;
}

std::string waveletlm_place(const std::string& key, const std::map<std::string, at::Tensor>& ours) {
  const std::string plain = without_compiler_prefix(key);
  const Names names = waveletlm_names(ours);
  const auto found = names.find(plain);
  return found == names.end() ? plain : found->second;
}

std::map<std::string, at::Tensor> values_for_waveletlm(const std::map<std::string, at::Tensor>& ours) {
  std::map<std::string, at::Tensor> theirs;
  for (const auto& [name, place] : waveletlm_names(ours)) theirs[name] = ours.at(place).detach();
  return theirs;
}

std::map<std::string, at::Tensor> values_from_waveletlm(const std::map<std::string, at::Tensor>& ours,
                                                        const std::map<std::string, at::Tensor>& theirs,
                                                        const std::string& place, const std::string& hint) {
  const Names names = waveletlm_names(ours);
  std::map<std::string, at::Tensor> values;
  Names read_from;  // ours -> theirs
  PlainNames plain = plain_names(theirs, place, [&](const std::string& name) { return names.contains(name); });
  std::vector<Problem> problems = std::move(plain.problems);
  const auto complain = [&](const std::string& name, const std::string& what) {
    problems.push_back({place, name + ": " + what, "bad_value"});
  };
  for (const auto& [plain_key, tensor] : plain.tensors) {
    const auto name = names.find(plain_key);
    const std::string& key = plain.shown.at(plain_key);
    if (name == names.end()) {
      complain(key, "no such tensor in this net");
      continue;
    }
    const at::Tensor& target = ours.at(name->second);
    const auto first = read_from.emplace(name->second, key).first;
    if (!fits(target, tensor))
      complain(key, "expected " + shape_text(target) + ", got " + shape_text(tensor));
    else if (!tensor.is_floating_point())
      complain(key, std::string("expected floating point, got ") + at::toString(tensor.scalar_type()));
    else if (const auto [known, is_first] = values.emplace(name->second, tensor.reshape(target.sizes()));
             !is_first && !known->second.equal(tensor.reshape(target.sizes())))
      complain(key, "differs from " + first->second + ", which should repeat it");
  }
  for (const auto& [name, tensor] : ours)
    if (!read_from.count(name)) complain(name_in_waveletlm(name), "missing");
  throw_complaints(std::move(problems), place, hint);
  return values;
}

void load_waveletlm(torch::nn::Module& net, const std::map<std::string, at::Tensor>& theirs) {
  const auto ours = named_tensors(net);
  const auto values = values_from_waveletlm(ours, theirs, "weights");
  const at::NoGradGuard no_gradient;
  for (const auto& [name, tensor] : values) {
    at::Tensor target = ours.at(name);
    target.copy_(tensor);
  }
}

}  // namespace subband
