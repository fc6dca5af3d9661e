#include "core/ops/sequence/running_mean.h"

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

namespace running_mean_paths {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr int64_t kMeansPerThread = 1 << 17;

// `run` on every sequence of x.
template <class Run>
at::Tensor each_sequence(const at::Tensor& x_BLC, const Run& run) {
  const at::Tensor x = x_BLC.contiguous();
  at::Tensor y = at::empty_like(x);
  const running_mean_paths::Extent extent{x.size(1), x.size(2)};
  const int64_t size = std::max<int64_t>(1, extent.length * extent.channels);
  const float* const from = x.const_data_ptr<float>();
  float* const to = y.mutable_data_ptr<float>();
  at::parallel_for(0, x.size(0), std::max<int64_t>(1, kMeansPerThread / size),
                   [&](int64_t first, int64_t end) {
                     for (int64_t b = first; b < end; ++b) run(extent, from + b * size, to + b * size);
                   });
  return y;
}

struct RunningMeanFunction : torch::autograd::Function<RunningMeanFunction> {
  static at::Tensor forward(AutogradContext*, const at::Tensor& x_BLC) {
    const at::AutoDispatchBelowADInplaceOrView below;
    return each_sequence(x_BLC, running_mean_paths::loops);
  }

  static variable_list backward(AutogradContext*, variable_list gradients) {
    if (c10::GradMode::is_enabled()) return {differentiable(gradients[0])};
    const at::AutoDispatchBelowADInplaceOrView below;
    return {each_sequence(gradients[0], running_mean_paths::loops_backward)};
  }

  // Linear in x, so that the reference of any x has this gradient.
  static at::Tensor differentiable(const at::Tensor& g) {
    const at::Tensor counts = at::arange(1, g.size(1) + 1, g.options().requires_grad(false)).unsqueeze(1);
    return (g / counts).flip(1).cumsum(1).flip(1);
  }
};

struct RunningMeanOnCuda : torch::autograd::Function<RunningMeanOnCuda> {
  static SubbandRunningMean described(const at::Tensor& m, at::ScalarType type) {
    return {m.size(0), m.size(1), m.size(2), cuda_value_type(type), cuda_stream(m.device())};
  }

  static at::Tensor forward(AutogradContext* context, const at::Tensor& x_BLC) {
    const at::Tensor x = x_BLC.contiguous();
    at::Tensor m = at::empty(x.sizes(), x.options().dtype(at::kFloat));
    const SubbandRunningMean mean = described(m, x.scalar_type());
    cuda_launch<decltype(subband_cuda_running_mean)>("running_mean", "subband_cuda_running_mean", &mean,
                                                     x.const_data_ptr(), m.mutable_data_ptr<float>());
    context->saved_data["type"] = x.scalar_type();
    return m;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto type = context->saved_data["type"].toScalarType();
    if (c10::GradMode::is_enabled()) return {RunningMeanFunction::differentiable(gradients[0]).to(type)};
    const at::Tensor g = gradients[0].contiguous();
    at::Tensor of_x = at::empty(g.sizes(), g.options().dtype(type));
    const SubbandRunningMean mean = described(g, type);
    cuda_launch<decltype(subband_cuda_running_mean_backward)>("running_mean", "subband_cuda_running_mean_backward",
                                                              &mean, g.const_data_ptr<float>(),
                                                              of_x.mutable_data_ptr());
    return {of_x};
  }
};

}  // namespace
}  // namespace running_mean_paths

at::Tensor running_mean(const at::Tensor& x_BLC, std::string_view path) {
  using namespace running_mean_paths;
  expect_shape("running_mean", "x", x_BLC, {kAny, kAny, kAny});
  RecordedOp op("subband::running_mean", {x_BLC});
  switch (taken_path("running_mean", {x_BLC}, path, {.cuda = KernelTypes::fp32_and_half})) {
    case OpPath::loops: return op.gives(RunningMeanFunction::apply(x_BLC));
    case OpPath::cuda: return op.gives(RunningMeanOnCuda::apply(x_BLC));
    case OpPath::reference: break;
  }
  return op.gives(running_mean_paths::reference(x_BLC));
}

at::Tensor running_mean_paths::reference(const at::Tensor& x_BLC) {
  const auto wide = x_BLC.element_size() < 4 ? at::kFloat : x_BLC.scalar_type();
  const auto options = x_BLC.options().dtype(wide).requires_grad(false);
  return x_BLC.cumsum(1, wide) / at::arange(1, x_BLC.size(1) + 1, options).unsqueeze(1);
}

}  // namespace subband
