// A linear map as one operation of the graph. No LibTorch header and no CUDA header here.
#pragma once
#include <string_view>

namespace at {
class Tensor;
}

namespace subband {

/// y = W x + b over the last axis; `bias` may be undefined. LibTorch's own linear leaves up to four operations in the
/// graph, and adds the bias's gradient up in a pass of its own kind; the loops leave one.
/// Shapes  x [..., I], W [O,I], b [O] -> y [..., O]; one floating dtype and device
/// `path`  `auto`, or one of `reference`, `loops` by force; what ran is counted (op_paths.h)
/// Errors  ShapeError when the forced path cannot take x
at::Tensor linear(const at::Tensor& x, const at::Tensor& weight_OI, const at::Tensor& bias_O,
                  std::string_view path = "auto");

}  // namespace subband
