#include <ATen/ATen.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "core/ops/recurrence/chunk_state.h"

namespace subband::chunk_state_paths {
namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();
constexpr int64_t kBlock = 16;  // tokens whose decays per channel are formed pair by pair

at::Tensor widened(const at::Tensor& x) { return x.defined() && x.element_size() < 4 ? x.to(at::kFloat) : x; }

// Of tokens of a chunk: their rows, and the log decay from the chunk's start up to each.
struct Side {
  at::Tensor rows;  // [..., C, K]
  at::Tensor sums;  // [..., C, 1 or K], or undefined
};

enum class Seen { before, up_to };  // tokens that row i sees: j < i, j <= i

at::Tensor hidden(int64_t count, Seen seen, const at::Tensor& like) {
  return at::ones({count, count}, like.options().dtype(at::kBool)).triu(seen == Seen::up_to ? 1 : 0);
}

// The differences that would overflow are masked before the exponential: infinity times 0 would make the gradient NaN.
at::Tensor pair_by_pair(const Side& x, const Side& y, Seen seen) {
  const at::Tensor mask = hidden(x.rows.size(-2), seen, x.rows).unsqueeze(-1);
  const at::Tensor decays = (x.sums.unsqueeze(-2) - y.sums.unsqueeze(-3)).masked_fill(mask, kNever).exp();
  return (x.rows.unsqueeze(-2) * y.rows.unsqueeze(-3) * decays).sum(-1);
}

Side part_of(const Side& side, int64_t first, int64_t count) {
  return {side.rows.narrow(-2, first, count), side.sums.narrow(-2, first, count)};
}

// Where every channel has its own decay: a product for the columns before a block of rows, with the sum just before the
// block as the reference of both factors, and single pairs on the diagonal.
at::Tensor block_by_block(const Side& x, const Side& y, Seen seen) {
  const int64_t C = x.rows.size(-2);
  std::vector<at::Tensor> blocks;
  for (int64_t first = 0; first < C; first += kBlock) {
    const int64_t count = std::min(kBlock, C - first);
    const Side own = part_of(x, first, count);
    at::Tensor block = pair_by_pair(own, part_of(y, first, count), seen);
    if (first > 0) {
      const Side past = part_of(y, 0, first);
      const at::Tensor reference = y.sums.narrow(-2, first - 1, 1);
      const at::Tensor late = own.rows * (own.sums - reference).exp();
      const at::Tensor early = past.rows * (reference - past.sums).exp();
      block = at::cat({at::matmul(late, early.transpose(-1, -2)), block}, -1);
    }
    blocks.push_back(at::constant_pad_nd(block, {0, C - first - count}));
  }
  return at::cat(blocks, -2);
}

// sum over channels of x_i y_j e^(sums of x_i - sums of y_j) where i sees j, else 0  [..., C, C]
at::Tensor pairs(const Side& x, const Side& y, Seen seen) {
  if (x.sums.defined() && x.sums.size(-1) > 1) return block_by_block(x, y, seen);
  const at::Tensor products = at::matmul(x.rows, y.rows.transpose(-1, -2));
  if (!x.sums.defined()) return products.tril(seen == Seen::up_to ? 0 : -1);
  const at::Tensor between = x.sums - y.sums.transpose(-1, -2);
  return products * between.masked_fill(hidden(x.rows.size(-2), seen, x.rows), kNever).exp();
}

// [B,L,H,X] or [B,L,H] -> [B,H,N,C,X], filled up with zeros: no decay, nothing to add and nothing to lose.
at::Tensor cut(const at::Tensor& x, int64_t chunks, int64_t chunk) {
  if (!x.defined()) return x;
  const at::Tensor columns = x.dim() == 3 ? x.unsqueeze(-1) : x;
  const int64_t missing = chunks * chunk - x.size(1);
  const at::Tensor full = missing == 0 ? columns : at::constant_pad_nd(columns, {0, 0, 0, 0, 0, missing});
  return full.unflatten(1, {chunks, chunk}).permute({0, 3, 1, 2, 4});
}

at::Tensor decayed(const at::Tensor& rows, const at::Tensor& log_decay) {
  return log_decay.defined() ? rows * log_decay.exp() : rows;
}

// The term of rank 1: what a reads, p_i = a_iᵀ S_{i-1}, is `own` + `from_start` S for the state S before the chunk.
struct Removal {
  at::Tensor own, from_start;  // [..., C, V], [..., C, K]
  at::Tensor seen_by_q;        // [..., C, C]
  at::Tensor last_b;           // b, decayed to the chunk's end
};

Removal removal_of(const Side& q, const Side& k, const at::Tensor& a, const at::Tensor& b, const at::Tensor& v) {
  at::Tensor before = k.sums;
  if (before.defined()) before = at::constant_pad_nd(before.narrow(-2, 0, before.size(-2) - 1), {0, 0, 1, 0});
  const Side reads{a, before}, writes{b, k.sums};
  const at::Tensor known =
      at::cat({at::matmul(pairs(reads, k, Seen::before), v), decayed(a, before)}, -1);
  // (I - A) P = known, with A strictly below the diagonal
  const at::Tensor solved =
      at::linalg_solve_triangular(-pairs(reads, writes, Seen::before), known, false, true, true);
  const int64_t V = v.size(-1);
  at::Tensor left;
  if (k.sums.defined()) left = k.sums.narrow(-2, k.sums.size(-2) - 1, 1) - k.sums;
  return {solved.narrow(-1, 0, V), solved.narrow(-1, V, a.size(-1)), pairs(q, writes, Seen::up_to), decayed(b, left)};
}

at::Tensor repeated(const at::Tensor& x, int64_t times, int64_t axis) {
  return times == 1 || !x.defined() ? x : x.repeat_interleave(times, axis);
}

// Wide enough, one key head for every query head, and with the ones.
ChunkStateInputs prepared(const ChunkStateInputs& in) {
  const int64_t G = in.k_BLGK.size(2), repeats = in.q_BLHK.size(2) / G;
  ChunkStateInputs out = in;
  out.q_BLHK = widened(in.q_BLHK);
  at::Tensor v = widened(in.v_BLGV);
  if (in.with_weights) v = at::cat({v, at::ones_like(v.narrow(-1, 0, 1))}, -1);
  out.v_BLGV = repeated(v, repeats, 2);
  out.k_BLGK = repeated(widened(in.k_BLGK), repeats, 2);
  out.log_decay = repeated(widened(in.log_decay), repeats, 2);
  out.a_BLGK = repeated(widened(in.a_BLGK), repeats, 2);
  out.b_BLGK = repeated(widened(in.b_BLGK), repeats, 2);
  const at::Tensor state = widened(in.state_BGKV);
  out.state_BGKV = state.defined() ? repeated(state, repeats, 1)
                                   : at::zeros({v.size(0), G * repeats, in.k_BLGK.size(3), v.size(3)}, v.options());
  return out;
}

ChunkStateOutputs by_chunks(const ChunkStateInputs& in) {
  const int64_t L = in.q_BLHK.size(1);
  if (L == 0) return {in.v_BLGV, in.state_BGKV};
  const int64_t C = std::min(in.chunk, L), N = (L + C - 1) / C;
  const at::Tensor v = cut(in.v_BLGV, N, C);
  Side q{cut(in.q_BLHK, N, C), {}}, k{cut(in.k_BLGK, N, C), {}};
  at::Tensor left, kept;  // log decay from each token to the chunk's end; decay over the whole chunk
  if (in.log_decay.defined()) {
    q.sums = k.sums = cut(in.log_decay, N, C).cumsum(-2);
    const at::Tensor total = k.sums.narrow(-2, C - 1, 1);
    left = total - k.sums;
    kept = total.exp().transpose(-1, -2);
  }
  const at::Tensor scores = pairs(q, k, Seen::up_to);
  Removal removal;
  if (in.a_BLGK.defined()) removal = removal_of(q, k, cut(in.a_BLGK, N, C), cut(in.b_BLGK, N, C), v);
  const at::Tensor added = at::matmul(decayed(k.rows, left).transpose(-1, -2), v);
  std::vector<at::Tensor> starts, lost;
  at::Tensor state = in.state_BGKV;
  for (int64_t n = 0; n < N; ++n) {
    starts.push_back(state);
    at::Tensor next = (kept.defined() ? state * kept.select(2, n) : state) + added.select(2, n);
    if (in.a_BLGK.defined()) {
      lost.push_back(removal.own.select(2, n) + at::matmul(removal.from_start.select(2, n), state));
      next = next + at::matmul(removal.last_b.select(2, n).transpose(-1, -2), lost.back());
    }
    state = next;
  }
  at::Tensor y = at::matmul(scores, v) + at::matmul(decayed(q.rows, q.sums), at::stack(starts, 2));
  if (in.a_BLGK.defined()) y = y + at::matmul(removal.seen_by_q, at::stack(lost, 2));
  return {y.permute({0, 2, 3, 1, 4}).flatten(1, 2).narrow(1, 0, L), state};
}

}  // namespace

ChunkStateOutputs reference(const ChunkStateInputs& inputs) {
  const int64_t G = inputs.k_BLGK.size(2), repeats = inputs.q_BLHK.size(2) / G;
  ChunkStateOutputs out = by_chunks(prepared(inputs));
  if (repeats > 1) out.state_BGKV = out.state_BGKV.unflatten(1, {G, repeats}).select(2, 0);
  return out;
}

}  // namespace subband::chunk_state_paths
