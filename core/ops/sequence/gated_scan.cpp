#include "core/ops/sequence/gated_scan.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

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
    if (c10::GradMode::is_enabled())
      return gradients_again([](const variable_list& in) { return gated_scan_paths::reference(in[0], in[1]); },
                             {saved[0], saved[1]}, gradients[0]);
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
  const FastPaths fast{.loops = false, .cuda = KernelTypes::fp32};
  if (taken_path("gated_scan", {a_BLC, u_BLC}, path, fast) == OpPath::cuda)
    return op.gives(gated_scan_paths::GatedScanOnCuda::apply(a_BLC, u_BLC));
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
