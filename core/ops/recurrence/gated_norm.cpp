#include "core/ops/recurrence/gated_norm.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <optional>

#include "core/ops/op_choice.h"
#include "core/tensors/costs/recorded.h"
#include "core/tensors/expect.h"

namespace subband {

namespace gated_norm_paths {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;
using MaybeGain = std::optional<at::Tensor>;

const float* values_of(const at::Tensor& x) { return x.defined() ? x.const_data_ptr<float>() : nullptr; }

// Those from row `first` on.
NormRows norm_rows(const variable_list& all, double epsilon, int64_t first, int64_t end) {
  const int64_t V = all[0].size(-1);
  return {end - first, V, static_cast<float>(epsilon), values_of(all[0]) + first * V, values_of(all[1]),
          values_of(all[2]) + first * V};
}

variable_list dense(const variable_list& all) {
  return {all[0].contiguous(), all[1].defined() ? all[1].contiguous() : all[1], all[2].contiguous()};
}

int64_t row_count(const at::Tensor& x_HV) { return x_HV.numel() / std::max<int64_t>(1, x_HV.size(-1)); }

struct GatedNorm : torch::autograd::Function<GatedNorm> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x_HV, const MaybeGain& gain_V,
                            const at::Tensor& z, double epsilon) {
    const variable_list given = {x_HV, gain_V.value_or(at::Tensor()), z}, all = dense(given);
    context->save_for_backward(given);
    context->saved_data["epsilon"] = epsilon;
    at::Tensor y = at::empty(z.sizes(), z.options());
    float* const to = y.mutable_data_ptr<float>();
    const int64_t V = x_HV.size(-1);
    each_chunk(row_count(x_HV), V, [&](int64_t first, int64_t end, int64_t) {
      loops(norm_rows(all, epsilon, first, end), to + first * V);
    });
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const double epsilon = context->saved_data["epsilon"].toDouble();
    if (c10::GradMode::is_enabled()) {
      variable_list found = gradients_again(
          [epsilon](const variable_list& in) { return reference(in[0], in[1], in[2], epsilon); }, saved, gradients[0]);
      found.emplace_back();
      return found;
    }
    const variable_list all = dense(saved);
    const at::Tensor g = gradients[0].contiguous();
    at::Tensor of_x = at::empty(all[0].sizes(), g.options()), of_z = at::empty(all[2].sizes(), g.options());
    float *const to_x = of_x.mutable_data_ptr<float>(), *const to_z = of_z.mutable_data_ptr<float>();
    const float* const from = values_of(g);
    const int64_t V = all[0].size(-1), rows = row_count(all[0]);
    const auto part = [&](int64_t first, int64_t end, float* of_gain) {
      loops_backward(norm_rows(all, epsilon, first, end), from + first * V, to_x + first * V, to_z + first * V, of_gain);
    };
    at::Tensor of_gain;
    if (all[1].defined())
      of_gain = each_chunk_with_sums(rows, V, V, part);
    else
      each_chunk(rows, V, [&](int64_t first, int64_t end, int64_t) { part(first, end, nullptr); });
    return {of_x, of_gain, of_z, at::Tensor()};
  }
};

}  // namespace
}  // namespace gated_norm_paths

at::Tensor gated_norm(const at::Tensor& x_BLHV, const at::Tensor& gain_V, const at::Tensor& z_BLC, double epsilon,
                      std::string_view path) {
  expect_shape("gated_norm", "x", x_BLHV, {kAny, kAny, kAny, kAny});
  const int64_t H = x_BLHV.size(2), V = x_BLHV.size(3);
  if (gain_V.defined()) expect_shape("gated_norm", "gain", gain_V, {V});
  expect_shape("gated_norm", "z", z_BLC, {x_BLHV.size(0), x_BLHV.size(1), H * V});
  RecordedOp op("subband::gated_norm", {x_BLHV, z_BLC});
  if (!takes_loops("gated_norm", {x_BLHV, gain_V, z_BLC}, path))
    return op.gives(gated_norm_paths::reference(x_BLHV, gain_V, z_BLC, epsilon));
  const auto gain = gain_V.defined() ? std::optional(gain_V) : std::nullopt;
  return op.gives(gated_norm_paths::GatedNorm::apply(x_BLHV, gain, z_BLC, epsilon));
}

at::Tensor gated_norm_paths::reference(const at::Tensor& x_BLHV, const at::Tensor& gain_V, const at::Tensor& z_BLC,
                                       double epsilon) {
  at::Tensor y = x_BLHV * (x_BLHV.square().mean(-1, true) + epsilon).rsqrt();
  y = y.to(z_BLC.scalar_type());
  if (gain_V.defined()) y = y * gain_V;
  return y.flatten(-2) * at::silu(z_BLC);
}

}  // namespace subband
