#include "experiments/training/checkpoints/former_names.h"

#include <algorithm>
#include <map>
#include <vector>

#include "core/text.h"
#include "models/wavelet/waveletlm_names.h"

namespace subband {

static constexpr const char* kModel = "model/";
static constexpr const char* kOptimizer = "optimizer/";

Tensors with_present_names(const Tensors& stored, const std::string& net_type) {
  const bool is_waveletlm = net_type == "wavelet_lm" || net_type == "multinodal";
  const size_t prefix = std::string(kModel).size();
  Tensors tensors;
  for (const auto& [name, tensor] : stored) {
    if (!name.starts_with(kModel)) {
      tensors[name] = tensor;
      continue;
    }
    const std::string former = name.substr(prefix);
    tensors[kModel + (is_waveletlm ? name_from_waveletlm(former) : former_name_from_mixer(former))] = tensor;
  }
  return tensors;
}

// Today's names in the order in which the parameters were registered while the parts of a block stood in it as the
// original's do: the order that numbered them.
static std::vector<std::string> numbered_names(const torch::nn::Module& net) {
  struct Numbered {
    std::string name;
    int64_t place;
  };
  std::vector<std::string> names;
  std::map<std::string, std::vector<size_t>> owners;  // where the parameters of each stand
  for (const Parameter& each : parameters_of(net)) {
    owners[place_in_waveletlm(each.name).first].push_back(names.size());
    names.push_back(each.name);
  }
  const std::vector<std::string> today = names;
  for (const auto& [owner, at] : owners) {
    if (std::ranges::count(today, owner + ".scale_gains") == 0) continue;  // no part of WaveletLM
    std::vector<Numbered> inside;
    for (const size_t i : at) inside.push_back({today[i], place_in_waveletlm(today[i]).second});
    std::ranges::stable_sort(inside, {}, &Numbered::place);
    for (size_t i = 0; i < at.size(); ++i) names[at[i]] = inside[i].name;
  }
  return names;
}

Tensors optimizer_state(const Tensors& stored, const torch::nn::Module& net) {
  const std::vector<std::string> names = numbered_names(net);
  Tensors state;
  for (const auto& [key, tensor] : stored) {
    if (!key.starts_with(kOptimizer)) continue;
    std::string name = key.substr(std::string(kOptimizer).size());
    const size_t dot = name.find('.');
    const auto number = dot == std::string::npos ? std::nullopt : parse_integer(name.substr(dot + 1));
    if (number && *number >= 0 && *number < static_cast<int64_t>(names.size()))
      name = name.substr(0, dot + 1) + names[static_cast<size_t>(*number)];
    state[name] = tensor;
  }
  return state;
}

}  // namespace subband
