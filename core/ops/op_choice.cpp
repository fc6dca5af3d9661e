#include "core/ops/op_choice.h"

#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <ATen/ops/empty.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/ops/cuda_values.h"
#include "core/ops/lifting/gelu_network.h"
#include "core/ops/op_paths.h"

namespace subband {

int cuda_value_type(at::ScalarType type) {
  if (type == at::kFloat) return cuda_values::kFloat;
  if (type == at::kHalf) return cuda_values::kHalf;
  return type == at::kBFloat16 ? cuda_values::kBFloat16 : -1;
}

namespace {

constexpr int64_t kValuesPerThread = 1 << 17;

// Empty where nothing speaks against the loops.
std::string why_no_loops(at::TensorList tensors) {
  for (const at::Tensor& x : tensors) {
    if (!x.defined()) continue;
    if (!x.is_cpu()) return "no loops for " + x.device().str();
    if (x.scalar_type() != at::kFloat)
      return std::string(c10::toString(x.scalar_type())) + ": the loops take fp32";
  }
  if (at::autocast::is_autocast_enabled(at::kCPU)) return "autocast: the loops take fp32";
  return "";
}

// Empty where nothing speaks against the kernels.
std::string why_no_kernel(at::TensorList tensors, KernelTypes types) {
  const at::Tensor& first = tensors[0];
  if (types == KernelTypes::none) return "no loops for " + first.device().str();
  const bool takes_half = types == KernelTypes::fp32_and_half;
  for (const at::Tensor& x : tensors) {
    if (!x.defined()) continue;
    if (x.device() != first.device()) return "tensors on " + first.device().str() + " and " + x.device().str();
    const bool is_taken = takes_half ? cuda_value_type(x.scalar_type()) >= 0 : x.scalar_type() == at::kFloat;
    if (!is_taken)
      return std::string(c10::toString(x.scalar_type())) + ": the kernel takes " +
             (takes_half ? "fp32, fp16 and bf16" : "fp32");
    if (x.scalar_type() != first.scalar_type()) return "unlike types: the kernel takes one";
  }
  if (at::autocast::is_autocast_enabled(at::kCUDA)) return "autocast: the kernel takes what it is given";
  return "";
}

std::string paths_text(const FastPaths& fast) {
  const std::string cuda = fast.cuda == KernelTypes::fp32 ? "cuda (CUDA, fp32)" : "cuda (CUDA, fp32, fp16 or bf16)";
  if (fast.cuda == KernelTypes::none) return "auto, reference or loops (CPU, fp32)";
  return fast.loops ? "auto, reference, loops (CPU, fp32) or " + cuda : "auto, reference or " + cuda;
}

}  // namespace

OpPath taken_path(std::string_view op, at::TensorList tensors, std::string_view path, const FastPaths& fast) {
  const std::string asked = op_path(op, path);
  const bool on_cuda = !tensors.empty() && tensors[0].defined() && tensors[0].is_cuda();
  std::string why = on_cuda ? why_no_kernel(tensors, fast.cuda) : why_no_loops(tensors);
  if (!on_cuda && !fast.loops && why.empty()) why = "no loops";
  if (asked == "reference" || (asked == "auto" && !why.empty())) {
    count_op(op, "reference", asked == "reference" ? "forced" : why);
    return OpPath::reference;
  }
  const std::string own = on_cuda ? "cuda" : "loops";
  if (!why.empty() || (asked != "auto" && asked != own))
    throw ShapeError(std::string(op), "path = " + asked + ": must be " + paths_text(fast));
  count_op(op, own, on_cuda ? "" : gelu_network_paths::instructions());
  return on_cuda ? OpPath::cuda : OpPath::loops;
}

bool takes_loops(std::string_view op, at::TensorList tensors, std::string_view path) {
  return taken_path(op, tensors, path, {}) == OpPath::loops;
}

bool is_recorded(at::TensorList tensors) {
  return c10::GradMode::is_enabled() && std::any_of(tensors.begin(), tensors.end(), [](const at::Tensor& x) {
           return x.defined() && x.requires_grad();
         });
}

std::vector<at::Tensor> gradients_again(const Reference& reference, const std::vector<at::Tensor>& inputs,
                                        const at::Tensor& gradient) {
  // Each under a name of its own: one tensor may stand at two places, or be made of another one.
  std::vector<at::Tensor> own, asked;
  for (const at::Tensor& input : inputs) {
    const bool is_asked = input.defined() && input.requires_grad();
    own.push_back(is_asked ? input.view_as(input) : input);
    if (is_asked) asked.push_back(own.back());
  }
  const at::Tensor y = reference(own);
  const auto found = torch::autograd::grad({y}, asked, {gradient}, true, true, true);
  std::vector<at::Tensor> gradients;
  size_t next = 0;
  for (const at::Tensor& input : inputs)
    gradients.push_back(input.defined() && input.requires_grad() ? found[next++] : at::Tensor());
  return gradients;
}

void each_chunk(int64_t rows, int64_t columns, const std::function<void(int64_t, int64_t, int64_t)>& body) {
  const int64_t chunks = (rows + kRowsPerChunk - 1) / kRowsPerChunk;
  const int64_t grain =
      std::max<int64_t>(1, kValuesPerThread / std::max<int64_t>(1, kRowsPerChunk * columns));
  at::parallel_for(0, chunks, grain, [&](int64_t first, int64_t end) {
    for (int64_t chunk = first; chunk < end; ++chunk)
      body(chunk * kRowsPerChunk, std::min(rows, (chunk + 1) * kRowsPerChunk), chunk);
  });
}

at::Tensor each_chunk_with_sums(int64_t rows, int64_t columns, int64_t count,
                                const std::function<void(int64_t, int64_t, float*)>& body) {
  const int64_t chunks = (rows + kRowsPerChunk - 1) / kRowsPerChunk;
  at::Tensor partial = at::empty({chunks, count}, at::kFloat), total = at::empty({count}, at::kFloat);
  float* const sums = partial.mutable_data_ptr<float>();
  each_chunk(rows, columns, [&](int64_t first, int64_t end, int64_t chunk) {
    std::fill_n(sums + chunk * count, count, 0.0f);
    body(first, end, sums + chunk * count);
  });
  std::vector<double> wide(static_cast<size_t>(count), 0.0);
  for (int64_t chunk = 0; chunk < chunks; ++chunk)
    for (int64_t i = 0; i < count; ++i)
      wide[static_cast<size_t>(i)] += static_cast<double>(sums[chunk * count + i]);
  std::transform(wide.begin(), wide.end(), total.mutable_data_ptr<float>(),
                 [](double sum) { return static_cast<float>(sum); });
  return total;
}

}  // namespace subband
