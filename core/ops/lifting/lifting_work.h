// What lifting_analysis.cpp and lifting_synthesis.cpp share: networks over all positions at once, with their buffers.
#pragma once
#include <ATen/core/Tensor.h>
#include <torch/csrc/autograd/variable.h>

#include <cstdint>
#include <functional>

#include "core/ops/lifting/lifting.h"
#include "core/ops/lifting/lifting_loops.h"

namespace subband::lifting_paths {

using torch::autograd::variable_list;

inline constexpr double kRootHalf = 0.70710678118654752440;
inline constexpr double kRootTwo = 1.41421356237309504880;

/// Its tensors, and back.
void list_network(variable_list& all, const LiftingNetwork& n);
LiftingNetwork network_at(at::TensorList tensors, int64_t index);
/// W3 GELU(W0 x + b0) + b3 in plain ATen.
at::Tensor network_reference(const LiftingNetwork& n, const at::Tensor& x);
/// ShapeError naming `op` where a network is not [H,C], [H], [C,H], [C].
void expect_networks(std::string_view op, const std::vector<LiftingNetwork>& networks, int64_t hidden,
                     int64_t columns);

struct WorkShape {
  int64_t rows, hidden, columns, length;  ///< N = B L, H, C, L
};

class Work {
 public:
  Work(const WorkShape& shape, const at::TensorOptions& options);

  /// y = W3 GELU(W0 x + b0), without the last bias; keeps W0 x.  Shapes  x, y [N,C], kept [N,H]
  void apply(const LiftingNetwork& n, const at::Tensor& x_NC, at::Tensor kept_NH, at::Tensor& y_NC);
  /// From the gradient g of that y the gradients of the network's tensors, but the last bias, which stays undefined; and
  /// of x into `x_gradient`.
  LiftingNetwork back(const LiftingNetwork& n, const at::Tensor& x_NC, const at::Tensor& kept_NH,
                      const at::Tensor& g_NC, at::Tensor x_gradient);

  /// The body on all rows; the second form adds [C] sums up.
  void over_rows(const std::function<void(const Part&)>& body) const;
  at::Tensor sums_over_rows(const std::function<void(const Part&, float* sums)>& body) const;

 private:
  WorkShape shape_;
  at::Tensor a_NH_, d_NH_;
};

}  // namespace subband::lifting_paths
