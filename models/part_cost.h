// What the parts of a net cost: parameters, operations, decoding state.
#pragma once
#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace subband {

struct PartCost {
  std::string part;  ///< `blocks.*.mixer`: all layers together
  int64_t parameters = 0;
  double flops = 0;         ///< of one forward pass over one sequence
  int64_t state_bytes = 0;  ///< that decoding keeps per sequence
};

/// A sum by name. A parameter that was counted before, under whichever name, counts no more.
class PartCosts {
 public:
  void add(const std::string& part, const torch::nn::Module& module, double flops, int64_t state_bytes = 0);
  void add_state(const std::string& part, int64_t bytes) { entry(part).state_bytes += bytes; }

  const std::vector<PartCost>& parts() const { return parts_; }  ///< in the order of their first mention
  double flops() const;
  int64_t parameters() const;
  int64_t state_bytes() const;

 private:
  PartCost& entry(const std::string& part);
  void count(PartCost& cost, const at::Tensor& parameter);

  std::vector<PartCost> parts_;
  std::set<const void*> seen_;
};

}  // namespace subband
