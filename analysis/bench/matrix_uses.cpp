#include "analysis/bench/matrix_uses.h"

#include <ATen/ops/ones.h>

#include <vector>

namespace subband {

MatrixUses::MatrixUses(Net& net, int64_t tokens) {
  const std::vector<NamedMatrix> all = weight_matrices(net);
  for (const auto& [name, matrix] : all)
    matrix->watch([this, &name = name](const at::Tensor& x) { ++times[name], vectors[name] += x.numel() / x.size(-1); });
  SequenceState state(tokens);
  net.forward(at::ones({1, tokens}, at::kLong), {.state = &state});
  for (const auto& [name, matrix] : all) matrix->watch({});
}

double MatrixUses::flops(const Net& net) const {
  double sum = 0;
  for (const auto& [name, matrix] : weight_matrices(net))
    if (const auto found = vectors.find(name); found != vectors.end())
      sum += 2.0 * static_cast<double>(matrix->rows() * matrix->columns() * found->second);
  return sum;
}

double bytes_of(const WeightMatrix& matrix) {
  return static_cast<double>(matrix.packed() ? matrix.packed()->form.bytes() : 4 * matrix.rows() * matrix.columns());
}

}  // namespace subband
