// The CPU path of residual_norm, around its loops.
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include <algorithm>
#include <utility>

#include "core/ops/norms/residual_norm_loops.h"
#include "core/ops/norms/residual_values.h"
#include "core/ops/op_choice.h"

namespace subband::residual_norm_paths {

namespace {

Rows rows_of(const at::Tensor& x) { return {x.numel() / std::max<int64_t>(1, x.size(-1)), x.size(-1)}; }

Gain gain_of(const at::Tensor& gain) {
  return gain.defined() ? Gain{gain.const_data_ptr<float>(), gain.dim()} : Gain{};
}

Term term_of(const ResidualTerm& term) { return {term.y.const_data_ptr<float>(), gain_of(term.gain)}; }

NormValues norm_of(const NormWeights& norm) {
  return {norm.kind == NormKind::layer, norm.weight_C.const_data_ptr<float>(),
          norm.bias_C.defined() ? norm.bias_C.const_data_ptr<float>() : nullptr, static_cast<float>(norm.epsilon)};
}

// Of weight and bias, and of the gain of each term, one behind the other.
struct Sums {
  int64_t weight = 0, bias = 0, count = 0;
  std::vector<int64_t> gains;
  Sums(const Values& values, int64_t columns) {
    const auto place = [this](int64_t size) { return std::exchange(count, count + size); };
    weight = place(values.norm.weight_C.defined() ? columns : 0);
    bias = place(values.norm.bias_C.defined() ? columns : 0);
    for (const ResidualTerm& term : values.terms) gains.push_back(place(term.gain.defined() ? term.gain.numel() : 0));
  }
};

}  // namespace

Results by_loops(const Values& given) {
  const Values values = in_order(given);
  const at::Tensor& x = values.terms[0].y;
  const Rows all = rows_of(x);
  const bool normed = values.normed();
  Results results{at::empty_like(x), normed ? at::empty_like(x) : x, normed ? at::empty({all.rows, 2}, x.options()) : x};
  std::vector<Term> terms;
  for (const ResidualTerm& term : values.terms) terms.push_back(term_of(term));
  float *const z = results.sum.mutable_data_ptr<float>(), *const n = normed ? results.normed.mutable_data_ptr<float>() : z;
  float* const kept = normed ? results.kept.mutable_data_ptr<float>() : z;
  each_chunk(all.rows, all.columns, [&](int64_t first, int64_t end, int64_t) {
    const int64_t start = first * all.columns;
    std::vector<Term> own = terms;
    for (Term& term : own) term.y += start;
    const Rows part{end - first, all.columns};
    sum_rows(part, own[0], own.data() + 1, static_cast<int64_t>(own.size()) - 1, z + start);
    if (normed) norm_rows(part, norm_of(values.norm), z + start, n + start, kept + 2 * first);
  });
  return results;
}

variable_list back_by_loops(const Values& given, const Results& results, const Incoming& incoming) {
  const Values values = in_order(given);
  const int64_t rows = rows_of(results.sum).rows, columns = results.sum.size(-1);
  const Sums at(values, columns);
  const at::Tensor of_sum = incoming.of_sum.defined() ? incoming.of_sum.contiguous() : at::Tensor(),
                   of_normed = incoming.of_normed.defined() ? incoming.of_normed.contiguous() : at::Tensor();
  const at::Tensor d = of_normed.defined() ? at::empty_like(results.sum) : of_sum;
  const bool biased = values.norm.bias_C.defined();
  std::vector<at::Tensor> of_y;
  for (const ResidualTerm& term : values.terms) of_y.push_back(term.gain.defined() ? at::empty_like(d) : d);
  const auto each = [&](int64_t first, int64_t end, float* own) {
    const int64_t start = first * columns;
    const Rows part{end - first, columns};
    if (of_normed.defined()) {
      const NormGradients gradients{of_normed.const_data_ptr<float>() + start,
                                    of_sum.defined() ? of_sum.const_data_ptr<float>() + start : nullptr,
                                    own + at.weight, biased ? own + at.bias : nullptr};
      norm_rows_backward(part, norm_of(values.norm), results.sum.const_data_ptr<float>() + start,
                         results.kept.const_data_ptr<float>() + 2 * first, gradients, d.data_ptr<float>() + start);
    }
    for (size_t k = 0; k < values.terms.size(); ++k) {
      if (!values.terms[k].gain.defined()) continue;
      Term term = term_of(values.terms[k]);
      term.y += start;
      gain_rows_backward(part, term, d.const_data_ptr<float>() + start, of_y[k].data_ptr<float>() + start,
                         own + at.gains[k]);
    }
  };
  const at::Tensor sums = each_chunk_with_sums(rows, columns, at.count, each);
  variable_list all;
  for (size_t k = 0; k < values.terms.size(); ++k) {
    const at::Tensor& gain = values.terms[k].gain;
    all.push_back(of_y[k]);
    if (gain.defined()) all.push_back(sums.narrow(0, at.gains[k], gain.numel()).view(gain.sizes()));
  }
  if (values.norm.weight_C.defined()) all.push_back(sums.narrow(0, at.weight, columns));
  if (biased) all.push_back(sums.narrow(0, at.bias, columns));
  return all;
}

}  // namespace subband::residual_norm_paths
