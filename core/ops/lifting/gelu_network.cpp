#include "core/ops/lifting/gelu_network.h"

#include <ATen/ATen.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

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

at::Tensor activated(const at::Tensor& h_NH, const at::Tensor& bias) {
  at::Tensor a = at::empty_like(h_NH);
  const int64_t columns = h_NH.size(1);
  const float *from = h_NH.const_data_ptr<float>(), *b = values_or_null(bias);
  float* const to = a.mutable_data_ptr<float>();
  each_chunk(h_NH.size(0), columns, [=](int64_t first, int64_t end, int64_t) {
    gelu_network_paths::gelu({end - first, columns}, from + first * columns, b, to + first * columns);
  });
  return a;
}

struct GeluNetwork : torch::autograd::Function<GeluNetwork> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& first_HI,
                            const MaybeTensor& first_bias, const at::Tensor& last_OH,
                            const MaybeTensor& last_bias) {
    const at::AutoDispatchBelowADInplaceOrView below;
    const at::Tensor x_NI = x.reshape({-1, x.size(-1)}), bias = first_bias.value_or(at::Tensor());
    const at::Tensor h_NH = at::mm(x_NI, first_HI.t()), a_NH = activated(h_NH, in_order(bias));
    const at::Tensor y_NO = last_bias ? at::addmm(*last_bias, a_NH, last_OH.t()) : at::mm(a_NH, last_OH.t());
    context->save_for_backward({x, first_HI, bias, last_OH, last_bias.value_or(at::Tensor()), h_NH});
    std::vector<int64_t> shape = x.sizes().vec();
    shape.back() = last_OH.size(0);
    return y_NO.view(shape);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &first_HI = saved[1], &bias = saved[2], &last_OH = saved[3],
                     &h_NH = saved[5];
    if (c10::GradMode::is_enabled()) {
      return gradients_again(
          [](const auto& in) {
            return gelu_network_paths::reference(in[0], {in[1], in[2], in[3], in[4]});
          },
          {x, first_HI, bias, last_OH, saved[4]}, gradients[0]);
    }
    const at::AutoDispatchBelowADInplaceOrView below;
    const at::Tensor g_NO = gradients[0].reshape({-1, last_OH.size(0)}).contiguous();
    at::Tensor d_NH = at::mm(g_NO, last_OH), a_NH = at::empty_like(h_NH);
    const at::Tensor first_bias_gradient = through_gelu(h_NH, in_order(bias), d_NH, a_NH);
    const at::Tensor x_NI = x.reshape({-1, x.size(-1)});
    at::Tensor x_gradient;
    if (context->needs_input_grad(0)) x_gradient = at::mm(d_NH, first_HI).view(x.sizes());
    return {x_gradient, at::mm(d_NH.t(), x_NI), bias.defined() ? first_bias_gradient : at::Tensor(),
            at::mm(g_NO.t(), a_NH), saved[4].defined() ? sum_of_rows(g_NO) : at::Tensor()};
  }

  // d: of a, then of h. Returns the sums over the rows.
  static at::Tensor through_gelu(const at::Tensor& h_NH, const at::Tensor& bias, at::Tensor& d_NH,
                                 at::Tensor& a_NH) {
    const int64_t columns = h_NH.size(1);
    const float *h = h_NH.const_data_ptr<float>(), *b = values_or_null(bias);
    float *d = d_NH.mutable_data_ptr<float>(), *a = a_NH.mutable_data_ptr<float>();
    return each_chunk_with_sums(h_NH.size(0), columns, columns, [=](int64_t first, int64_t end, float* sums) {
      const int64_t at = first * columns;
      gelu_network_paths::gelu_backward({end - first, columns}, h + at, b, d + at, a + at, sums);
    });
  }

  static at::Tensor sum_of_rows(const at::Tensor& x_NO) {
    const int64_t columns = x_NO.size(1);
    const float* x = x_NO.const_data_ptr<float>();
    return each_chunk_with_sums(x_NO.size(0), columns, columns, [=](int64_t first, int64_t end, float* sums) {
      gelu_network_paths::add_rows({end - first, columns}, x + first * columns, sums);
    });
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
  return op.gives(GeluNetwork::apply(x, w.first_HI, maybe(w.first_bias_H), w.last_OH, maybe(w.last_bias_O)));
}

at::Tensor gelu_network_paths::reference(const at::Tensor& x, const GeluWeights& w) {
  return at::linear(at::gelu(at::linear(x, w.first_HI, w.first_bias_H)), w.last_OH, w.last_bias_O);
}

}  // namespace subband
