#include "core/ops/lifting/gelu_network.h"

#include <ATen/ATen.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <optional>

#include "core/error.h"
#include "core/ops/op_choice.h"
#include "core/ops/op_paths.h"
#include "core/tensors/costs/recorded.h"
#include "core/tensors/expect.h"

namespace subband {

namespace gelu_network_paths {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;
using MaybeTensor = std::optional<at::Tensor>;

const float* values_or_null(const at::Tensor& x) { return x.defined() ? x.const_data_ptr<float>() : nullptr; }

// For loops, which read one value after the other.
at::Tensor in_order(const at::Tensor& bias) { return bias.defined() ? bias.contiguous() : bias; }

MaybeTensor maybe(const at::Tensor& x) { return x.defined() ? MaybeTensor(x) : MaybeTensor(); }

// Hidden values of so many rows and columns at a time: made, put through GELU and multiplied while they are in a cache.
// Few are one block, and so are all of them on the way back, which also multiplies across the rows: narrow products are slow.
struct BlockSize {
  int64_t rows, columns;
};
constexpr BlockSize kForwardBlock{1 << 10, 1 << 8};
constexpr int64_t kWholeValues = 1 << 20;

struct HiddenBlock {
  int64_t row, rows, column, columns;
  at::Tensor of_rows(const at::Tensor& x_N) const { return x_N.narrow(0, row, rows); }
  at::Tensor of_hidden(const at::Tensor& h_NH) const { return of_rows(h_NH).narrow(1, column, columns); }
};

BlockSize forward_block(int64_t rows, int64_t columns) {
  if (rows * columns <= kWholeValues) return {rows, columns};
  return {std::min(rows, kForwardBlock.rows), std::min(columns, kForwardBlock.columns)};
}

// body(block) for all of them, columns in the outer loop.
template <class Body>
void each_block(int64_t rows, int64_t columns, const BlockSize& size, const Body& body) {
  for (int64_t column = 0; column < columns; column += size.columns)
    for (int64_t row = 0; row < rows; row += size.rows)
      body(HiddenBlock{row, std::min(size.rows, rows - row), column,
                       std::min(size.columns, columns - column)});
}

// The beginning of `room`, as a matrix.
at::Tensor in_room(const at::Tensor& room, int64_t rows, int64_t columns) {
  return room.narrow(0, 0, rows * columns).view({rows, columns});
}

// out = a b, or out += a b where it has been begun.
void product_into(at::Tensor out, const at::Tensor& a, const at::Tensor& b, bool begun) {
  if (begun)
    out.addmm_(a, b);
  else
    at::mm_out(out, a, b);
}

// Row after row, for rows of h are apart.
void activate(const HiddenBlock& block, const at::Tensor& h, const at::Tensor& bias, at::Tensor& a) {
  const int64_t columns = block.columns, step = h.stride(0);
  const float *const from = h.const_data_ptr<float>(), *const b = bias.defined()
                                                                      ? values_or_null(bias) + block.column
                                                                      : nullptr;
  float* const to = a.mutable_data_ptr<float>();
  each_chunk(block.rows, columns, [=](int64_t first, int64_t end, int64_t) {
    for (int64_t row = first; row < end; ++row)
      gelu_network_paths::gelu({1, columns}, from + row * step, b, to + row * columns);
  });
}

// W3 GELU(W0 x + b0) + b3; W0 x is in h afterwards, where that is defined.
at::Tensor go_through(const at::Tensor& x_NI, const GeluWeights& w, at::Tensor h_NH) {
  const int64_t rows = x_NI.size(0), hidden = w.first_HI.size(0);
  const at::Tensor bias = in_order(w.first_bias_H);
  const BlockSize size = forward_block(rows, hidden);
  at::Tensor room = at::empty({size.rows * size.columns}, x_NI.options());
  const std::vector<int64_t> shape = {rows, w.last_OH.size(0)};
  at::Tensor y = hidden == 0 ? at::zeros(shape, x_NI.options()) : at::empty(shape, x_NI.options());
  const bool biased = w.last_bias_O.defined();
  if (biased) y.copy_(w.last_bias_O);
  each_block(rows, hidden, size, [&](const HiddenBlock& block) {
    at::Tensor a = in_room(room, block.rows, block.columns);
    at::Tensor h = h_NH.defined() ? block.of_hidden(h_NH) : a;
    at::mm_out(h, block.of_rows(x_NI), w.first_HI.narrow(0, block.column, block.columns).t());
    activate(block, h, bias, a);
    product_into(block.of_rows(y), a, w.last_OH.narrow(1, block.column, block.columns).t(),
                 biased || block.column > 0);
  });
  return y;
}
// d: of a, then of h. Returns the sums over the rows.
at::Tensor through_gelu(const HiddenBlock& block, const at::Tensor& h, const at::Tensor& bias, at::Tensor& d,
                        at::Tensor& a) {
  const int64_t columns = block.columns, step = h.stride(0);
  const float *const from = h.const_data_ptr<float>(), *const b = bias.defined()
                                                                      ? values_or_null(bias) + block.column
                                                                      : nullptr;
  float *const of_d = d.mutable_data_ptr<float>(), *const of_a = a.mutable_data_ptr<float>();
  return each_chunk_with_sums(block.rows, columns, columns, [=](int64_t first, int64_t end, float* sums) {
    for (int64_t row = first; row < end; ++row)
      gelu_network_paths::gelu_backward({1, columns}, from + row * step, b, of_d + row * columns,
                                        of_a + row * columns, sums);
  });
}

struct GeluGradients {
  at::Tensor of_x, of_first, of_first_bias, of_last;
};

// From g, the gradient of y, and the kept h; that of x where it is asked for.
GeluGradients go_back(const at::Tensor& x_NI, const GeluWeights& w, const at::Tensor& h_NH,
                      const at::Tensor& g_NO, bool with_x) {
  const int64_t rows = x_NI.size(0), hidden = w.first_HI.size(0);
  const auto options = x_NI.options();
  const auto begun = [&](at::IntArrayRef shape) {
    return rows * hidden == 0 ? at::zeros(shape, options) : at::empty(shape, options);
  };
  const at::Tensor bias = in_order(w.first_bias_H);
  const BlockSize size{rows, hidden};
  at::Tensor room = at::empty({2, size.rows * size.columns}, options);
  const GeluGradients found{with_x ? begun(x_NI.sizes()) : at::Tensor(), begun(w.first_HI.sizes()),
                            begun({hidden}), begun(w.last_OH.sizes())};
  each_block(rows, hidden, size, [&](const HiddenBlock& block) {
    at::Tensor d = in_room(room.select(0, 0), block.rows, block.columns),
               a = in_room(room.select(0, 1), block.rows, block.columns);
    const at::Tensor x = block.of_rows(x_NI), g = block.of_rows(g_NO),
                     first = w.first_HI.narrow(0, block.column, block.columns);
    at::mm_out(d, g, w.last_OH.narrow(1, block.column, block.columns));
    const at::Tensor sums = through_gelu(block, block.of_hidden(h_NH), bias, d, a);
    const at::Tensor of_bias = found.of_first_bias.narrow(0, block.column, block.columns);
    if (block.row == 0)
      of_bias.copy_(sums);
    else
      of_bias.add_(sums);
    product_into(found.of_last.narrow(1, block.column, block.columns), g.t(), a, block.row > 0);
    product_into(found.of_first.narrow(0, block.column, block.columns), d.t(), x, block.row > 0);
    if (with_x) product_into(block.of_rows(found.of_x), d, first, block.column > 0);
  });
  return found;
}

at::Tensor sum_of_rows(const at::Tensor& x_NO) {
  const int64_t columns = x_NO.size(1);
  const float* const x = x_NO.const_data_ptr<float>();
  return each_chunk_with_sums(x_NO.size(0), columns, columns, [=](int64_t first, int64_t end, float* sums) {
    gelu_network_paths::add_rows({end - first, columns}, x + first * columns, sums);
  });
}

at::Tensor row_by_row(const at::Tensor& x) { return x.reshape({-1, x.size(-1)}); }

std::vector<int64_t> shape_of_result(const at::Tensor& x, const at::Tensor& last_OH) {
  std::vector<int64_t> shape = x.sizes().vec();
  shape.back() = last_OH.size(0);
  return shape;
}

struct GeluNetwork : torch::autograd::Function<GeluNetwork> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& first_HI,
                            const MaybeTensor& first_bias, const at::Tensor& last_OH,
                            const MaybeTensor& last_bias) {
    const at::AutoDispatchBelowADInplaceOrView below;
    const at::Tensor bias = first_bias.value_or(at::Tensor()), other = last_bias.value_or(at::Tensor());
    const at::Tensor x_NI = row_by_row(x), h_NH = at::empty({x_NI.size(0), first_HI.size(0)}, x.options());
    const at::Tensor y_NO = go_through(x_NI, {first_HI, bias, last_OH, other}, h_NH);
    context->save_for_backward({x, first_HI, bias, last_OH, other, h_NH});
    return y_NO.view(shape_of_result(x, last_OH));
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &first_HI = saved[1], &bias = saved[2], &last_OH = saved[3];
    if (c10::GradMode::is_enabled()) {
      return gradients_again(
          [](const auto& in) {
            return gelu_network_paths::reference(in[0], {in[1], in[2], in[3], in[4]});
          },
          {x, first_HI, bias, last_OH, saved[4]}, gradients[0]);
    }
    const at::AutoDispatchBelowADInplaceOrView below;
    const bool with_x = context->needs_input_grad(0);
    const at::Tensor g_NO = row_by_row(gradients[0]).contiguous();
    const GeluGradients found =
        go_back(row_by_row(x), {first_HI, bias, last_OH, saved[4]}, saved[5], g_NO, with_x);
    return {with_x ? found.of_x.view(x.sizes()) : found.of_x, found.of_first,
            bias.defined() ? found.of_first_bias : at::Tensor(), found.of_last,
            saved[4].defined() ? sum_of_rows(g_NO) : at::Tensor()};
  }
};

void expect_weights(const at::Tensor& x, const GeluWeights& w) {
  if (x.dim() < 1) throw ShapeError("gelu_network", "x: expected one axis at least, got none");
  expect_shape("gelu_network", "first weight", w.first_HI, {kAny, x.size(-1)});
  expect_shape("gelu_network", "last weight", w.last_OH, {kAny, w.first_HI.size(0)});
  if (w.first_bias_H.defined()) expect_shape("gelu_network", "first bias", w.first_bias_H, {w.first_HI.size(0)});
  if (w.last_bias_O.defined()) expect_shape("gelu_network", "last bias", w.last_bias_O, {w.last_OH.size(0)});
}

}  // namespace
}  // namespace gelu_network_paths

at::Tensor gelu_network(const at::Tensor& x, const GeluWeights& w, std::string_view path) {
  using namespace gelu_network_paths;
  expect_weights(x, w);
  RecordedOp op("subband::gelu_network", {x, w.first_HI, w.last_OH});
  if (!takes_loops("gelu_network", {x, w.first_HI, w.first_bias_H, w.last_OH, w.last_bias_O}, path))
    return op.gives(gelu_network_paths::reference(x, w));
  if (!is_recorded({x, w.first_HI, w.first_bias_H, w.last_OH, w.last_bias_O})) {
    const at::AutoDispatchBelowADInplaceOrView below;
    return op.gives(go_through(row_by_row(x), w, at::Tensor()).view(shape_of_result(x, w.last_OH)));
  }
  return op.gives(GeluNetwork::apply(x, w.first_HI, maybe(w.first_bias_H), w.last_OH, maybe(w.last_bias_O)));
}

at::Tensor gelu_network_paths::reference(const at::Tensor& x, const GeluWeights& w) {
  return at::linear(at::gelu(at::linear(x, w.first_HI, w.first_bias_H)), w.last_OH, w.last_bias_O);
}

}  // namespace subband
