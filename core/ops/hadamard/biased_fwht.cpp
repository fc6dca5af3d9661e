#include "core/ops/hadamard/biased_fwht.h"

#include <ATen/ATen.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/record_function.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <string>

#include "core/error.h"
#include "core/ops/hadamard/biased_fwht_loops.h"
#include "core/ops/hadamard/fwht.h"
#include "core/ops/op_choice.h"
#include "core/tensors/costs/recorded.h"
#include "core/tensors/expect.h"

namespace subband {

namespace biased_fwht_paths {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Counters know the transform by that name.
void record_transform(const at::Tensor& x) {
  RECORD_FUNCTION("subband::fwht", std::vector<c10::IValue>({x}));
}

int64_t rows_of(const at::Tensor& x_SBLN) { return x_SBLN.size(1) * x_SBLN.size(2); }

struct BiasedFwht : torch::autograd::Function<BiasedFwht> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& z_given,
                            const at::Tensor& context_given, const at::Tensor& gains_given) {
    const at::AutoDispatchBelowADInplaceOrView below;
    const at::Tensor z = z_given.contiguous(), past = context_given.contiguous(),
                     gains = gains_given.contiguous();
    record_transform(z);
    at::Tensor y = at::empty_like(z);
    const int64_t rows = rows_of(z), n = z.size(3), columns = past.size(2);
    const float *from = z.const_data_ptr<float>(), *of_past = past.const_data_ptr<float>();
    for (int64_t scale = 0; scale < z.size(0); ++scale) {
      const float* const gain = gains.const_data_ptr<float>() + scale * columns;
      const float* const of_scale = from + scale * rows * n;
      float* const to = y.mutable_data_ptr<float>() + scale * rows * n;
      each_chunk(rows, n, [=](int64_t first, int64_t end, int64_t) {
        biased_fwht_paths::add_bias({end - first, n, columns}, of_scale + first * n,
                                    of_past + first * columns, gain, to + first * n);
        fwht_paths::loops(to + first * n, to + first * n, end - first, n);
      });
    }
    context->save_for_backward({z_given, context_given, gains_given});
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    if (c10::GradMode::is_enabled()) {
      return gradients_again(
          [](const variable_list& in) { return biased_fwht_paths::biased_reference(in[0], in[1], in[2]); },
          saved, gradients[0]);
    }
    const at::AutoDispatchBelowADInplaceOrView below;
    const at::Tensor g = gradients[0].contiguous(), past = saved[1].contiguous(),
                     gains = saved[2].contiguous();
    record_transform(g);
    at::Tensor of_z = at::empty_like(g), of_past = at::zeros_like(past);
    const int64_t scales = g.size(0), rows = rows_of(g), n = g.size(3), columns = past.size(2);
    const float *const from = g.const_data_ptr<float>(), *const gain = gains.const_data_ptr<float>();
    const float* const values = past.const_data_ptr<float>();
    float *const to = of_z.mutable_data_ptr<float>(), *const to_past = of_past.mutable_data_ptr<float>();
    const at::Tensor of_gains = each_chunk_with_sums(
        rows, scales * n, scales * columns, [=](int64_t first, int64_t end, float* sums) {
          for (int64_t scale = 0; scale < scales; ++scale) {
            const int64_t at = (scale * rows + first) * n;
            fwht_paths::loops(from + at, to + at, end - first, n);
            biased_fwht_paths::bias_backward({end - first, n, columns}, to + at, values + first * columns,
                                             gain + scale * columns, to_past + first * columns,
                                             sums + scale * columns);
          }
        });
    return {of_z, of_past, of_gains.view(gains.sizes())};
  }
};

struct ScaledFwht : torch::autograd::Function<ScaledFwht> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& given,
                            const at::Tensor& gains_given) {
    const at::AutoDispatchBelowADInplaceOrView below;
    context->save_for_backward({given, gains_given});
    const at::Tensor x = given.contiguous();
    record_transform(x);
    return std::get<0>(transformed(x, gains_given.contiguous(), at::Tensor()));
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    if (c10::GradMode::is_enabled()) {
      return gradients_again(
          [](const variable_list& in) { return biased_fwht_paths::scaled_reference(in[0], in[1]); }, saved,
          gradients[0]);
    }
    const at::AutoDispatchBelowADInplaceOrView below;
    const at::Tensor g = gradients[0].contiguous();
    record_transform(g);
    const auto [of_x, of_gains] = transformed(g, saved[1].contiguous(), saved[0].contiguous());
    return {of_x, of_gains};
  }

  // gains_s x_s H; and, where there is a `partner`, per scale the sum of partner times x H.
  static std::tuple<at::Tensor, at::Tensor> transformed(const at::Tensor& x, const at::Tensor& gains,
                                                        const at::Tensor& partner) {
    at::Tensor y = at::empty_like(x);
    const int64_t scales = x.size(0), rows = rows_of(x), n = x.size(3);
    const float *const from = x.const_data_ptr<float>(), *const gain = gains.const_data_ptr<float>();
    const float* const other = partner.defined() ? partner.const_data_ptr<float>() : nullptr;
    float* const to = y.mutable_data_ptr<float>();
    const at::Tensor sums =
        each_chunk_with_sums(rows, scales * n, scales, [=](int64_t first, int64_t end, float* dots) {
          for (int64_t scale = 0; scale < scales; ++scale) {
            const int64_t at = (scale * rows + first) * n, count = (end - first) * n;
            fwht_paths::loops(from + at, to + at, end - first, n);
            dots[scale] =
                biased_fwht_paths::scale_and_dot(count, gain[scale], (other ? other : from) + at, to + at);
          }
        });
    return {y, sums};
  }
};

}  // namespace
}  // namespace biased_fwht_paths

at::Tensor biased(const at::Tensor& z_SBLN, const at::Tensor& context_BLC, const at::Tensor& gains_SC) {
  const int64_t padding = z_SBLN.size(-1) - context_BLC.size(-1);
  const auto padded = [padding](const at::Tensor& x) {
    return padding > 0 ? at::constant_pad_nd(x, {0, padding}) : x;
  };
  return at::addcmul(z_SBLN, padded(context_BLC).unsqueeze(0), padded(gains_SC).unsqueeze(1).unsqueeze(1));
}

at::Tensor biased_fwht(const at::Tensor& z_SBLN, const at::Tensor& context_BLC, const at::Tensor& gains_SC,
                       std::string_view path) {
  using namespace biased_fwht_paths;
  expect_shape("biased_fwht", "z", z_SBLN, {kAny, kAny, kAny, kAny});
  expect_shape("biased_fwht", "context", context_BLC, {z_SBLN.size(1), z_SBLN.size(2), kAny});
  if (context_BLC.size(2) > z_SBLN.size(3))
    throw ShapeError("biased_fwht", "context: expected at most " + std::to_string(z_SBLN.size(3)) +
                                        " columns, as z has, got " + std::to_string(context_BLC.size(2)));
  expect_shape("biased_fwht", "gains", gains_SC, {z_SBLN.size(0), context_BLC.size(2)});
  RecordedOp op("subband::biased_fwht", {z_SBLN, context_BLC, gains_SC});
  if (!takes_loops("biased_fwht", {z_SBLN, context_BLC, gains_SC}, path))
    return op.gives(biased_fwht_paths::biased_reference(z_SBLN, context_BLC, gains_SC));
  return op.gives(BiasedFwht::apply(z_SBLN, context_BLC, gains_SC));
}

at::Tensor scaled_fwht(const at::Tensor& x_SBLN, const at::Tensor& gains_S, std::string_view path) {
  using namespace biased_fwht_paths;
  expect_shape("scaled_fwht", "x", x_SBLN, {kAny, kAny, kAny, kAny});
  expect_shape("scaled_fwht", "gains", gains_S, {x_SBLN.size(0)});
  RecordedOp op("subband::scaled_fwht", {x_SBLN, gains_S});
  if (!takes_loops("scaled_fwht", {x_SBLN, gains_S}, path))
    return op.gives(biased_fwht_paths::scaled_reference(x_SBLN, gains_S));
  return op.gives(ScaledFwht::apply(x_SBLN, gains_S));
}

at::Tensor biased_fwht_paths::biased_reference(const at::Tensor& z_SBLN, const at::Tensor& context_BLC,
                                               const at::Tensor& gains_SC) {
  return fwht_paths::reference(biased(z_SBLN, context_BLC, gains_SC));
}

at::Tensor biased_fwht_paths::scaled_reference(const at::Tensor& x_SBLN, const at::Tensor& gains_S) {
  return fwht_paths::reference(x_SBLN) * gains_S.view({-1, 1, 1, 1});
}

}  // namespace subband
