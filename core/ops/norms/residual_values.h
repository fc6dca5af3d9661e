// What the paths of residual_norm share: the terms of a sum and its norm, as a flat list of tensors and back.
#pragma once
#include <ATen/core/Tensor.h>
#include <torch/csrc/autograd/variable.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/ops/norms/residual_norm.h"

namespace subband::residual_norm_paths {

using torch::autograd::variable_list;

inline constexpr size_t kMostTerms = 63;  ///< the stream and its branches

/// What stands in a flat list of tensors: every term with its gain, the stream first; weight and bias.
struct Layout {
  size_t terms = 0;
  uint64_t gains = 0;  ///< a bit for each term
  bool normed = false, biased = false;
  NormKind kind = NormKind::layer;
  double epsilon = 0;

  bool has_gain(size_t k) const { return (gains >> k & 1) != 0; }
};

struct Values {
  std::vector<ResidualTerm> terms;
  NormWeights norm;  ///< without weight: the sum alone
  ResidualTerm stream() const { return terms[0]; }
  std::vector<ResidualTerm> branches() const { return {terms.begin() + 1, terms.end()}; }
  bool normed() const { return norm.weight_C.defined(); }
};
Values values_of(at::TensorList list, const Layout& layout);
variable_list listed(const Values& values, Layout& layout);
Values in_order(Values values);  ///< contiguous

/// The sum, and where there is a norm what comes out of it and mean and 1 / deviation of every row, [rows,2] in fp32.
struct Results {
  at::Tensor sum, normed, kept;
};
/// Gradients of sum and normed; either may be undefined, not both.
struct Incoming {
  at::Tensor of_sum, of_normed;
};
/// residual_norm_cpu.cpp. Gradients are in the order of the list.
Results by_loops(const Values& given);
variable_list back_by_loops(const Values& given, const Results& results, const Incoming& incoming);
/// residual_norm_device.cpp
Results on_cuda(const Values& given);
variable_list back_on_cuda(const Values& given, const Results& results, const Incoming& incoming);

}  // namespace subband::residual_norm_paths
