#include "core/ops/sequence/gated_scan.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "core/ops/op_choice.h"
#include "core/tensors/costs/recorded.h"
#include "core/tensors/device.h"
#include "core/tensors/expect.h"

namespace subband {

namespace gated_scan_paths {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

SubbandGatedScan described(const at::Tensor& x) {
  return {x.size(0), x.size(1), x.size(2), cuda_stream(x.device())};
}

variable_list scan_gradients_again(const variable_list& saved, const at::Tensor& g) {
  return gradients_again([](const variable_list& in) { return gated_scan_paths::reference(in[0], in[1]); },
                         {saved[0], saved[1]}, g);
}

constexpr int64_t kScannedPerThread = 1 << 17;
constexpr int64_t kColumns = 64;  // that walk through time together

// run(extent, at) on every sequence's channels, kColumns at a time; `at` is where they begin.
template <class Run>
void each_scan(const at::Tensor& x_BLC, const Run& run) {
  const int64_t length = x_BLC.size(1), channels = x_BLC.size(2), pieces = (channels + kColumns - 1) / kColumns;
  const int64_t grain = std::max<int64_t>(1, kScannedPerThread / std::max<int64_t>(1, length * kColumns));
  at::parallel_for(0, x_BLC.size(0) * pieces, grain, [&](int64_t begin, int64_t stop) {
    for (int64_t piece = begin; piece < stop; ++piece) {
      const int64_t first = piece % pieces * kColumns;
      run(gated_scan_paths::Extent{length, std::min(kColumns, channels - first), channels},
          piece / pieces * length * channels + first);
    }
  });
}

struct GatedScanByLoops : torch::autograd::Function<GatedScanByLoops> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& a_given, const at::Tensor& u_given) {
    const at::AutoDispatchBelowADInplaceOrView below;
    const at::Tensor a_BLC = a_given.contiguous(), u_BLC = u_given.contiguous();
    at::Tensor y_BLC = at::empty_like(u_BLC);
    const float *const a = a_BLC.const_data_ptr<float>(), *const u = u_BLC.const_data_ptr<float>();
    float* const y = y_BLC.mutable_data_ptr<float>();
    each_scan(y_BLC, [=](const gated_scan_paths::Extent& extent, int64_t at) {
      gated_scan_paths::loops(extent, a + at, u + at, y + at);
    });
    context->save_for_backward({a_given, u_given, y_BLC});
    return y_BLC;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    if (c10::GradMode::is_enabled()) return scan_gradients_again(saved, gradients[0]);
    const at::AutoDispatchBelowADInplaceOrView below;
    const at::Tensor a_BLC = saved[0].contiguous(), g_BLC = gradients[0].contiguous();
    at::Tensor of_a = at::empty_like(a_BLC), of_u = at::empty_like(a_BLC);
    const float *const a = a_BLC.const_data_ptr<float>(), *const y = saved[2].const_data_ptr<float>();
    const float* const g = g_BLC.const_data_ptr<float>();
    float *const to_a = of_a.mutable_data_ptr<float>(), *const to_u = of_u.mutable_data_ptr<float>();
    each_scan(a_BLC, [=](const gated_scan_paths::Extent& extent, int64_t at) {
      gated_scan_paths::loops_backward(extent, {a + at, y + at}, g + at, {to_a + at, to_u + at});
    });
    return {of_a, of_u};
  }
};

struct GatedScanOnCuda : torch::autograd::Function<GatedScanOnCuda> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& a_given, const at::Tensor& u_given) {
    const at::Tensor a = a_given.contiguous(), u = u_given.contiguous();
    at::Tensor y = at::empty_like(u);
    const SubbandGatedScan scan = described(u);
    cuda_launch<decltype(subband_cuda_gated_scan)>("gated_scan", "subband_cuda_gated_scan", &scan,
                                                   a.const_data_ptr<float>(), u.const_data_ptr<float>(),
                                                   y.mutable_data_ptr<float>());
    context->save_for_backward({a_given, u_given, y});
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    if (c10::GradMode::is_enabled()) return scan_gradients_again(saved, gradients[0]);
    const at::Tensor a = saved[0].contiguous(), g = gradients[0].contiguous();
    at::Tensor of_a = at::empty_like(a), of_u = at::empty_like(a);
    const SubbandGatedScan scan = described(a);
    cuda_launch<decltype(subband_cuda_gated_scan_backward)>(
        "gated_scan", "subband_cuda_gated_scan_backward", &scan, a.const_data_ptr<float>(),
        saved[2].const_data_ptr<float>(), g.const_data_ptr<float>(), of_a.mutable_data_ptr<float>(),
        of_u.mutable_data_ptr<float>());
    return {of_a, of_u};
  }
};

}  // namespace
}  // namespace gated_scan_paths

at::Tensor gated_scan(const at::Tensor& a_BLC, const at::Tensor& u_BLC, std::string_view path) {
  expect_shape("gated_scan", "a", a_BLC, {kAny, kAny, kAny});
  expect_shape("gated_scan", "u", u_BLC, {a_BLC.size(0), a_BLC.size(1), a_BLC.size(2)});
  RecordedOp op("subband::gated_scan", {a_BLC, u_BLC});
  switch (taken_path("gated_scan", {a_BLC, u_BLC}, path, {.cuda = KernelTypes::fp32})) {
    case OpPath::loops: return op.gives(gated_scan_paths::GatedScanByLoops::apply(a_BLC, u_BLC));
    case OpPath::cuda: return op.gives(gated_scan_paths::GatedScanOnCuda::apply(a_BLC, u_BLC));
    case OpPath::reference: break;
  }
  return op.gives(gated_scan_paths::reference(a_BLC, u_BLC));
}

void gated_scan_paths::compose(Composed steps) {
  at::Tensor &a = steps.a_BLC, &u = steps.u_BLC;
  const int64_t length = u.size(1);
  for (int64_t step = 1; step < length; step *= 2) {
    const at::Tensor a_late = a.narrow(1, step, length - step);
    u = at::cat(
        {u.narrow(1, 0, step), a_late * u.narrow(1, 0, length - step) + u.narrow(1, step, length - step)}, 1);
    a = at::cat({a.narrow(1, 0, step), a_late * a.narrow(1, 0, length - step)}, 1);
  }
}

at::Tensor gated_scan_paths::reference(const at::Tensor& a_BLC, const at::Tensor& u_BLC) {
  at::Tensor a = a_BLC, u = u_BLC;
  compose({a, u});
  return u;
}

}  // namespace subband
