#include "core/ops/products/linear_cross_entropy.h"

#include <ATen/ATen.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "core/error.h"
#include "core/ops/op_choice.h"
#include "core/tensors/costs/recorded.h"
#include "core/tensors/device.h"
#include "core/tensors/expect.h"

namespace subband {

namespace linear_cross_entropy_paths {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr int64_t kLeftOut = -100;
constexpr int64_t kChunkValues = 1 << 20;
constexpr int64_t kFewestRows = 128;  // fewer make slow products

struct Loss {
  at::Tensor value, of_x_NC, of_weight_VC;  // gradients undefined where nobody asks
};

Loss chunk_by_chunk(const at::Tensor& x_NC, const at::Tensor& weight_VC, const at::Tensor& targets_N,
                    bool with_gradients) {
  const int64_t rows = x_NC.size(0), vocabulary = weight_VC.size(0);
  const int64_t at_once = std::min(rows, linear_cross_entropy_paths::chunk_rows(vocabulary));
  const auto* const targets = targets_N.const_data_ptr<int64_t>();
  const int64_t scored = rows - std::count(targets, targets + rows, kLeftOut);
  const float scale = 1 / static_cast<float>(scored);
  at::Tensor logits = at::empty({at_once, vocabulary}, x_NC.options());
  Loss loss;
  if (with_gradients) {
    loss.of_x_NC = at::empty_like(x_NC);
    loss.of_weight_VC = rows > at_once || rows == 0 ? at::zeros_like(weight_VC) : at::empty_like(weight_VC);
  }
  std::vector<float> losses(static_cast<size_t>(rows), 0.0f);
  for (int64_t first = 0; first < rows; first += at_once) {
    const int64_t count = std::min(at_once, rows - first);
    at::Tensor own = logits.narrow(0, 0, count);
    const at::Tensor x = x_NC.narrow(0, first, count);
    at::mm_out(own, x, weight_VC.t());
    float* const values = own.mutable_data_ptr<float>();
    each_chunk(count, vocabulary, [&, first](int64_t begin, int64_t end, int64_t) {
      for (int64_t row = begin; row < end; ++row) {
        float* const of_row = values + row * vocabulary;
        if (targets[first + row] == kLeftOut)
          std::fill_n(of_row, vocabulary, 0.0f);
        else
          losses[static_cast<size_t>(first + row)] =
              linear_cross_entropy_paths::row_loss(vocabulary, targets[first + row], scale, of_row);
      }
    });
    if (!with_gradients) continue;
    at::Tensor of_x = loss.of_x_NC.narrow(0, first, count);
    at::mm_out(of_x, own, weight_VC);
    if (rows > at_once)
      loss.of_weight_VC.addmm_(own.t(), x);
    else
      at::mm_out(loss.of_weight_VC, own.t(), x);
  }
  const double sum = std::accumulate(losses.begin(), losses.end(), 0.0);
  loss.value = at::full({}, sum / static_cast<double>(scored), x_NC.options());
  return loss;
}

// On a device, where nothing waits for it: how many rows count stays there too.
Loss chunk_by_chunk_on_cuda(const at::Tensor& x_NC, const at::Tensor& weight_VC, const at::Tensor& targets_N,
                            bool with_gradients) {
  const int64_t rows = x_NC.size(0), vocabulary = weight_VC.size(0);
  const int64_t at_once = std::min(rows, linear_cross_entropy_paths::chunk_rows(vocabulary));
  const at::Tensor factor = targets_N.ne(kLeftOut).sum().to(at::kFloat).reciprocal();
  at::Tensor logits = at::empty({at_once, vocabulary}, x_NC.options());
  at::Tensor losses = at::empty({rows}, factor.options()), of_weight;
  Loss loss;
  if (with_gradients) {
    loss.of_x_NC = at::empty_like(x_NC);
    of_weight = at::zeros(weight_VC.sizes(), factor.options());  // fp32: chunks add up in it
  }
  for (int64_t first = 0; first < rows; first += at_once) {
    const int64_t count = std::min(at_once, rows - first);
    at::Tensor own = logits.narrow(0, 0, count);
    const at::Tensor x = x_NC.narrow(0, first, count);
    at::mm_out(own, x, weight_VC.t());
    const SubbandRowLosses row_losses{count, vocabulary, cuda_value_type(own.scalar_type()), cuda_stream(x.device())};
    cuda_launch<decltype(subband_cuda_row_losses)>("linear_cross_entropy", "subband_cuda_row_losses", &row_losses,
                                                   targets_N.const_data_ptr<int64_t>() + first,
                                                   factor.const_data_ptr<float>(), own.mutable_data_ptr(),
                                                   losses.mutable_data_ptr<float>() + first);
    if (!with_gradients) continue;
    at::Tensor of_x = loss.of_x_NC.narrow(0, first, count);
    at::mm_out(of_x, own, weight_VC);
    of_weight.add_(at::mm(own.t(), x));
  }
  if (with_gradients) loss.of_weight_VC = of_weight.to(weight_VC.scalar_type());
  loss.value = losses.sum() * factor;
  return loss;
}

Loss each_chunk_of(const at::Tensor& x_NC, const at::Tensor& weight_VC, const at::Tensor& targets_N,
                   bool with_gradients) {
  const at::Tensor x = x_NC.contiguous(), weight = weight_VC.contiguous(), targets = targets_N.contiguous();
  return x.is_cuda() ? chunk_by_chunk_on_cuda(x, weight, targets, with_gradients)
                     : chunk_by_chunk(x, weight, targets, with_gradients);
}

struct LinearCrossEntropy : torch::autograd::Function<LinearCrossEntropy> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x_NC, const at::Tensor& weight_VC,
                            const at::Tensor& targets_N) {
    const at::AutoDispatchBelowADInplaceOrView below;
    const Loss loss = each_chunk_of(x_NC, weight_VC, targets_N, true);
    context->save_for_backward({x_NC, weight_VC, targets_N, loss.of_x_NC, loss.of_weight_VC});
    return loss.value;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& g = gradients[0];
    if (c10::GradMode::is_enabled()) {
      return gradients_again(
          [](const variable_list& in) { return linear_cross_entropy_paths::reference(in[0], in[1], in[2]); },
          {saved[0], saved[1], saved[2]}, g);
    }
    if (g.is_cpu() && g.item<float>() == 1) return {saved[3], saved[4], at::Tensor()};
    return {saved[3] * g.to(saved[3].scalar_type()), saved[4] * g.to(saved[4].scalar_type()), at::Tensor()};
  }
};

void expect_targets(const at::Tensor& targets_N, int64_t vocabulary) {
  const auto* const targets = targets_N.const_data_ptr<int64_t>();
  for (int64_t i = 0; i < targets_N.numel(); ++i) {
    if ((targets[i] < 0 || targets[i] >= vocabulary) && targets[i] != kLeftOut)
      throw ShapeError("linear_cross_entropy", "targets[" + std::to_string(i) +
                                                   "] = " + std::to_string(targets[i]) + ": must be below " +
                                                   std::to_string(vocabulary) + ", or -100");
  }
}

}  // namespace
}  // namespace linear_cross_entropy_paths

int64_t linear_cross_entropy_paths::chunk_rows(int64_t vocabulary) {
  return std::max(kFewestRows, kChunkValues / std::max<int64_t>(1, vocabulary));
}

at::Tensor linear_cross_entropy(const at::Tensor& x_NC, const at::Tensor& weight_VC,
                                const at::Tensor& targets_N, std::string_view path) {
  using namespace linear_cross_entropy_paths;
  expect_shape("linear_cross_entropy", "x", x_NC, {kAny, weight_VC.size(1)});
  expect_shape("linear_cross_entropy", "targets", targets_N, {x_NC.size(0)});
  RecordedOp op("subband::linear_cross_entropy", {x_NC, weight_VC, targets_N});
  const OpPath taken =
      taken_path("linear_cross_entropy", {x_NC, weight_VC}, path, {.cuda = KernelTypes::fp32_and_half});
  if (taken == OpPath::reference)
    return op.gives(linear_cross_entropy_paths::reference(x_NC, weight_VC, targets_N));
  const at::Tensor targets = targets_N.contiguous();
  if (taken == OpPath::loops) expect_targets(targets, weight_VC.size(0));
  if (c10::GradMode::is_enabled() && (x_NC.requires_grad() || weight_VC.requires_grad()))
    return op.gives(LinearCrossEntropy::apply(x_NC, weight_VC, targets));
  const at::AutoDispatchBelowADInplaceOrView below;
  return op.gives(each_chunk_of(x_NC, weight_VC, targets, false).value);
}

// Half-precision logits are widened first: the sum over a large vocabulary needs it.
at::Tensor linear_cross_entropy_paths::reference(const at::Tensor& x_NC, const at::Tensor& weight_VC,
                                                 const at::Tensor& targets_N) {
  const at::Tensor logits = at::linear(x_NC, weight_VC);
  return at::cross_entropy_loss(logits.element_size() < 4 ? logits.to(at::kFloat) : logits, targets_N);
}

}  // namespace subband
