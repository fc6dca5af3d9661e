#include "core/ops/products/packed_matrix.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/bitwise_left_shift.h>
#include <ATen/ops/bitwise_right_shift.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/stack.h>

#include <algorithm>
#include <vector>

#include "core/error.h"
#include "core/ops/op_paths.h"
#include "core/tensors/expect.h"

namespace subband {

namespace packed_product_paths {

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

PackedView view_of(const PackedMatrix& matrix) {
  PackedView view{.form = matrix.form, .codes = matrix.codes.const_data_ptr<uint8_t>()};
  if (matrix.form.has_groups())
    view.group_scales = reinterpret_cast<const uint16_t*>(matrix.scales.const_data_ptr<at::Half>());
  else
    view.scales = matrix.scales.const_data_ptr<float>();
  if (matrix.zeros.defined()) view.zeros = matrix.zeros.const_data_ptr<int8_t>();
  return view;
}

int64_t rows_a_thread(const PackedForm& form) {
  return std::max<int64_t>(1, (kValuesAThread / form.columns + 3) / 4 * 4);
}

at::Tensor unpacked_reference(const PackedMatrix& matrix, at::ScalarType type) {
  at::Tensor w = packed_values(matrix).to(type);
  if (matrix.zeros.defined()) w = w.sub(spread(matrix.form, matrix.zeros.to(type)));
  return w.mul(spread(matrix.form, matrix.scales.to(type)));
}

at::Tensor unpacked_by_loops(const PackedMatrix& matrix) {
  const PackedForm& form = matrix.form;
  at::Tensor dense = at::empty({form.rows, form.columns}, at::TensorOptions(at::kFloat));
  float* const w = dense.mutable_data_ptr<float>();
  const PackedView view = view_of(matrix);
  at::parallel_for(0, form.rows, rows_a_thread(form), [&](int64_t first, int64_t last) {
    unpack_loops(view, {first, last}, w + first * form.columns);
  });
  return dense;
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

}  // namespace subband
