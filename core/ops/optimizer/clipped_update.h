// Clipping and an optimiser's update in one pass over memory, of many tensors at once. No CUDA header here.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string_view>
#include <vector>

namespace subband {

/// L2 norm of all values of all tensors together; 0 of none. The loops add squares up in fp64 behind every few thousand.
/// Shapes  -> [], on the tensors' device
/// `path`  `auto`, or one of `reference`, `loops` by force; what ran is counted (op_paths.h)
at::Tensor gradient_norm(const std::vector<at::Tensor>& gradients, std::string_view path = "auto");

/// Gradients times min(1, limit / (norm + 1e-6)), as PyTorch's clip_grad_norm_ has it.
struct GradientClip {
  at::Tensor norm;    ///< [], of all gradients together; undefined: they are taken as they are
  double limit = 0;   ///< 0: they are taken as they are
  double factor() const;  ///< no number where the norm is none
};

/// Tensors of one dtype and device, one list entry for each parameter.
struct UpdateTensors {
  std::vector<at::Tensor> parameters, gradients;
  std::vector<at::Tensor> first, second;  ///< Adagrad: sums of squares, none; AdamW: averaged gradients and squares
  std::vector<at::Tensor> steps;          ///< of AdamW: fp32 [], t before this step; it becomes t + 1
};

struct UpdateRule {
  double rate, weight_decay, eps;
  double beta1 = 0, beta2 = 0;  ///< of AdamW
};

/// Parameters and state after one step; gradients stay as they are.
///   g' = f g + wd p;  s += g'^2;  p -= lr g' / (sqrt(s) + eps)
/// `path`  `auto`, or one of `reference`, `loops`, `cuda` (fp32) by force; what ran is counted
/// Errors  ShapeError when a tensor has not its parameter's shape, or the forced path cannot take them
void clipped_adagrad(const UpdateTensors& tensors, const UpdateRule& rule, const GradientClip& clip,
                     std::string_view path = "auto");
///   g' = f g;  p -= lr wd p;  m += (1 - b1) (g' - m);  v = b2 v + (1 - b2) g'^2
///   p -= lr / (1 - b1^t) m / (sqrt(v) / sqrt(1 - b2^t) + eps)
void clipped_adamw(const UpdateTensors& tensors, const UpdateRule& rule, const GradientClip& clip,
                   std::string_view path = "auto");

}  // namespace subband
