#include "models/waveletlm_weights.h"

#include <ATen/ATen.h>

#include <set>
#include <vector>

#include "core/error.h"

namespace subband {

namespace {

void replace_first(std::string& text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  if (at != std::string::npos) text.replace(at, from.size(), to);
}

std::string shape_text(const at::Tensor& tensor) {
  std::string text;
  for (const int64_t size : tensor.sizes()) text += (text.empty() ? "" : ", ") + std::to_string(size);
  return "[" + text + "]";
}

// Scalars come as [] or [1].
bool fits(const at::Tensor& ours, const at::Tensor& theirs) {
  return ours.sizes() == theirs.sizes() || (ours.dim() == 0 && theirs.numel() == 1);
}

}  // namespace

std::map<std::string, at::Tensor> named_tensors(const torch::nn::Module& net) {
  std::map<std::string, at::Tensor> tensors;
  for (const auto& item : net.named_parameters()) tensors.emplace(item.key(), item.value());
  for (const auto& item : net.named_buffers()) tensors.emplace(item.key(), item.value());
  return tensors;
}

std::string waveletlm_place(const std::string& key, const std::map<std::string, at::Tensor>& ours) {
  std::string place = key;
  replace_first(place, "_orig_mod.", "");
  if (ours.count(place)) return place;
  if (place == "lm_head.weight") return "token_embedding.weight";
  const bool repeats = place.find(".lifting_reconstruct.decompose.") != std::string::npos;
  replace_first(place, ".lifting_reconstruct.decompose.", ".lifting_reconstruct_wavelet.");
  if (repeats && !ours.count(place))
    replace_first(place, ".lifting_reconstruct_wavelet.", ".lifting_wavelet.");
  const size_t block = place.find(".lifting_wavelet.");
  if (!ours.count(place) && block != std::string::npos) place = "layers.0" + place.substr(block);
  return place;
}

void load_waveletlm(torch::nn::Module& net, const std::map<std::string, at::Tensor>& theirs) {
  const auto ours = named_tensors(net);
  std::map<std::string, at::Tensor> values;
  std::vector<Problem> problems;
  const auto complain = [&](const std::string& name, const std::string& what) {
    problems.push_back({"weights", name + ": " + what, "bad_value"});
  };
  for (const auto& [key, tensor] : theirs) {
    const std::string place = waveletlm_place(key, ours);
    const auto found = ours.find(place);
    if (found == ours.end())
      complain(key, "no such tensor in this net");
    else if (!fits(found->second, tensor))
      complain(key, "expected " + shape_text(found->second) + ", got " + shape_text(tensor));
    else if (const auto [known, is_new] = values.emplace(place, tensor);
             !is_new && !known->second.equal(tensor))
      complain(key, "differs from " + place + ", which it should repeat");
  }
  for (const auto& [name, tensor] : ours)
    if (!values.count(name)) complain(name, "missing");
  if (!problems.empty()) throw Error(problems);
  const at::NoGradGuard no_gradient;
  for (const auto& [name, tensor] : values) {
    at::Tensor target = ours.at(name);
    target.copy_(tensor.view_as(target));
  }
}

}  // namespace subband
