#include "core/ops/products/linear.h"

#include <ATen/ATen.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <optional>

#include "core/ops/lifting/gelu_network.h"
#include "core/ops/op_choice.h"
#include "core/tensors/costs/recorded.h"

namespace subband {

namespace linear_paths {
namespace {

using torch::autograd::variable_list;

struct Linear : torch::autograd::Function<Linear> {
  using Context = torch::autograd::AutogradContext;

  static at::Tensor forward(Context* context, const at::Tensor& x, const at::Tensor& weight_OI,
                            const std::optional<at::Tensor>& bias_O) {
    const at::AutoDispatchBelowADInplaceOrView below;
    context->save_for_backward({x, weight_OI, bias_O.value_or(at::Tensor())});
    const at::Tensor x_NI = x.reshape({-1, x.size(-1)});
    const at::Tensor y_NO = bias_O ? at::addmm(*bias_O, x_NI, weight_OI.t()) : at::mm(x_NI, weight_OI.t());
    std::vector<int64_t> shape = x.sizes().vec();
    shape.back() = weight_OI.size(0);
    return y_NO.view(shape);
  }

  static variable_list backward(Context* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight_OI = saved[1], &bias_O = saved[2];
    if (c10::GradMode::is_enabled()) {
      return gradients_again([](const variable_list& in) { return at::linear(in[0], in[1], in[2]); }, saved,
                             gradients[0]);
    }
    const at::AutoDispatchBelowADInplaceOrView below;
    const at::Tensor g_NO = gradients[0].reshape({-1, weight_OI.size(0)}).contiguous();
    at::Tensor of_x, of_bias;
    if (context->needs_input_grad(0)) of_x = at::mm(g_NO, weight_OI).view(x.sizes());
    if (bias_O.defined()) of_bias = sum_of_rows(g_NO);
    return {of_x, at::mm(g_NO.t(), x.reshape({-1, x.size(-1)})), of_bias};
  }

  static at::Tensor sum_of_rows(const at::Tensor& g_NO) {
    const int64_t columns = g_NO.size(1);
    const float* const g = g_NO.const_data_ptr<float>();
    return each_chunk_with_sums(g_NO.size(0), columns, columns, [=](int64_t first, int64_t end, float* sums) {
      gelu_network_paths::add_rows({end - first, columns}, g + first * columns, sums);
    });
  }
};

}  // namespace
}  // namespace linear_paths

at::Tensor linear(const at::Tensor& x, const at::Tensor& weight_OI, const at::Tensor& bias_O,
                  std::string_view path) {
  RecordedOp op("subband::linear", {x, weight_OI, bias_O});
  if (!takes_loops("linear", {x, weight_OI, bias_O}, path)) return op.gives(at::linear(x, weight_OI, bias_O));
  const std::optional<at::Tensor> bias = bias_O.defined() ? std::optional(bias_O) : std::nullopt;
  return op.gives(linear_paths::Linear::apply(x, weight_OI, bias));
}

}  // namespace subband
