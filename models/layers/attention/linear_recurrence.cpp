#include "models/layers/attention/linear_recurrence.h"

#include <ATen/ATen.h>

#include <c10/core/GradMode.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "core/ops/recurrence/chunk_state.h"
#include "core/tensors/expect.h"

namespace subband::linear_recurrence {

static constexpr double kNever = -std::numeric_limits<double>::infinity();

static at::Tensor widened(const at::Tensor& x) {
  return x.defined() && x.element_size() < 4 ? x.to(at::kFloat) : x;
}

static RecurrenceInputs checked(const RecurrenceInputs& in) {
  const char* place = "linear_recurrence";
  expect_shape(place, "q", in.q_BLHK, {kAny, kAny, kAny, kAny});
  const int64_t B = in.q_BLHK.size(0), L = in.q_BLHK.size(1), H = in.q_BLHK.size(2), K = in.q_BLHK.size(3);
  expect_shape(place, "k", in.k_BLHK, {B, L, H, K});
  expect_shape(place, "v", in.v_BLHV, {B, L, H, kAny});
  const int64_t V = in.v_BLHV.size(3);
  if (in.log_decay_BLH.defined()) expect_shape(place, "log decay", in.log_decay_BLH, {B, L, H});
  if (in.state_BHKV.defined()) expect_shape(place, "state", in.state_BHKV, {B, H, K, V});
  RecurrenceInputs wide{widened(in.q_BLHK), widened(in.k_BLHK), widened(in.v_BLHV), widened(in.log_decay_BLH),
                        widened(in.state_BHKV)};
  if (!wide.state_BHKV.defined()) wide.state_BHKV = at::zeros({B, H, K, V}, wide.v_BLHV.options());
  return wide;
}

// e^(c_i - c_j) where j <= i, else 0, for running sums c [..., N] -> [..., N, N]. The differences that would
// overflow are masked before the exponential: infinity times 0 would make the gradient NaN.
static at::Tensor decays_between(const at::Tensor& sums) {
  const int64_t N = sums.size(-1);
  const at::Tensor future = at::ones({N, N}, sums.options().dtype(at::kBool)).triu(1);
  return (sums.unsqueeze(-1) - sums.unsqueeze(-2)).masked_fill(future, kNever).exp();
}

RecurrenceOutputs chunked(const RecurrenceInputs& inputs, int64_t chunk) {
  const RecurrenceInputs in = checked(inputs);
  ChunkStateInputs engine{.q_BLHK = in.q_BLHK, .k_BLGK = in.k_BLHK, .v_BLGV = in.v_BLHV};
  engine.log_decay = in.log_decay_BLH, engine.state_BGKV = in.state_BHKV, engine.chunk = chunk;
  const ChunkStateOutputs out = chunk_state(engine);
  return {out.y_BLHV, out.state_BGKV};
}

RecurrenceOutputs recurrent(const RecurrenceInputs& inputs) {
  const RecurrenceInputs in = checked(inputs);
  at::Tensor state = in.state_BHKV.clone();
  std::vector<at::Tensor> rows;
  for (int64_t t = 0; t < in.q_BLHK.size(1); ++t) {
    const at::Tensor decay = in.log_decay_BLH.defined() ? in.log_decay_BLH.select(1, t) : at::Tensor();
    rows.push_back(
        step(in.q_BLHK.select(1, t), in.k_BLHK.select(1, t), in.v_BLHV.select(1, t), decay, state));
  }
  return {rows.empty() ? in.v_BLHV : at::stack(rows, 1), state};
}

RecurrenceOutputs next(const RecurrenceInputs& in) {
  const at::Tensor& decay = in.log_decay_BLH;
  at::Tensor state = in.state_BHKV;
  const at::Tensor y = step(in.q_BLHK.squeeze(1), in.k_BLHK.squeeze(1), in.v_BLHV.squeeze(1),
                            decay.defined() ? decay.squeeze(1) : decay, state);
  return {y.unsqueeze(1), state};
}

RecurrenceOutputs quadratic(const RecurrenceInputs& inputs) {
  const RecurrenceInputs in = checked(inputs);
  const at::Tensor q = in.q_BLHK.transpose(1, 2), k = in.k_BLHK.transpose(1, 2),
                   v = in.v_BLHV.transpose(1, 2);
  const at::Tensor scores = at::matmul(q, k.transpose(-1, -2));
  const at::Tensor decay =
      in.log_decay_BLH.defined() ? in.log_decay_BLH.transpose(1, 2) : at::zeros_like(v.select(-1, 0));
  const at::Tensor sums = decay.cumsum(-1);
  const at::Tensor total = sums.size(-1) > 0 ? sums.narrow(-1, sums.size(-1) - 1, 1) : sums.sum(-1, true);
  const at::Tensor y =
      at::matmul(scores * decays_between(sums), v) + at::matmul(q * sums.exp().unsqueeze(-1), in.state_BHKV);
  const at::Tensor state = in.state_BHKV * total.exp().unsqueeze(-1) +
                           at::matmul((k * (total - sums).exp().unsqueeze(-1)).transpose(-1, -2), v);
  return {y.transpose(1, 2), state};
}

at::Tensor step(const at::Tensor& q_BHK, const at::Tensor& k_BHK, const at::Tensor& v_BHV,
                const at::Tensor& log_decay_BH, at::Tensor& state_BHKV) {
  const at::Tensor added = widened(k_BHK).unsqueeze(-1) * widened(v_BHV).unsqueeze(-2);
  if (!state_BHKV.defined())
    state_BHKV = added;
  else if (!c10::GradMode::is_enabled() && !state_BHKV.requires_grad())
    (log_decay_BH.defined() ? state_BHKV.mul_(widened(log_decay_BH).exp().unsqueeze(-1).unsqueeze(-1)) : state_BHKV)
        .add_(added);
  else if (log_decay_BH.defined())
    state_BHKV = state_BHKV * widened(log_decay_BH).exp().unsqueeze(-1).unsqueeze(-1) + added;
  else
    state_BHKV = state_BHKV + added;
  const at::Tensor q = widened(q_BHK);
  return q.dim() == 4 ? at::matmul(q, state_BHKV) : at::matmul(q.unsqueeze(-2), state_BHKV).squeeze(-2);
}

double chunked_flops(int64_t length, int64_t chunk, int64_t heads, int64_t key_width, int64_t value_width) {
  if (length == 0) return 0;
  const int64_t chunk_used = std::min(chunk, length);
  const double C = static_cast<double>(chunk_used);
  const double N = static_cast<double>((length + chunk_used - 1) / chunk_used);
  const double H = static_cast<double>(heads), K = static_cast<double>(key_width);
  const double V = static_cast<double>(value_width);
  return 2 * N * C * H * (C * (K + V) + 2 * K * V);
}

}  // namespace subband::linear_recurrence
