// The CUDA path of residual_norm, around its kernels.
#include <ATen/ATen.h>

#include "core/ops/norms/residual_norm_cuda.h"
#include "core/ops/norms/residual_values.h"
#include "core/ops/op_choice.h"
#include "core/tensors/device.h"

namespace subband::residual_norm_paths {

static SubbandResidualNorm described(const Values& values) {
  const at::Tensor& x = values.terms[0].y;
  const int64_t columns = x.size(-1), rows = x.numel() / std::max<int64_t>(1, columns);
  const NormWeights& norm = values.norm;
  SubbandResidualNorm all{.rows = rows,
                          .columns = columns,
                          .terms = static_cast<int>(values.terms.size()),
                          .term = {},
                          .weight = norm.weight_C.defined() ? norm.weight_C.const_data_ptr() : nullptr,
                          .bias = norm.bias_C.defined() ? norm.bias_C.const_data_ptr() : nullptr,
                          .subtracts_mean = norm.kind == NormKind::layer ? 1 : 0,
                          .epsilon = static_cast<float>(norm.epsilon),
                          .type = cuda_value_type(x.scalar_type()),
                          .stream = cuda_stream(x.device())};
  for (size_t k = 0; k < values.terms.size(); ++k) {
    const at::Tensor& gain = values.terms[k].gain;
    all.term[k] = {values.terms[k].y.const_data_ptr(), gain.defined() ? gain.const_data_ptr() : nullptr,
                   gain.defined() ? gain.dim() : 0};
  }
  return all;
}

Results on_cuda(const Values& given) {
  const Values values = in_order(given);
  const SubbandResidualNorm norm = described(values);
  const at::Tensor& x = values.terms[0].y;
  const bool normed = norm.weight != nullptr;
  Results results{at::empty_like(x), normed ? at::empty_like(x) : x,
                  normed ? at::empty({norm.rows, 2}, x.options().dtype(at::kFloat)) : x};
  cuda_launch<decltype(subband_cuda_residual_norm)>(
      "residual_norm", "subband_cuda_residual_norm", &norm, results.sum.mutable_data_ptr(),
      normed ? results.normed.mutable_data_ptr() : nullptr, normed ? results.kept.mutable_data_ptr<float>() : nullptr);
  return results;
}

variable_list back_on_cuda(const Values& given, const Results& results, const Incoming& incoming) {
  const Values values = in_order(given);
  const SubbandResidualNorm norm = described(values);
  const at::Tensor of_sum = incoming.of_sum.defined() ? incoming.of_sum.contiguous() : at::Tensor(),
                   of_normed = incoming.of_normed.defined() ? incoming.of_normed.contiguous() : at::Tensor();
  const auto wide = results.sum.options().dtype(at::kFloat);
  const int64_t chunks = (norm.rows + SubbandResidualNorm::kRows - 1) / SubbandResidualNorm::kRows;
  at::Tensor d = at::empty_like(results.sum), dots = at::empty({norm.terms, norm.rows}, wide);
  at::Tensor partial = at::empty({2 + norm.terms, chunks, norm.columns}, wide);
  SubbandResidualBack back{.sum = results.sum.const_data_ptr(),
                           .kept = norm.weight != nullptr ? results.kept.const_data_ptr<float>() : nullptr,
                           .g = of_normed.defined() ? of_normed.const_data_ptr() : nullptr,
                           .g_sum = of_sum.defined() ? of_sum.const_data_ptr() : nullptr,
                           .d = d.mutable_data_ptr(),
                           .of_y = {},
                           .dots = dots.mutable_data_ptr<float>(),
                           .partial = partial.mutable_data_ptr<float>()};
  variable_list of_y;
  for (size_t k = 0; k < values.terms.size(); ++k) {
    of_y.push_back(values.terms[k].gain.defined() ? at::empty_like(d) : d);
    back.of_y[k] = of_y[k].mutable_data_ptr();
  }
  cuda_launch<decltype(subband_cuda_residual_norm_backward)>("residual_norm", "subband_cuda_residual_norm_backward",
                                                             &norm, &back);
  variable_list all;
  const auto column_sums = [&](int64_t which, const at::Tensor& like) {
    return partial.select(0, which).sum(0).to(like.scalar_type());
  };
  for (size_t k = 0; k < values.terms.size(); ++k) {
    const at::Tensor& gain = values.terms[k].gain;
    const auto own = static_cast<int64_t>(k);
    all.push_back(of_y[k]);
    if (gain.defined())
      all.push_back(gain.dim() == 0 ? dots.select(0, own).sum().to(gain.scalar_type()) : column_sums(2 + own, gain));
  }
  const bool has_norm = of_normed.defined();
  if (values.norm.weight_C.defined())
    all.push_back(has_norm ? column_sums(0, values.norm.weight_C) : at::zeros_like(values.norm.weight_C));
  if (values.norm.bias_C.defined())
    all.push_back(has_norm ? column_sums(1, values.norm.bias_C) : at::zeros_like(values.norm.bias_C));
  return all;
}

}  // namespace subband::residual_norm_paths
