#include "core/ops/norms/residual_values.h"

namespace subband::residual_norm_paths {

Values values_of(at::TensorList list, const Layout& layout) {
  Values values{.terms = {}, .norm = {.kind = layout.kind, .weight_C = {}, .bias_C = {}, .epsilon = layout.epsilon}};
  size_t next = 0;
  for (size_t k = 0; k < layout.terms; ++k) {
    ResidualTerm& term = values.terms.emplace_back(ResidualTerm{list[next++], {}});
    if (layout.has_gain(k)) term.gain = list[next++];
  }
  if (layout.normed) values.norm.weight_C = list[next++];
  if (layout.biased) values.norm.bias_C = list[next++];
  return values;
}

variable_list listed(const Values& values, Layout& layout) {
  variable_list all;
  for (size_t k = 0; k < values.terms.size(); ++k) {
    all.push_back(values.terms[k].y);
    if (!values.terms[k].gain.defined()) continue;
    layout.gains |= uint64_t{1} << k;
    all.push_back(values.terms[k].gain);
  }
  layout.terms = values.terms.size();
  layout.kind = values.norm.kind, layout.epsilon = values.norm.epsilon;
  layout.normed = values.norm.weight_C.defined(), layout.biased = values.norm.bias_C.defined();
  if (layout.normed) all.push_back(values.norm.weight_C);
  if (layout.biased) all.push_back(values.norm.bias_C);
  return all;
}

Values in_order(Values values) {
  for (ResidualTerm& term : values.terms) {
    term.y = term.y.contiguous();
    if (term.gain.defined()) term.gain = term.gain.contiguous();
  }
  if (values.norm.weight_C.defined()) values.norm.weight_C = values.norm.weight_C.contiguous();
  if (values.norm.bias_C.defined()) values.norm.bias_C = values.norm.bias_C.contiguous();
  return values;
}

}  // namespace subband::residual_norm_paths
