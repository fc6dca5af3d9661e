#include "core/ops/lifting/lifting_work.h"

#include <ATen/ATen.h>

#include <algorithm>

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

// Values of a block's array: half a MiB.
static constexpr int64_t kBlockValues = int64_t{1} << 17;

Work::Work(const WorkShape& shape, const at::TensorOptions& options)
    : shape_(shape),
      block_rows_(std::clamp(kBlockValues / std::max({shape.hidden, shape.columns, int64_t{1}}), kRowsPerChunk,
                             std::max(shape.rows, kRowsPerChunk))) {
  block_rows_ -= block_rows_ % kRowsPerChunk;
  const int64_t rows = std::min(shape.rows, block_rows_);
  a_nH_ = at::empty({rows, shape.hidden}, options);
  y_nC_ = at::empty({rows, shape.columns}, options);
}

void Work::each_block(const std::function<void(const RowBlock&)>& body) const {
  for (int64_t first = 0; first < shape_.rows; first += block_rows_)
    body({first, std::min(block_rows_, shape_.rows - first)});
}

const float* Work::apply(const LiftingNetwork& n, const at::Tensor& x_nC, at::Tensor kept_nH) {
  const int64_t rows = x_nC.size(0), hidden = shape_.hidden;
  if (!kept_nH.defined()) {
    if (!h_nH_.defined()) h_nH_ = at::empty_like(a_nH_);
    kept_nH = h_nH_.narrow(0, 0, rows);
  }
  at::mm_out(kept_nH, x_nC, n.first_HC.t());
  const float *h = kept_nH.const_data_ptr<float>(), *bias = n.first_bias_H.const_data_ptr<float>();
  float* const a = a_nH_.mutable_data_ptr<float>();
  each_chunk(rows, hidden, [=](int64_t first, int64_t end, int64_t) {
    gelu_network_paths::gelu({end - first, hidden}, h + first * hidden, bias, a + first * hidden);
  });
  at::Tensor y_nC = y_nC_.narrow(0, 0, rows);
  at::mm_out(y_nC, a_nH_.narrow(0, 0, rows), n.last_CH.t());
  return y_nC.const_data_ptr<float>();
}

// sums += x y, or the first of them.
static void add_product(at::Tensor& sums, const at::Tensor& x, const at::Tensor& y) {
  if (sums.defined())
    sums.addmm_(x, y);
  else
    sums = at::mm(x, y);
}

static void add_sums(at::Tensor& sums, const at::Tensor& more) {
  if (sums.defined())
    sums.add_(more);
  else
    sums = more;
}

void Work::back(const LiftingNetwork& n, const at::Tensor& x_nC, const at::Tensor& kept_nH, const at::Tensor& g_nC,
                at::Tensor x_gradient, LiftingNetwork& sums) {
  const int64_t rows = x_nC.size(0), hidden = shape_.hidden;
  if (!d_nH_.defined()) d_nH_ = at::empty_like(a_nH_);
  at::Tensor d_nH = d_nH_.narrow(0, 0, rows);
  at::mm_out(d_nH, g_nC, n.last_CH);
  const float *h = kept_nH.const_data_ptr<float>(), *bias = n.first_bias_H.const_data_ptr<float>();
  float *const d = d_nH.mutable_data_ptr<float>(), *const a = a_nH_.mutable_data_ptr<float>();
  add_sums(sums.first_bias_H,
           each_chunk_with_sums(rows, hidden, hidden, [=](int64_t first, int64_t end, float* own) {
             const int64_t at = first * hidden;
             gelu_network_paths::gelu_backward({end - first, hidden}, h + at, bias, d + at, a + at, own);
           }));
  add_product(sums.last_CH, g_nC.t(), a_nH_.narrow(0, 0, rows));
  add_product(sums.first_HC, d_nH.t(), x_nC);
  at::mm_out(x_gradient, d_nH, n.first_HC);
}

void Work::over_rows(const RowBlock& block, const std::function<void(const Part&)>& body) const {
  each_chunk(block.count, shape_.columns, [&](int64_t first, int64_t end, int64_t) {
    body({block.first + first, block.first + end, shape_.length, shape_.columns});
  });
}

void Work::over_rows(const RowBlock& block, at::Tensor& sums,
                     const std::function<void(const Part&, float*)>& body) const {
  add_sums(sums, each_chunk_with_sums(block.count, shape_.columns, shape_.columns,
                                      [&](int64_t first, int64_t end, float* own) {
                                        body({block.first + first, block.first + end, shape_.length, shape_.columns},
                                             own);
                                      }));
}

}  // namespace subband::lifting_paths
