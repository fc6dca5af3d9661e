#include "models/part_cost.h"

#include <algorithm>
#include <numeric>

namespace subband {

void PartCosts::add(const std::string& part, const torch::nn::Module& module, double flops,
                    int64_t state_bytes) {
  PartCost& cost = entry(part);
  cost.flops += flops;
  cost.state_bytes += state_bytes;
  for (const at::Tensor& parameter : module.parameters()) count(cost, parameter);
}

double PartCosts::flops() const {
  return std::accumulate(parts_.begin(), parts_.end(), 0.0,
                         [](double sum, const PartCost& each) { return sum + each.flops; });
}

int64_t PartCosts::parameters() const {
  return std::accumulate(parts_.begin(), parts_.end(), int64_t{0},
                         [](int64_t sum, const PartCost& each) { return sum + each.parameters; });
}

int64_t PartCosts::state_bytes() const {
  return std::accumulate(parts_.begin(), parts_.end(), int64_t{0},
                         [](int64_t sum, const PartCost& each) { return sum + each.state_bytes; });
}

PartCost& PartCosts::entry(const std::string& part) {
  const auto found = std::ranges::find(parts_, part, &PartCost::part);
  return found != parts_.end() ? *found : parts_.emplace_back(PartCost{.part = part});
}

void PartCosts::count(PartCost& cost, const at::Tensor& parameter) {
  if (seen_.insert(parameter.unsafeGetTensorImpl()).second) cost.parameters += parameter.numel();
}

}  // namespace subband
