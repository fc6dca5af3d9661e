#include "models/layers/attention/random_features.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>
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

StabilizedKeys stabilized_keys(const at::Tensor& log_BLGM, const at::Tensor& keep_BL) {
  at::Tensor log = log_BLGM;
  if (keep_BL.defined()) {
    const at::Tensor padded = keep_BL.logical_not().unsqueeze(-1).unsqueeze(-1);
    log = log.masked_fill(padded, -std::numeric_limits<double>::infinity());
  }
  const at::Tensor peak = log.detach().amax({1, 3}, true);
  // A sequence without any real token has no largest key.
  return {(log - peak.masked_fill(peak.isinf(), 0)).exp(), {}};
}

StabilizedKeys stabilized_keys_so_far(const at::Tensor& log_BLGM, at::Tensor& peak) {
  at::Tensor peaks = std::get<0>(log_BLGM.detach().amax(-1).cummax(1));
  if (peak.defined()) peaks = at::maximum(peaks, peak.unsqueeze(1));
  const at::Tensor before = peak.defined() ? peak.unsqueeze(1) : peaks.narrow(1, 0, 1);
  const int64_t L = peaks.size(1);
  peak = peaks.select(1, L - 1);
  return {(log_BLGM - peaks.unsqueeze(-1)).exp(), at::cat({before, peaks.narrow(1, 0, L - 1)}, 1) - peaks};
}

}  // namespace subband
