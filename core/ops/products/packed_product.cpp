#include "core/ops/products/packed_product.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/bitwise_left_shift.h>
#include <ATen/ops/bitwise_right_shift.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <vector>

#include "core/error.h"
#include "core/ops/op_choice.h"
#include "core/ops/op_paths.h"
#include "core/ops/products/packed_product_cuda.h"
#include "core/ops/products/packed_product_loops.h"
#include "core/tensors/costs/recorded.h"
#include "core/tensors/device.h"
#include "core/tensors/expect.h"

namespace subband {

namespace packed_product_paths {

constexpr int64_t kMostInputs = 32;          // above it unpacking once and a product of LibTorch's are faster
constexpr int64_t kValuesAThread = 1 << 16;  // of the matrix; fewer are not worth waking another thread

// [R, blocks, fields, 16] of the low bits of a lane: of 3 bits the two low ones.
static at::Tensor fields_of(const at::Tensor& lanes_RBL, int bits, int64_t fields) {
  std::vector<at::Tensor> all;
  for (int64_t field = 0; field < fields; ++field)
    all.push_back(at::bitwise_right_shift(lanes_RBL, field * bits).bitwise_and((1 << bits) - 1));
  return at::stack(all, 2);
}

// The inverse: [R, blocks, 16] of [R, blocks, fields, 16].
static at::Tensor lanes_of(const at::Tensor& fields_RBFL, int bits) {
  at::Tensor lanes = fields_RBFL.select(2, 0);
  for (int64_t field = 1; field < fields_RBFL.size(2); ++field)
    lanes = lanes.bitwise_or(at::bitwise_left_shift(fields_RBFL.select(2, field), field * bits));
  return lanes;
}

// [R, columns] of a [scale_rows, groups] tensor.
static at::Tensor spread(const PackedForm& form, const at::Tensor& each) {
  if (!form.has_groups()) return each.expand({form.rows, form.columns});
  return each.repeat_interleave(form.group, 1).narrow(1, 0, form.columns);
}

static PackedView view_of(const PackedMatrix& matrix) {
  PackedView view{.form = matrix.form, .codes = matrix.codes.const_data_ptr<uint8_t>()};
  if (matrix.form.has_groups())
    view.group_scales = reinterpret_cast<const uint16_t*>(matrix.scales.const_data_ptr<at::Half>());
  else
    view.scales = matrix.scales.const_data_ptr<float>();
  if (matrix.zeros.defined()) view.zeros = matrix.zeros.const_data_ptr<int8_t>();
  return view;
}

static int64_t rows_a_thread(const PackedForm& form) {
  return std::max<int64_t>(1, (kValuesAThread / form.columns + 3) / 4 * 4);
}

static at::Tensor unpacked_reference(const PackedMatrix& matrix, at::ScalarType type) {
  at::Tensor w = packed_values(matrix).to(type);
  if (matrix.zeros.defined()) w = w.sub(spread(matrix.form, matrix.zeros.to(type)));
  return w.mul(spread(matrix.form, matrix.scales.to(type)));
}

static at::Tensor unpacked_by_loops(const PackedMatrix& matrix) {
  const PackedForm& form = matrix.form;
  at::Tensor dense = at::empty({form.rows, form.columns}, at::TensorOptions(at::kFloat));
  float* const w = dense.mutable_data_ptr<float>();
  const PackedView view = view_of(matrix);
  at::parallel_for(0, form.rows, rows_a_thread(form), [&](int64_t first, int64_t last) {
    unpack_loops(view, {first, last}, w + first * form.columns);
  });
  return dense;
}

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

static bool is_recorded(const at::Tensor& x, const at::Tensor& bias) {
  return c10::GradMode::is_enabled() && (x.requires_grad() || (bias.defined() && bias.requires_grad()));
}

static bool loops_take(const at::Tensor& x, const at::Tensor& bias) {
  return x.is_cpu() && x.scalar_type() == at::kFloat && !is_recorded(x, bias);
}

static bool kernel_takes(const at::Tensor& x, const at::Tensor& bias) {
  return x.is_cuda() && cuda_value_type(x.scalar_type()) >= 0 &&
         !is_recorded(x, bias);
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
  if (x.is_cuda()) return is_recorded(x, bias) ? "a gradient is recorded" : "many inputs";
  if (!x.is_cpu()) return "no kernel for " + x.device().str();
  return std::string(c10::toString(x.scalar_type())) + ": the loops take fp32";
}

}  // namespace packed_product_paths

PackedMatrix PackedMatrix::to(c10::Device device) const {
  return {form, codes.to(device), scales.to(device), zeros.defined() ? zeros.to(device) : zeros};
}

PackedMatrix packed_matrix(const PackedForm& form, const at::Tensor& values_RC, const at::Tensor& scales,
                           const at::Tensor& zeros) {
  expect_shape("packed_matrix", "values", values_RC, {form.rows, form.columns});
  const int64_t fields = form.block() / 16, padded = form.row_blocks() * form.block();
  const at::Tensor bits = values_RC.to(at::kByte).bitwise_and((1 << form.bits) - 1);
  const at::Tensor all =
      at::constant_pad_nd(bits, {0, padded - form.columns}).view({form.rows, form.row_blocks(), fields, 16});
  at::Tensor codes = packed_product_paths::lanes_of(form.bits == 3 ? all.bitwise_and(3) : all,
                                                    form.bits == 3 ? 2 : form.bits);
  if (form.bits == 3) {
    const at::Tensor thirds = packed_product_paths::lanes_of(at::bitwise_right_shift(all, 2), 1);
    const at::Tensor low = thirds.narrow(2, 0, 8), high = thirds.narrow(2, 8, 8);
    codes = at::cat({codes, low.bitwise_or(at::bitwise_left_shift(high, 4))}, 2);
  }
  const at::Tensor of_groups = form.has_groups() ? scales.to(at::kHalf) : scales.to(at::kFloat);
  return {form, codes.reshape({form.rows, form.row_bytes()}).contiguous(), of_groups.contiguous(),
          form.symmetric ? at::Tensor() : zeros.to(at::kChar).contiguous()};
}

at::Tensor packed_values(const PackedMatrix& matrix) {
  const PackedForm& form = matrix.form;
  const at::Tensor blocks = matrix.codes.view({form.rows, form.row_blocks(), form.block_bytes()});
  const at::Tensor lanes = blocks.narrow(2, 0, 16);
  at::Tensor fields =
      packed_product_paths::fields_of(lanes, form.bits == 3 ? 2 : form.bits, form.block() / 16);
  if (form.bits == 3) {
    const at::Tensor halves = blocks.narrow(2, 16, 8);
    const at::Tensor thirds = at::cat({halves.bitwise_and(15), at::bitwise_right_shift(halves, 4)}, 2);
    fields = fields.bitwise_or(at::bitwise_left_shift(packed_product_paths::fields_of(thirds, 1, 4), 2));
  }
  const at::Tensor values =
      fields.reshape({form.rows, form.row_blocks() * form.block()}).narrow(1, 0, form.columns);
  if (form.bits == 8) return values.contiguous().view(at::kChar);
  const int sign = 1 << (form.bits - 1);
  return values.to(at::kChar).bitwise_xor(sign).sub(sign);
}

at::Tensor unpacked(const PackedMatrix& matrix, c10::ScalarType type, std::string_view path) {
  const std::string asked = op_path("unpacked", path);
  const bool can_loop = matrix.codes.is_cpu() && type == at::kFloat;
  if (asked == "loops" && !can_loop) throw ShapeError("unpacked", "path = loops: is for the CPU and fp32");
  if (asked == "reference" || !can_loop) {
    count_op("unpacked", "reference", asked == "reference" ? "forced" : "no loops for this device or dtype");
    return packed_product_paths::unpacked_reference(matrix, type);
  }
  count_op("unpacked", "loops", packed_product_paths::loops_instructions());
  return packed_product_paths::unpacked_by_loops(matrix);
}

at::Tensor packed_rows(const PackedMatrix& matrix, const at::Tensor& ids, c10::ScalarType type) {
  const at::Tensor flat = ids.flatten();
  PackedMatrix rows = matrix;
  rows.form.rows = flat.numel();
  rows.codes = matrix.codes.index_select(0, flat);
  if (matrix.form.group != PackedForm::kTensor) {
    rows.scales = matrix.scales.index_select(0, flat);
    if (matrix.zeros.defined()) rows.zeros = matrix.zeros.index_select(0, flat);
  }
  std::vector<int64_t> shape = ids.sizes().vec();
  shape.push_back(matrix.form.columns);
  return unpacked(rows, type).view(shape);
}

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
