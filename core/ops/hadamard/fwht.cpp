#include "core/ops/hadamard/fwht.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/stack.h>
#include <torch/csrc/autograd/custom_function.h>

#include <bit>
#include <cmath>

#include "core/error.h"
#include "core/ops/op_choice.h"
#include "core/ops/op_paths.h"
#include "core/tensors/costs/recorded.h"
#include "core/tensors/device.h"

namespace subband {

namespace {

constexpr int64_t kValuesPerTask = 1 << 16;  // below that a second thread costs more than it brings

int64_t checked_axis(const at::Tensor& x) {
  if (!x.defined() || x.dim() == 0) throw ShapeError("fwht", "x: expected at least one axis, got none");
  if (!x.is_floating_point()) {
    throw ShapeError("fwht",
                     std::string("x: expected a floating dtype, got ") + c10::toString(x.scalar_type()));
  }
  const int64_t n = x.size(-1);
  if (n < 1 || !std::has_single_bit(static_cast<uint64_t>(n))) {
    throw ShapeError("fwht", "last axis of x: expected a power of two, got " + std::to_string(n));
  }
  return n;
}

bool fits_loops(const at::Tensor& x) {
  return x.is_cpu() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kDouble);
}

bool fits_cuda(const at::Tensor& x) {
  return x.is_cuda() && cuda_value_type(x.scalar_type()) >= 0 && x.size(-1) <= fwht_paths::kLargestCuda;
}

// Why neither loops nor kernel take x.
std::string why_reference(const at::Tensor& x) {
  const std::string type = c10::toString(x.scalar_type());
  if (x.is_cpu()) return type + ": the loops take fp32 and fp64";
  if (!x.is_cuda()) return "no kernel for " + x.device().str();
  if (cuda_value_type(x.scalar_type()) < 0) return type + ": the kernel takes fp32, fp16 and bf16";
  return "n = " + std::to_string(x.size(-1)) + ": the kernel takes at most " +
         std::to_string(fwht_paths::kLargestCuda);
}

at::Tensor through_reference(const at::Tensor& x, bool is_forced) {
  count_op("fwht", "reference", is_forced ? "forced" : why_reference(x));
  return fwht_paths::reference(x);
}

template <class T>
void loops_over_rows(const at::Tensor& x, at::Tensor& y) {
  const int64_t n = x.size(-1), rows = x.numel() / n;
  const T* from = x.const_data_ptr<T>();
  T* to = y.mutable_data_ptr<T>();
  at::parallel_for(0, rows, std::max<int64_t>(1, kValuesPerTask / n), [=](int64_t begin, int64_t end) {
    fwht_paths::loops(from + begin * n, to + begin * n, end - begin, n);
  });
}

// The loops are no operator of LibTorch, so they tell its profilers and counters themselves.
at::Tensor through_loops(const at::Tensor& x) {
  RecordedOp op("subband::fwht", {x});
  count_op("fwht", "loops", x.scalar_type() == at::kFloat ? fwht_paths::loops_instructions() : "");
  at::Tensor y = at::empty_like(x, at::MemoryFormat::Contiguous);
  if (x.scalar_type() == at::kFloat)
    loops_over_rows<float>(x.contiguous(), y);
  else
    loops_over_rows<double>(x.contiguous(), y);
  return op.gives(y);
}

at::Tensor through_cuda(const at::Tensor& x) {
  RecordedOp op("subband::fwht", {x});
  count_op("fwht", "cuda");
  const at::Tensor flat = x.contiguous();
  at::Tensor y = at::empty_like(flat);
  const int64_t n = x.size(-1);
  cuda_launch<decltype(subband_cuda_fwht)>("fwht", "subband_cuda_fwht", flat.const_data_ptr(),
                                           y.mutable_data_ptr(), x.numel() / n, static_cast<int>(n), cuda_value_type(x.scalar_type()),
                                           cuda_stream(x.device()));
  return op.gives(y);
}

// H is symmetric, so the gradient of the transform is the transform of the gradient.
struct FwhtFunction : torch::autograd::Function<FwhtFunction> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, bool on_cuda) {
    context->saved_data["on_cuda"] = on_cuda;
    return on_cuda ? through_cuda(x) : through_loops(x);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const bool on_cuda = context->saved_data["on_cuda"].toBool();
    return {FwhtFunction::apply(gradients[0], on_cuda), at::Tensor()};
  }
};

}  // namespace

std::string fwht_path(const at::Tensor& x) {
  if (fits_loops(x)) return "loops";
  return fits_cuda(x) ? "cuda" : "reference";
}

at::Tensor fwht(const at::Tensor& x, std::string_view path) {
  checked_axis(x);
  const std::string asked = op_path("fwht", path);
  const std::string chosen = asked == "auto" ? fwht_path(x) : asked;
  if (chosen == "reference") return through_reference(x, asked != "auto");
  if (chosen == "loops" && fits_loops(x)) return FwhtFunction::apply(x, false);
  if (chosen == "cuda" && fits_cuda(x)) return FwhtFunction::apply(x, true);
  throw ShapeError("fwht",
                   "path = " + chosen +
                       ": must be auto, reference, loops (CPU, fp32 or fp64) or cuda (CUDA, fp32, fp16 or bf16, n <= " +
                       std::to_string(fwht_paths::kLargestCuda) + ")");
}

// Stage h adds and subtracts neighbours at distance h, for h = 1, 2, 4, ..., n / 2.
at::Tensor fwht_paths::reference(const at::Tensor& x) {
  const int64_t n = checked_axis(x);
  at::Tensor y = x.reshape({x.numel() / n, n});
  if (x.element_size() < 4) y = y.to(at::kFloat);
  for (int64_t h = 1; h < n; h *= 2) {
    const at::Tensor pairs = y.reshape({y.size(0), n / (2 * h), 2, h});
    const at::Tensor a = pairs.select(2, 0), b = pairs.select(2, 1);
    y = at::stack({a + b, a - b}, 2);
  }
  return y.reshape(x.sizes()).div(std::sqrt(static_cast<double>(n))).to(x.scalar_type());
}

}  // namespace subband
