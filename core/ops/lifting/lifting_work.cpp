#include "core/ops/lifting/lifting_work.h"

#include <ATen/ATen.h>

#include "core/ops/lifting/gelu_network.h"
#include "core/ops/op_choice.h"
#include "core/tensors/expect.h"

namespace subband::lifting_paths {

void list_network(variable_list& all, const LiftingNetwork& n) {
  all.insert(all.end(), {n.first_HC, n.first_bias_H, n.last_CH, n.last_bias_C});
}

LiftingNetwork network_at(at::TensorList tensors, int64_t index) {
  const at::TensorList own = tensors.slice(static_cast<size_t>(4 * index), 4);
  return {own[0], own[1].contiguous(), own[2], own[3].contiguous()};  // loops read the biases one value after the other
}

at::Tensor network_reference(const LiftingNetwork& n, const at::Tensor& x) {
  return gelu_network_paths::reference(x, {n.first_HC, n.first_bias_H, n.last_CH, n.last_bias_C});
}

void expect_networks(std::string_view op, const std::vector<LiftingNetwork>& networks, int64_t hidden,
                     int64_t columns) {
  for (const LiftingNetwork& n : networks) {
    expect_shape(op, "first weight", n.first_HC, {hidden, columns});
    expect_shape(op, "first bias", n.first_bias_H, {hidden});
    expect_shape(op, "last weight", n.last_CH, {columns, hidden});
    expect_shape(op, "last bias", n.last_bias_C, {columns});
  }
}

Work::Work(const WorkShape& shape, const at::TensorOptions& options)
    : shape_(shape), a_NH_(at::empty({shape.rows, shape.hidden}, options)) {}

void Work::apply(const LiftingNetwork& n, const at::Tensor& x_NC, at::Tensor kept_NH, at::Tensor& y_NC) {
  at::mm_out(kept_NH, x_NC, n.first_HC.t());
  const float *h = kept_NH.const_data_ptr<float>(), *bias = n.first_bias_H.const_data_ptr<float>();
  float* const a = a_NH_.mutable_data_ptr<float>();
  const int64_t hidden = shape_.hidden;
  each_chunk(shape_.rows, hidden, [=](int64_t first, int64_t end, int64_t) {
    gelu_network_paths::gelu({end - first, hidden}, h + first * hidden, bias, a + first * hidden);
  });
  at::mm_out(y_NC, a_NH_, n.last_CH.t());
}

LiftingNetwork Work::back(const LiftingNetwork& n, const at::Tensor& x_NC, const at::Tensor& kept_NH,
                          const at::Tensor& g_NC, at::Tensor x_gradient) {
  if (!d_NH_.defined()) d_NH_ = at::empty_like(a_NH_);
  at::mm_out(d_NH_, g_NC, n.last_CH);
  const float *h = kept_NH.const_data_ptr<float>(), *bias = n.first_bias_H.const_data_ptr<float>();
  float *const d = d_NH_.mutable_data_ptr<float>(), *const a = a_NH_.mutable_data_ptr<float>();
  const int64_t hidden = shape_.hidden;
  LiftingNetwork found;
  found.first_bias_H =
      each_chunk_with_sums(shape_.rows, hidden, hidden, [=](int64_t first, int64_t end, float* sums) {
        const int64_t at = first * hidden;
        gelu_network_paths::gelu_backward({end - first, hidden}, h + at, bias, d + at, a + at, sums);
      });
  found.last_CH = at::mm(g_NC.t(), a_NH_);
  found.first_HC = at::mm(d_NH_.t(), x_NC);
  at::mm_out(x_gradient, d_NH_, n.first_HC);
  return found;
}

void Work::over_rows(const std::function<void(const Part&)>& body) const {
  each_chunk(shape_.rows, shape_.columns, [&](int64_t first, int64_t end, int64_t) {
    body({first, end, shape_.length, shape_.columns});
  });
}

at::Tensor Work::sums_over_rows(const std::function<void(const Part&, float*)>& body) const {
  return each_chunk_with_sums(shape_.rows, shape_.columns, shape_.columns,
                              [&](int64_t first, int64_t end, float* sums) {
                                body({first, end, shape_.length, shape_.columns}, sums);
                              });
}

}  // namespace subband::lifting_paths
