#include "core/ops/recurrence/weighted_mean.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <vector>

#include "core/error.h"
#include "core/ops/op_choice.h"
#include "core/tensors/costs/recorded.h"

namespace subband {

namespace weighted_mean_paths {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

MeanRows mean_rows(const at::Tensor& sums, const WeightFloor& floor, int64_t count) {
  return {count, sums.size(-1) - 1, static_cast<float>(floor.epsilon), static_cast<float>(floor.least)};
}

struct WeightedMean : torch::autograd::Function<WeightedMean> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& given, const WeightFloor& floor) {
    context->save_for_backward({given});
    context->saved_data["epsilon"] = floor.epsilon;
    context->saved_data["least"] = floor.least;
    const at::Tensor sums = given.contiguous();
    std::vector<int64_t> shape = sums.sizes().vec();
    const int64_t V = --shape.back();
    at::Tensor y = at::empty(shape, sums.options());
    const float* const from = sums.const_data_ptr<float>();
    float* const to = y.mutable_data_ptr<float>();
    each_chunk(sums.numel() / (V + 1), V + 1, [&](int64_t first, int64_t end, int64_t) {
      loops(mean_rows(sums, floor, end - first), from + first * (V + 1), to + first * V);
    });
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const WeightFloor floor{context->saved_data["epsilon"].toDouble(), context->saved_data["least"].toDouble()};
    if (c10::GradMode::is_enabled()) {
      variable_list found =
          gradients_again([floor](const variable_list& in) { return reference(in[0], floor); }, saved, gradients[0]);
      found.emplace_back();
      return found;
    }
    const at::Tensor sums = saved[0].contiguous(), g = gradients[0].contiguous();
    at::Tensor of_sums = at::empty(sums.sizes(), sums.options());
    const int64_t V = sums.size(-1) - 1;
    const float *const from = sums.const_data_ptr<float>(), *const up = g.const_data_ptr<float>();
    float* const to = of_sums.mutable_data_ptr<float>();
    each_chunk(sums.numel() / (V + 1), V + 1, [&](int64_t first, int64_t end, int64_t) {
      loops_backward(mean_rows(sums, floor, end - first), from + first * (V + 1), up + first * V, to + first * (V + 1));
    });
    return {of_sums, at::Tensor()};
  }
};

}  // namespace
}  // namespace weighted_mean_paths

at::Tensor weighted_mean(const at::Tensor& sums, const WeightFloor& floor, std::string_view path) {
  if (sums.dim() == 0 || sums.size(-1) < 1)
    throw ShapeError("weighted_mean", "sums: expected a last column of weights, got none");
  RecordedOp op("subband::weighted_mean", {sums});
  if (!takes_loops("weighted_mean", {sums}, path)) return op.gives(weighted_mean_paths::reference(sums, floor));
  return op.gives(weighted_mean_paths::WeightedMean::apply(sums, floor));
}

at::Tensor weighted_mean_paths::reference(const at::Tensor& sums, const WeightFloor& floor) {
  const int64_t V = sums.size(-1) - 1;
  at::Tensor divisor = sums.narrow(-1, V, 1);
  if (floor.epsilon != 0) divisor = divisor + floor.epsilon;
  if (floor.least > WeightFloor().least) divisor = divisor.clamp_min(floor.least);
  return sums.narrow(-1, 0, V) / divisor;
}

}  // namespace subband
