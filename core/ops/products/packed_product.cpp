#include "core/ops/products/packed_product.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <c10/core/GradMode.h>

#include <vector>

#include "core/error.h"
#include "core/ops/op_choice.h"
#include "core/ops/op_paths.h"
#include "core/ops/products/packed_product_cuda.h"
#include "core/ops/products/packed_product_loops.h"
#include "core/tensors/costs/recorded.h"
#include "core/tensors/device.h"

namespace subband {

namespace packed_product_paths {

constexpr int64_t kMostInputs = 32;          // above it unpacking once and a product of LibTorch's are faster

static at::Tensor product_by_loops(const at::Tensor& x_NC, const PackedMatrix& matrix) {
  const PackedForm& form = matrix.form;
  const int64_t padded = form.row_blocks() * form.block(), count = x_NC.size(0);
  const at::Tensor x =
      padded == form.columns ? x_NC.contiguous() : at::constant_pad_nd(x_NC, {0, padded - form.columns});
  at::Tensor y = at::empty({count, form.rows}, x.options()), sums;
  PackedInputs inputs{
      .x = x.const_data_ptr<float>(), .count = count, .stride = padded, .y = y.mutable_data_ptr<float>()};
  if (matrix.zeros.defined()) {
    const int64_t group = form.has_groups() ? form.group : form.columns;
    sums = at::constant_pad_nd(x_NC, {0, form.groups() * group - form.columns})
               .view({count, form.groups(), group})
               .sum(-1);
    inputs.sums = sums.const_data_ptr<float>();
  }
  const PackedView view = view_of(matrix);
  at::parallel_for(0, form.rows, rows_a_thread(form), [&](int64_t first, int64_t last) {
    loops(view, inputs, {first, last});
  });
  return y;
}

static bool loops_take(const at::Tensor& x, const at::Tensor& bias) {
  return x.is_cpu() && x.scalar_type() == at::kFloat && !is_recorded({x, bias});
}

static bool kernel_takes(const at::Tensor& x, const at::Tensor& bias) {
  return x.is_cuda() && cuda_value_type(x.scalar_type()) >= 0 &&
         !is_recorded({x, bias});
}

static at::Tensor product_by_kernel(const at::Tensor& x_NC, const PackedMatrix& matrix) {
  const PackedForm& form = matrix.form;
  const at::Tensor x = x_NC.contiguous();
  at::Tensor y = at::empty({x.size(0), form.rows}, x.options());
  SubbandPackedProduct product{.rows = form.rows,
                               .columns = form.columns,
                               .inputs = x.size(0),
                               .bits = form.bits,
                               .group = form.has_groups() ? form.group : 0,
                               .groups = form.groups(),
                               .one_scale = form.scale_rows() == 1,
                               .codes = matrix.codes.const_data_ptr<uint8_t>(),
                               .scales = nullptr,
                               .group_scales = nullptr,
                               .zeros = matrix.zeros.defined() ? matrix.zeros.const_data_ptr<int8_t>() : nullptr,
                               .type = cuda_value_type(x.scalar_type()),
                               .stream = cuda_stream(x.device())};
  if (form.has_groups())
    product.group_scales = reinterpret_cast<const uint16_t*>(matrix.scales.const_data_ptr<at::Half>());
  else
    product.scales = matrix.scales.const_data_ptr<float>();
  cuda_launch<decltype(subband_cuda_packed_product)>("packed_product", "subband_cuda_packed_product", &product,
                                                     x.const_data_ptr(), y.mutable_data_ptr());
  return y;
}

static std::string why_reference(const at::Tensor& x, const at::Tensor& bias) {
  if (x.is_cuda() && cuda_value_type(x.scalar_type()) < 0)
    return std::string(c10::toString(x.scalar_type())) + ": the kernel takes fp32, fp16 and bf16";
  if (x.is_cuda()) return is_recorded({x, bias}) ? "a gradient is recorded" : "many inputs";
  if (!x.is_cpu()) return "no kernel for " + x.device().str();
  return std::string(c10::toString(x.scalar_type())) + ": the loops take fp32";
}

}  // namespace packed_product_paths

std::string packed_product_path(const at::Tensor& x, const PackedMatrix& matrix, const at::Tensor& bias) {
  const bool is_few = x.numel() <= packed_product_paths::kMostInputs * matrix.form.columns;
  if (x.is_cuda()) return is_few && packed_product_paths::kernel_takes(x, bias) ? "cuda" : "reference";
  if (!x.is_cpu() || x.scalar_type() != at::kFloat) return "reference";
  return packed_product_paths::loops_take(x, bias) && is_few ? "loops" : "dense";
}

at::Tensor packed_product(const at::Tensor& x, const PackedMatrix& matrix, const at::Tensor& bias,
                          std::string_view path) {
  const PackedForm& form = matrix.form;
  if (x.dim() < 1 || x.size(-1) != form.columns)
    throw ShapeError("packed_product",
                     "x: expected [..., " + std::to_string(form.columns) + "], got " +
                         (x.dim() < 1 ? "one number" : "a last axis of " + std::to_string(x.size(-1))));
  if (x.device() != matrix.codes.device())
    throw ShapeError("packed_product",
                     "x: expected it on " + matrix.codes.device().str() + ", as the codes, got " + x.device().str());
  RecordedOp op("subband::packed_product", {x, matrix.codes});
  const std::string asked = op_path("packed_product", path);
  const std::string chosen = asked == "auto" ? packed_product_path(x, matrix, bias) : asked;
  if (chosen == "reference") {
    count_op("packed_product", "reference",
             asked == "auto" ? packed_product_paths::why_reference(x, bias) : "forced");
    return op.gives(at::linear(x, packed_product_paths::unpacked_reference(matrix, x.scalar_type()), bias));
  }
  if (chosen == "dense" && x.is_cpu() && x.scalar_type() == at::kFloat) {
    count_op("packed_product", "dense", packed_product_paths::loops_instructions());
    return op.gives(at::linear(x, packed_product_paths::unpacked_by_loops(matrix), bias));
  }
  const bool by_kernel = chosen == "cuda" && packed_product_paths::kernel_takes(x, bias);
  if (!by_kernel && (chosen != "loops" || !packed_product_paths::loops_take(x, bias)))
    throw ShapeError("packed_product",
                     "path = " + chosen +
                         ": must be auto, reference, dense (CPU, fp32), loops (CPU, fp32, no gradient) or cuda (CUDA, fp32, "
                         "fp16 or bf16, no gradient)");
  count_op("packed_product", chosen, by_kernel ? "" : packed_product_paths::loops_instructions());
  std::vector<int64_t> shape = x.sizes().vec();
  shape.back() = form.rows;
  const at::Tensor flat = x.detach().reshape({-1, form.columns});
  const at::Tensor y = by_kernel ? packed_product_paths::product_by_kernel(flat, matrix)
                                 : packed_product_paths::product_by_loops(flat, matrix);
  return op.gives((bias.defined() ? y.add(bias) : y).view(shape));
}

}  // namespace subband
