#include "models/quantisation/pack_net.h"

#include <ATen/ATen.h>
#include <c10/util/StringUtil.h>

#include "core/error.h"
#include "models/layers/weight_matrix.h"
#include "models/quantisation/error_feedback.h"
#include "models/quantisation/rounding.h"

namespace subband {

InputSums::InputSums(const torch::nn::Module& net, const PackedForms& forms) : net_(net) {
  for (const auto& [name, matrix] : weight_matrices(net)) {
    if (!forms.contains(name) || matrix->columns() > kMostColumns) continue;
    matrix->watch([this, name](const at::Tensor& x) {
      const at::Tensor rows = x.detach().reshape({-1, x.size(-1)}),
                       sum = at::matmul(rows.t(), rows).to(at::kDouble);
      const auto [found, is_new] = sums_.try_emplace(name, sum);
      if (!is_new) found->second.add_(sum);
    });
  }
}

InputSums::~InputSums() {
  for (const auto& [name, matrix] : weight_matrices(net_)) matrix->watch({});
}

PackedMatrices packed_matrices(const torch::nn::Module& net, const PackedForms& forms,
                               const Hessians& hessians) {
  PackedMatrices all;
  for (const auto& [name, matrix] : weight_matrices(net)) {
    const auto form = forms.find(name);
    if (form == forms.end()) continue;
    const at::Tensor weight = matrix->dense().detach();
    const auto hessian = hessians.find(name);
    all.emplace(name, hessian == hessians.end() ? round_to_nearest(weight, form->second)
                                                : with_error_feedback(weight, hessian->second, form->second));
  }
  return all;
}

void pack_net(const torch::nn::Module& net, const PackedMatrices& matrices, const std::string& place) {
  std::map<std::string, WeightMatrix*> known;
  for (const auto& [name, matrix] : weight_matrices(net)) known[name] = matrix;
  std::vector<Problem> problems;
  for (const auto& [name, matrix] : matrices) {
    const auto complain = [&, &name = name](const std::string& rule) {
      problems.push_back({place, "packed '" + name + "': " + rule});
    };
    const auto found = known.find(name);
    if (found == known.end())
      complain("no matrix of this net");
    else if (const WeightMatrix& own = *found->second;
             matrix.form.rows != own.rows() || matrix.form.columns != own.columns())
      complain(c10::str("expected [", own.rows(), ", ", own.columns(), "], got [", matrix.form.rows, ", ",
                        matrix.form.columns, "]"));
    else if (!matrix.scales.isfinite().all().item<bool>())
      complain("scales: must be finite numbers");
  }
  if (!problems.empty()) throw Error(problems);
  for (const auto& [name, matrix] : matrices) known.at(name)->pack(matrix);
}

}  // namespace subband
