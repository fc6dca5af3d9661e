#include "core/ops/features/gated_haar.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/ops/features/features_cuda.h"
#include "core/ops/op_choice.h"
#include "core/tensors/costs/recorded.h"
#include "core/tensors/device.h"
#include "core/tensors/expect.h"

namespace subband {

namespace gated_haar_paths {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr int64_t kValuesPerThread = 1 << 17;
constexpr int64_t kMostBands = 17, kMostBandsOnCuda = 7;

Extent extent_of(const at::Tensor& x_BLC, const at::Tensor& gains_BLS, const HaarPlan& plan) {
  return {.length = x_BLC.size(1),
          .channels = x_BLC.size(2),
          .levels = gains_BLS.size(2) - 1,
          .per_token = gains_BLS.size(1) > 1,
          .f = plan.f,
          .first = 0,
          .end = x_BLC.size(1)};
}

// body(extent of a stretch, sequence, scratch) for all tokens. Where a stretch begins changes no bit.
template <class Body>
void each_stretch(int64_t batch, const Extent& whole, bool is_causal, const Body& body) {
  if (whole.length == 0 || whole.channels == 0) return;
  // The causal form computes what a stretch sees before its start once more.
  const int64_t step = is_causal ? 1 : std::min(whole.seen() + 1, whole.length);
  const int64_t pieces = (whole.length + step - 1) / step;
  const int64_t least = std::max<int64_t>(1, kValuesPerThread / (step * whole.channels));
  const int64_t grain = is_causal ? std::max(least, std::min(8 * whole.seen(), whole.length)) : least;
  at::parallel_for(0, batch * pieces, grain, [&](int64_t begin, int64_t stop) {
    std::vector<float> work(static_cast<size_t>(scratch(whole, is_causal)));
    while (begin < stop) {
      const int64_t first = begin % pieces, count = std::min(pieces - first, stop - begin);
      Extent own = whole;
      own.first = first * step, own.end = std::min(whole.length, (first + count) * step);
      body(own, begin / pieces, work.data());
      begin += count;
    }
  });
}

struct Places {
  int64_t x, gains, bands;
  Places(const at::Tensor& x_BLC, const at::Tensor& gains_BLS)
      : x(x_BLC.size(1) * x_BLC.size(2)),
        gains(gains_BLS.size(1) * gains_BLS.size(2)),
        bands(x_BLC.size(1) * gains_BLS.size(2)) {}
};

variable_list haar_gradients_again(const variable_list& saved, const HaarPlan& plan, const at::Tensor& g) {
  variable_list all = gradients_again(
      [&](const variable_list& in) { return gated_haar_paths::reference(in[0], in[1], plan); }, {saved[0], saved[1]}, g);
  all.emplace_back();
  return all;
}

struct GatedHaar : torch::autograd::Function<GatedHaar> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x_given, const at::Tensor& gains_given,
                            const HaarPlan& plan) {
    const at::AutoDispatchBelowADInplaceOrView below;
    const at::Tensor x_BLC = x_given.contiguous(), gains_BLS = gains_given.contiguous();
    at::Tensor y_BLC = at::empty_like(x_BLC);
    const Places step(x_BLC, gains_BLS);
    const float *const x = x_BLC.const_data_ptr<float>(), *const gains = gains_BLS.const_data_ptr<float>();
    float* const y = y_BLC.mutable_data_ptr<float>();
    each_stretch(x_BLC.size(0), extent_of(x_BLC, gains_BLS, plan), plan.is_causal,
                 [&](const Extent& extent, int64_t b, float* work) {
                   const auto run = plan.is_causal ? gated_haar_paths::causal : gated_haar_paths::block;
                   run(extent, {x + b * step.x, gains + b * step.gains}, y + b * step.x, work);
                 });
    context->save_for_backward({x_given, gains_given});
    context->saved_data["is_causal"] = plan.is_causal;
    context->saved_data["f"] = static_cast<int64_t>(plan.f);
    return y_BLC;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const HaarPlan plan{context->saved_data["is_causal"].toBool(),
                        static_cast<BandActivation>(context->saved_data["f"].toInt())};
    if (c10::GradMode::is_enabled()) return haar_gradients_again(saved, plan, gradients[0]);
    const at::AutoDispatchBelowADInplaceOrView below;
    const at::Tensor x_BLC = saved[0].contiguous(), gains_BLS = saved[1].contiguous(), g_BLC = gradients[0].contiguous();
    at::Tensor of_x = at::empty_like(x_BLC),
               of_gains = at::zeros({x_BLC.size(0), x_BLC.size(1), gains_BLS.size(2)}, x_BLC.options());
    const Places step(x_BLC, gains_BLS);
    const float *const x = x_BLC.const_data_ptr<float>(), *const gains = gains_BLS.const_data_ptr<float>();
    const float* const g = g_BLC.const_data_ptr<float>();
    float *const to_x = of_x.mutable_data_ptr<float>(), *const to_gains = of_gains.mutable_data_ptr<float>();
    each_stretch(x_BLC.size(0), extent_of(x_BLC, gains_BLS, plan), plan.is_causal,
                 [&](const Extent& extent, int64_t b, float* work) {
                   const auto run = plan.is_causal ? gated_haar_paths::causal_backward : gated_haar_paths::block_backward;
                   run(extent, {x + b * step.x, gains + b * step.gains}, g + b * step.x,
                       {to_x + b * step.x, to_gains + b * step.bands}, work);
                 });
    if (gains_BLS.size(1) != x_BLC.size(1)) of_gains = of_gains.sum(1, true);
    return {of_x, of_gains, at::Tensor()};
  }
};

// The causal form.
struct GatedHaarOnCuda : torch::autograd::Function<GatedHaarOnCuda> {
  static SubbandGatedHaar described(const at::Tensor& x, const at::Tensor& gains, bool gelu) {
    return {x.size(0), x.size(1), x.size(2), gains.size(2) - 1, gains.size(1) > 1, gelu, cuda_stream(x.device())};
  }

  static at::Tensor forward(AutogradContext* context, const at::Tensor& x_given, const at::Tensor& gains_given,
                            BandActivation f) {
    const at::Tensor x = x_given.contiguous(), gains = gains_given.contiguous();
    at::Tensor y = at::empty_like(x);
    const SubbandGatedHaar haar = described(x, gains, f == BandActivation::gelu);
    cuda_launch<decltype(subband_cuda_gated_haar)>("gated_haar", "subband_cuda_gated_haar", &haar,
                                                   x.const_data_ptr<float>(), gains.const_data_ptr<float>(),
                                                   y.mutable_data_ptr<float>());
    context->save_for_backward({x_given, gains_given});
    context->saved_data["f"] = static_cast<int64_t>(f);
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const auto f = static_cast<BandActivation>(context->saved_data["f"].toInt());
    if (c10::GradMode::is_enabled()) return haar_gradients_again(saved, {true, f}, gradients[0]);
    const at::Tensor x = saved[0].contiguous(), gains = saved[1].contiguous(), g = gradients[0].contiguous();
    at::Tensor of_x = at::empty_like(x), of_gains = at::zeros({x.size(0), x.size(1), gains.size(2)}, x.options());
    const SubbandGatedHaar haar = described(x, gains, f == BandActivation::gelu);
    const SubbandHaarInputs in{x.const_data_ptr<float>(), gains.const_data_ptr<float>(), g.const_data_ptr<float>()};
    cuda_launch<decltype(subband_cuda_gated_haar_backward)>("gated_haar", "subband_cuda_gated_haar_backward", &haar, &in,
                                                            of_x.mutable_data_ptr<float>(),
                                                            of_gains.mutable_data_ptr<float>());
    return {of_x, gains.size(1) == x.size(1) ? of_gains : of_gains.sum(1, true), at::Tensor()};
  }
};

at::Tensor band_activated(const at::Tensor& x, BandActivation f) { return f == BandActivation::gelu ? at::gelu(x) : x; }

at::Tensor delayed(const at::Tensor& c_BLC, int64_t distance) {
  if (distance >= c_BLC.size(1)) return at::zeros_like(c_BLC);
  return at::constant_pad_nd(c_BLC, {0, 0, distance, -distance});
}

at::Tensor causal_reference(const at::Tensor& x_BLC, const at::Tensor& gains_BLS) {
  const int64_t levels = gains_BLS.size(2) - 1;
  at::Tensor c = x_BLC, y;
  for (int64_t level = 0; level < levels; ++level) {
    const at::Tensor next = (c + delayed(c, int64_t{1} << level)) * 0.5;
    const at::Tensor term = gains_BLS.narrow(2, level, 1) * (c - next);
    y = y.defined() ? y + term : term;
    c = next;
  }
  const at::Tensor rest = gains_BLS.narrow(2, levels, 1) * c;
  return y.defined() ? y + rest : rest;
}

// Column `band` of the gains for `count` coefficients that stand `stride` tokens apart.  -> [B,1 or count,1]
at::Tensor gains_of_band(const at::Tensor& gains_BLS, int64_t band, int64_t count, int64_t stride) {
  at::Tensor column = gains_BLS.narrow(2, band, 1);
  const int64_t length = column.size(1);
  if (length <= 1) return column;
  // What lies beyond the last token belongs to coefficients of nothing but filled up zeros.
  const auto index = at::TensorOptions(at::kLong).device(column.device());
  return column.index_select(1, at::arange(count, index).mul(stride).clamp_max(length - 1));
}

}  // namespace

static const double kRootHalf = std::sqrt(0.5);

std::vector<at::Tensor> analysed(const at::Tensor& x_BLC, int64_t levels) {
  const int64_t size = int64_t{1} << levels, missing = (size - x_BLC.size(1) % size) % size;
  at::Tensor a = missing == 0 ? x_BLC : at::constant_pad_nd(x_BLC, {0, 0, 0, missing});
  std::vector<at::Tensor> bands;
  for (int64_t level = 1; level <= levels; ++level) {
    const at::Tensor pairs = a.unflatten(1, {a.size(1) / 2, 2}), even = pairs.select(2, 0), odd = pairs.select(2, 1);
    bands.push_back((even - odd) * kRootHalf);
    a = (even + odd) * kRootHalf;
  }
  bands.push_back(a);
  return bands;
}

at::Tensor synthesised(const std::vector<at::Tensor>& bands, int64_t length) {
  at::Tensor a = bands.back();
  for (size_t level = bands.size() - 1; level > 0; --level) {
    const at::Tensor& d = bands[level - 1];
    a = at::stack({(a + d) * kRootHalf, (a - d) * kRootHalf}, 2).flatten(1, 2);
  }
  return a.narrow(1, 0, length);
}

at::Tensor reference(const at::Tensor& x_BLC, const at::Tensor& gains_BLS, const HaarPlan& plan) {
  const at::Tensor x = band_activated(x_BLC, plan.f);
  if (plan.is_causal) return causal_reference(x, gains_BLS);
  const int64_t levels = gains_BLS.size(2) - 1;
  std::vector<at::Tensor> bands = analysed(x, levels);
  for (int64_t band = 0; band <= levels; ++band) {
    at::Tensor& each = bands[static_cast<size_t>(band)];
    each = each * gains_of_band(gains_BLS, band, each.size(1), int64_t{1} << std::min(band + 1, levels));
  }
  return synthesised(bands, x_BLC.size(1));
}

}  // namespace gated_haar_paths

at::Tensor gated_haar(const at::Tensor& x_BLC, const at::Tensor& gains_BLS, const HaarPlan& plan,
                      std::string_view path) {
  expect_shape("gated_haar", "x", x_BLC, {kAny, kAny, kAny});
  expect_shape("gated_haar", "gains", gains_BLS,
               {x_BLC.size(0), gains_BLS.dim() == 3 && gains_BLS.size(1) == 1 ? 1 : x_BLC.size(1), kAny});
  const int64_t bands = gains_BLS.size(2);
  if (bands < 1 || bands > gated_haar_paths::kMostBands)
    throw ShapeError("gated_haar", "gains: expected 1 to 17 bands, got " + std::to_string(bands));
  RecordedOp op("subband::gated_haar", {x_BLC, gains_BLS});
  const bool has_kernel = plan.is_causal && bands <= gated_haar_paths::kMostBandsOnCuda;
  const FastPaths fast{.cuda = has_kernel ? KernelTypes::fp32 : KernelTypes::none};
  switch (taken_path("gated_haar", {x_BLC, gains_BLS}, path, fast)) {
    case OpPath::loops: return op.gives(gated_haar_paths::GatedHaar::apply(x_BLC, gains_BLS, plan));
    case OpPath::cuda: return op.gives(gated_haar_paths::GatedHaarOnCuda::apply(x_BLC, gains_BLS, plan.f));
    case OpPath::reference: break;
  }
  return op.gives(gated_haar_paths::reference(x_BLC, gains_BLS, plan));
}

}  // namespace subband
