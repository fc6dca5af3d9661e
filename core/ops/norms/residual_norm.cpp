#include "core/ops/norms/residual_norm.h"

#include <ATen/ATen.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <c10/core/GradMode.h>
#include <c10/util/StringUtil.h>
#include <torch/csrc/autograd/custom_function.h>

#include "core/error.h"
#include "core/ops/norms/residual_norm_cuda.h"
#include "core/ops/norms/residual_values.h"
#include "core/ops/op_choice.h"
#include "core/tensors/costs/recorded.h"
#include "core/tensors/expect.h"

namespace subband {

namespace residual_norm_paths {
namespace {

using torch::autograd::AutogradContext;

struct ResidualNormFunction : torch::autograd::Function<ResidualNormFunction> {
  static variable_list forward(AutogradContext* context, at::TensorList list, const Layout& layout) {
    const at::AutoDispatchBelowADInplaceOrView below;
    const Values values = values_of(list, layout);
    const Results results = values.terms[0].y.is_cuda() ? on_cuda(values) : by_loops(values);
    variable_list saved = {results.sum, layout.normed ? results.kept : at::Tensor()};
    saved.insert(saved.end(), list.begin(), list.end());
    context->save_for_backward(std::move(saved));
    context->set_materialize_grads(false);
    context->saved_data["terms"] = static_cast<int64_t>(layout.terms);
    context->saved_data["gains"] = static_cast<int64_t>(layout.gains);
    context->saved_data["normed"] = layout.normed, context->saved_data["biased"] = layout.biased;
    context->saved_data["kind"] = static_cast<int64_t>(layout.kind);
    context->saved_data["epsilon"] = layout.epsilon;
    if (!layout.normed) return {results.sum};
    return {results.sum, results.normed};
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    auto& data = context->saved_data;
    const Layout layout{.terms = static_cast<size_t>(data["terms"].toInt()),
                        .gains = static_cast<uint64_t>(data["gains"].toInt()),
                        .normed = data["normed"].toBool(),
                        .biased = data["biased"].toBool(),
                        .kind = static_cast<NormKind>(data["kind"].toInt()),
                        .epsilon = data["epsilon"].toDouble()};
    const at::TensorList list = at::TensorList(saved).slice(2);
    const Incoming incoming{gradients[0], layout.normed ? gradients[1] : at::Tensor()};
    variable_list all(list.size());
    if (!incoming.of_sum.defined() && !incoming.of_normed.defined()) {
      // nobody asks
    } else if (c10::GradMode::is_enabled()) {
      all = again({list.begin(), list.end()}, layout, incoming);
    } else {
      const at::AutoDispatchBelowADInplaceOrView below;
      const Values values = values_of(list, layout);
      const Results results{saved[0], {}, saved[1]};
      all = saved[0].is_cuda() ? back_on_cuda(values, results, incoming) : back_by_loops(values, results, incoming);
    }
    all.emplace_back();  // of the layout
    return all;
  }

  static variable_list again(const variable_list& list, const Layout& layout, const Incoming& incoming) {
    const auto or_zeros = [&](const at::Tensor& g) { return g.defined() ? g : at::zeros_like(list[0]); };
    const auto reference = [&layout](const variable_list& in) {
      const Values values = values_of(in, layout);
      const at::Tensor sum = sum_reference(values.stream(), values.branches());
      return layout.normed ? at::stack({sum, norm_reference(sum, values.norm)}) : sum;
    };
    return gradients_again(reference, list,
                           layout.normed ? at::stack({or_zeros(incoming.of_sum), or_zeros(incoming.of_normed)})
                                         : incoming.of_sum);
  }
};

void expect_terms(const char* op, const Values& values) {
  const at::Tensor& x = values.terms[0].y;
  if (x.dim() < 1) throw ShapeError(op, "x: expected one axis at least, got none");
  if (values.terms.size() < 2) throw ShapeError(op, "branches: expected one at least, got none");
  if (values.terms.size() > kMostTerms) throw ShapeError(op, "branches: expected at most 62");
  for (const ResidualTerm& term : values.terms) {
    if (term.y.sizes() != x.sizes()) throw ShapeError(op, c10::str("y: expected ", x.sizes(), ", got ", term.y.sizes()));
    if (term.gain.defined() && term.gain.dim() != 0) expect_shape(op, "gain", term.gain, {x.size(-1)});
  }
  if (values.norm.weight_C.defined()) expect_shape(op, "weight", values.norm.weight_C, {x.size(-1)});
  if (values.norm.bias_C.defined()) expect_shape(op, "bias", values.norm.bias_C, {x.size(-1)});
}

struct Chosen {
  variable_list list;
  Layout layout;
  bool is_reference;
};

Chosen choose(const char* op, const Values& values, std::string_view path) {
  expect_terms(op, values);
  Chosen chosen;
  chosen.list = listed(values, chosen.layout);
  const bool fits = values.terms.size() <= SubbandResidualNorm::kMostTerms;
  chosen.is_reference = taken_path(op, chosen.list, path,
                                   {.cuda = fits ? KernelTypes::fp32_and_half : KernelTypes::none}) == OpPath::reference;
  return chosen;
}

Values gathered(const ResidualTerm& x, const std::vector<ResidualTerm>& branches, const NormWeights& norm) {
  Values values{.terms = {x}, .norm = norm};
  values.terms.insert(values.terms.end(), branches.begin(), branches.end());
  return values;
}

}  // namespace
}  // namespace residual_norm_paths

ResidualNorm residual_norm(const ResidualTerm& x, const std::vector<ResidualTerm>& branches, const NormWeights& norm,
                           std::string_view path) {
  using namespace residual_norm_paths;
  const Chosen chosen = choose("residual_norm", gathered(x, branches, norm), path);
  RecordedOp op("subband::residual_norm", chosen.list);
  if (chosen.is_reference) {
    const at::Tensor sum = sum_reference(x, branches);
    return {sum, op.gives(norm_reference(sum, norm))};
  }
  const variable_list both = ResidualNormFunction::apply(at::TensorList(chosen.list), chosen.layout);
  return {both[0], op.gives(both[1])};
}

at::Tensor residual_sum(const ResidualTerm& x, const std::vector<ResidualTerm>& branches, std::string_view path) {
  using namespace residual_norm_paths;
  const Chosen chosen = choose("residual_sum", gathered(x, branches, {.weight_C = {}}), path);
  RecordedOp op("subband::residual_sum", chosen.list);
  if (chosen.is_reference) return op.gives(sum_reference(x, branches));
  return op.gives(ResidualNormFunction::apply(at::TensorList(chosen.list), chosen.layout)[0]);
}

at::Tensor residual_norm_paths::sum_reference(const ResidualTerm& x, const std::vector<ResidualTerm>& branches) {
  const auto scaled = [](const ResidualTerm& term) { return term.gain.defined() ? term.gain * term.y : term.y; };
  at::Tensor sum = scaled(branches[0]);
  for (size_t k = 1; k < branches.size(); ++k) sum = sum + scaled(branches[k]);
  return scaled(x) + sum;
}

at::Tensor residual_norm_paths::norm_reference(const at::Tensor& sum, const NormWeights& norm) {
  if (norm.kind == NormKind::rms) return at::rms_norm(sum, norm.weight_C.sizes(), norm.weight_C, norm.epsilon);
  return at::layer_norm(sum, norm.weight_C.sizes(), norm.weight_C, norm.bias_C, norm.epsilon);
}

}  // namespace subband
