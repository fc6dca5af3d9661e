#include "models/layers/attention/random_features.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace subband {

// A uniformly random rotation: QR of a Gaussian block, with the signs that make R's diagonal positive.
// Without them Q is not uniform: its last column would follow the sign convention of the library.
static at::Tensor rotation(int64_t width, const std::function<at::Tensor(at::IntArrayRef)>& normal) {
  const auto [Q, R] = at::linalg_qr(normal({width, width}).to(at::kDouble));
  return (Q * R.diagonal().sign()).t();
}

at::Tensor random_rows(const RandomRows& rows, const std::function<at::Tensor(at::IntArrayRef)>& normal) {
  const int64_t M = rows.count, K = rows.width;
  if (!rows.orthogonal) {
    const at::Tensor drawn = normal({M, K});
    return rows.constant_norm ? drawn / drawn.norm(2, -1, true) * std::sqrt(static_cast<double>(K)) : drawn;
  }
  std::vector<at::Tensor> blocks;
  for (int64_t row = 0; row < M; row += K)
    blocks.push_back(rotation(K, normal).narrow(0, 0, std::min(K, M - row)));
  const at::Tensor directions = at::cat(blocks);
  if (rows.constant_norm) return (directions * std::sqrt(static_cast<double>(K))).to(at::kFloat);
  return (directions * normal({M, K}).to(at::kDouble).norm(2, -1, true)).to(at::kFloat);
}

at::Tensor log_features(const at::Tensor& x, const at::Tensor& rows_MK) {
  return at::matmul(x, rows_MK.t()) - x.square().sum(-1, true).div(2);
}

}  // namespace subband
