#include "core/ops/sequence/causal_filter.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/stack.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <vector>

#include "core/error.h"
#include "core/ops/op_choice.h"
#include "core/ops/op_paths.h"
#include "core/tensors/costs/recorded.h"
#include "core/tensors/device.h"
#include "core/tensors/expect.h"

namespace subband {

namespace {

using causal_filter_paths::Extent;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

bool takes_weights(const at::Tensor& weights_K, const at::Tensor& x) {
  return weights_K.is_cpu() && weights_K.scalar_type() == x.scalar_type();
}

bool filter_takes_cuda(const at::Tensor& x) { return x.is_cuda() && cuda_value_type(x.scalar_type()) >= 0; }

bool filter_takes_loops(const at::Tensor& x) { return x.is_cpu() && x.scalar_type() == at::kFloat; }

Extent extent_of(const at::Tensor& x_BLC, const at::Tensor& weights_K, int64_t first) {
  return {x_BLC.size(0), x_BLC.size(1), x_BLC.size(2), first, weights_K.size(0)};
}

at::Tensor delayed(const at::Tensor& x_BLC, int64_t distance) {
  const int64_t length = x_BLC.size(1), kept = std::max<int64_t>(0, length - distance);
  return at::constant_pad_nd(x_BLC.narrow(1, 0, kept), {0, 0, length - kept, 0});
}

struct CausalFilter : torch::autograd::Function<CausalFilter> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x_BLC, const at::Tensor& weights_K,
                            int64_t first) {
    const at::Tensor x = x_BLC.contiguous(), weights = weights_K.contiguous();
    at::Tensor y = at::empty_like(x);
    count_op("causal_filter", "loops", causal_filter_paths::loops_instructions());
    causal_filter_paths::loops(extent_of(x, weights, first), x.const_data_ptr<float>(),
                               weights.const_data_ptr<float>(), y.mutable_data_ptr<float>());
    context->save_for_backward({x_BLC, weights_K});  // as given: a copy made here has no history to differentiate
    context->saved_data["first"] = first;
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const int64_t first = context->saved_data["first"].toInt();
    if (c10::GradMode::is_enabled()) return differentiable(saved[0], saved[1], first, gradients[0]);
    const at::Tensor x = saved[0].contiguous(), weights = saved[1].contiguous(), g = gradients[0].contiguous();
    count_op("causal_filter backward", "loops", causal_filter_paths::loops_instructions());
    const Extent extent = extent_of(x, weights, first);
    at::Tensor gradient_x = at::empty_like(x);
    at::Tensor gradient_w = at::empty(weights.sizes(), weights.options().dtype(at::kDouble));
    causal_filter_paths::loops_backward(extent, g.const_data_ptr<float>(), weights.const_data_ptr<float>(),
                                        gradient_x.mutable_data_ptr<float>());
    causal_filter_paths::loops_backward_weights(extent, g.const_data_ptr<float>(), x.const_data_ptr<float>(),
                                                gradient_w.mutable_data_ptr<double>());
    return {gradient_x, gradient_w.to(at::kFloat), at::Tensor()};
  }

  // Where the gradient itself is to be differentiated, the reference makes it.
  static variable_list differentiable(const at::Tensor& x, const at::Tensor& weights, int64_t first,
                                      const at::Tensor& g) {
    count_op("causal_filter backward", "reference", "the gradient is differentiated again");
    const at::Tensor turned = causal_filter_paths::reference(g.flip(1), weights, first).flip(1);
    std::vector<at::Tensor> of_weights;
    for (int64_t k = 0; k < weights.size(0); ++k) of_weights.push_back((g * delayed(x, first + k)).sum());
    return {turned, at::stack(of_weights), at::Tensor()};
  }
};

// On a device; the weights and their gradient are fp32 there.
struct CausalFilterOnCuda : torch::autograd::Function<CausalFilterOnCuda> {
  static SubbandCausalFilter described(const at::Tensor& x, int64_t taps, int64_t first) {
    return {x.size(0),
            x.size(1),
            x.size(2),
            first,
            taps,
            cuda_value_type(x.scalar_type()),
            cuda_stream(x.device())};
  }
  static at::Tensor filtered(const at::Tensor& x, const at::Tensor& weights_K, int64_t first, int direction) {
    at::Tensor y = at::empty_like(x);
    const SubbandCausalFilter filter = described(x, weights_K.size(0), first);
    cuda_launch<decltype(subband_cuda_causal_filter)>("causal_filter", "subband_cuda_causal_filter", &filter,
                                                      x.const_data_ptr(), weights_K.const_data_ptr<float>(),
                                                      y.mutable_data_ptr(), direction);
    return y;
  }

  static at::Tensor forward(AutogradContext* context, const at::Tensor& x_BLC, const at::Tensor& weights_K,
                            int64_t first) {
    count_op("causal_filter", "cuda");
    context->save_for_backward({x_BLC, weights_K});
    context->saved_data["first"] = first;
    return filtered(x_BLC.contiguous(), weights_K.to(at::kFloat).contiguous(), first, -1);
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const int64_t first = context->saved_data["first"].toInt();
    if (c10::GradMode::is_enabled())
      return CausalFilter::differentiable(saved[0], saved[1], first, gradients[0]);
    count_op("causal_filter backward", "cuda");
    const at::Tensor x = saved[0].contiguous(), g = gradients[0].contiguous();
    const at::Tensor weights = saved[1].to(at::kFloat).contiguous();
    constexpr int64_t kRows = causal_filter_paths::kCudaRows;
    const int64_t blocks = x.size(0) * ((x.size(1) + kRows - 1) / kRows);
    at::Tensor partial = at::empty({blocks, weights.size(0)}, weights.options()),
               of_w = at::empty_like(weights);
    const SubbandCausalFilter filter = described(x, weights.size(0), first);
    cuda_launch<decltype(subband_cuda_causal_filter_weights)>(
        "causal_filter", "subband_cuda_causal_filter_weights", &filter, g.const_data_ptr(),
        x.const_data_ptr(), partial.mutable_data_ptr<float>(), of_w.mutable_data_ptr<float>());
    return {filtered(g, weights, first, +1), of_w.to(saved[1].scalar_type()), at::Tensor()};
  }
};

at::Tensor through_reference(const at::Tensor& x_BLC, const at::Tensor& weights_K, int64_t first,
                             bool is_forced) {
  const std::string why =
      filter_takes_loops(x_BLC) ? std::string("weights of ") + c10::toString(weights_K.scalar_type()) + ": the loops take fp32"
      : x_BLC.is_cpu() ? std::string(c10::toString(x_BLC.scalar_type())) + ": the loops take fp32"
      : x_BLC.is_cuda()
          ? std::string(c10::toString(x_BLC.scalar_type())) + ": the kernel takes fp32, fp16 and bf16"
          : "no kernel for " + x_BLC.device().str();
  count_op("causal_filter", "reference", is_forced ? "forced" : why);
  return causal_filter_paths::reference(x_BLC, weights_K, first);
}

}  // namespace

std::string causal_filter_path(const at::Tensor& x_BLC) {
  if (filter_takes_cuda(x_BLC)) return "cuda";
  return filter_takes_loops(x_BLC) ? "loops" : "reference";
}

at::Tensor causal_filter(const at::Tensor& x_BLC, const at::Tensor& weights_K, int64_t first,
                         std::string_view path) {
  expect_shape("causal_filter", "x", x_BLC, {kAny, kAny, kAny});
  expect_shape("causal_filter", "weights", weights_K, {kAny});
  if (weights_K.size(0) == 0)
    throw ShapeError("causal_filter", "weights: expected one at least, got none");
  if (first < 0)
    throw ShapeError("causal_filter",
                     "first = " + std::to_string(first) + ": must be 0 or more; the future is unseen");
  const std::string asked = op_path("causal_filter", path);
  const bool fits_loops = filter_takes_loops(x_BLC) && takes_weights(weights_K, x_BLC);
  std::string chosen = asked == "auto" ? causal_filter_path(x_BLC) : asked;
  if (asked == "auto" && chosen == "loops" && !fits_loops) chosen = "reference";
  RecordedOp op("subband::causal_filter", {x_BLC, weights_K});
  if (chosen == "reference") return op.gives(through_reference(x_BLC, weights_K, first, asked != "auto"));
  if (chosen == "loops" && fits_loops)
    return op.gives(CausalFilter::apply(x_BLC, weights_K, first));
  if (chosen == "cuda" && filter_takes_cuda(x_BLC))
    return op.gives(CausalFilterOnCuda::apply(x_BLC, weights_K, first));
  throw ShapeError(
      "causal_filter",
      "path = " + chosen + ": must be auto, reference, loops (CPU, fp32) or cuda (CUDA, fp32, fp16 or bf16)");
}

at::Tensor causal_filter_paths::reference(const at::Tensor& x_BLC, const at::Tensor& weights_K,
                                          int64_t first) {
  at::Tensor sum;
  for (int64_t k = 0; k < weights_K.size(0); ++k) {
    const at::Tensor term = delayed(x_BLC, first + k) * weights_K.select(0, k);
    sum = sum.defined() ? sum + term : term;
  }
  return sum;
}

}  // namespace subband
