#include "models/quantisation/plan.h"

namespace subband {

QuantisationPlan QuantisationPlan::original() {
  QuantisationPlan plan;
  plan.bits = {{QuantiserTier::mixer_coarse, 8},
               {QuantiserTier::mixer_mid, 4},
               {QuantiserTier::mixer_fine, 2},
               {QuantiserTier::mlp, 4},
               {QuantiserTier::embedding, 8}};
  return plan;
}

QuantisationPlan QuantisationPlan::uniform(int bits) {
  QuantisationPlan plan;
  for (const std::string& name : tier_names()) plan.bits[*tier_named(name)] = bits;
  return plan;
}

std::optional<PackedForm> QuantisationPlan::form(const Purpose& purpose, int64_t rows,
                                                 int64_t columns) const {
  const auto found = bits.find(tier_of(purpose));
  if (found == bits.end()) return {};
  const int64_t original = purpose.role == Role::embedding ? PackedForm::kTensor : PackedForm::kRow;
  return PackedForm{.rows = rows,
                    .columns = columns,
                    .bits = found->second,
                    .group = group.value_or(original),
                    .symmetric = symmetric};
}

PackedForms planned_forms(const torch::nn::Module& net, const QuantisationPlan& plan) {
  PackedForms forms;
  for (const auto& [name, matrix] : weight_matrices(net))
    if (const auto form = plan.form(matrix->purpose(), matrix->rows(), matrix->columns()))
      forms.emplace(name, *form);
  return forms;
}

}  // namespace subband
