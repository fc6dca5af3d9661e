// What lifting_analysis.cpp and lifting_synthesis.cpp share: networks over blocks of positions, with their buffers.
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
/// Rows whose values, and those of the hidden layer, stay in the second-level cache from one loop to the next.
struct RowBlock {
  int64_t first, count;
  at::Tensor of(const at::Tensor& x_NX) const { return x_NX.narrow(0, first, count); }
};

class Work {
 public:
  Work(const WorkShape& shape, const at::TensorOptions& options);

  /// Every block of rows, from the first on.
  void each_block(const std::function<void(const RowBlock&)>& body) const;

  /// W3 GELU(W0 x + b0) of a block's rows x, without the last bias, in memory that the next call takes again; `kept` gets
  /// W0 x. Undefined: nothing is kept.  Shapes  x [n,C], kept [n,H] -> [n,C]
  const float* apply(const LiftingNetwork& n, const at::Tensor& x_nC, at::Tensor kept_nH);
  /// From the gradient g of that y the gradients of the network's tensors, but of the last bias, added to `sums`; and of x
  /// into `x_gradient`.
  void back(const LiftingNetwork& n, const at::Tensor& x_nC, const at::Tensor& kept_nH, const at::Tensor& g_nC,
            at::Tensor x_gradient, LiftingNetwork& sums);

  /// The body on the rows of a block, in parts; the second form adds [C] sums up, and to `sums`.
  void over_rows(const RowBlock& block, const std::function<void(const Part&)>& body) const;
  void over_rows(const RowBlock& block, at::Tensor& sums,
                 const std::function<void(const Part&, float* sums)>& body) const;

 private:
  WorkShape shape_;
  int64_t block_rows_;
  at::Tensor a_nH_, y_nC_, d_nH_, h_nH_;  // of a block
};

}  // namespace subband::lifting_paths
