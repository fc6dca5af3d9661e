// The CPU path of chunk_state. All that is wanted of a matrix state is one walk over the tokens:
//   M += a_t b_tᵀ,   out_t = Mᵀ c_t
// with M = S and (k, v, q) for y, and transposed with (v, k, ∂y) for ∂q; from the last token back, with M = ∂S and
// (q, ∂y, k) for ∂v, and transposed with (∂y, q, v) for ∂k. Four rows of M stay in registers while a span of tokens goes
// by, and c is read behind a token's own outer product.
//   decay   a span's factor e^(c_i - c_j) is split over its rows: queries e^(c_i), keys e^(-c_j), c = 0 at its first token.
//           A span ends before c falls below -16, so nothing overflows
//   sums    what a span adds is summed apart from the state before it: errors grow with the root of the spans
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/ops/recurrence/chunk_state_loops.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h
#include <hwy/aligned_allocator.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "core/ops/recurrence/chunk_state_loops.h"
#include "core/ops/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace subband::HWY_NAMESPACE {
namespace {  // its classes are this file's own

using chunk_state_paths::Decays;
using chunk_state_paths::HeadBackward;
using chunk_state_paths::HeadForward;
using chunk_state_paths::HeadInputs;
using chunk_state_paths::Rows;
using chunk_state_paths::RowsOut;

constexpr int64_t kTokens = 64;       // of a span, at most
constexpr float kMostDecay = -16.0f;  // within a span
constexpr int64_t kLine = 16;         // floats of a cache line

// Whole lines, of an odd number: rows one pitch apart do not compete for the same places of the cache.
int64_t pitch_of(int64_t width) { return kLine * ((width + kLine - 1) / kLine | 1); }

using Aligned = hwy::AlignedFreeUniquePtr<float[]>;

Aligned zeros(int64_t count) {
  Aligned memory = hwy::AllocateAligned<float>(static_cast<size_t>(count));
  std::fill_n(memory.get(), count, 0.0f);
  return memory;
}

// Some tokens in a row, and how their decay is split.
struct Span {
  int64_t first, count;
  float enter, leave;                   // of the state: decay by the first token, and by all others
  float late[kTokens], early[kTokens];  // e^c, e^-c
};

// Where the span from `first` on ends, `end` at the latest.
int64_t span_end(const Decays& g, int64_t first, int64_t end) {
  if (g.data == nullptr) return end;
  float sum = 0;
  for (int64_t t = first + 1; t < end; ++t) {
    sum += g.data[t * g.stride];
    if (sum < kMostDecay) return t;
  }
  return end;
}

void set_span(const Decays& g, int64_t first, int64_t end, Span& span) {
  span.first = first, span.count = end - first;
  span.enter = span.leave = 1;
  if (g.data == nullptr) return;
  float sums[kTokens] = {};
  for (int64_t i = 1; i < span.count; ++i) sums[i] = sums[i - 1] + g.data[(first + i) * g.stride];
  each_vector((span.count + kLine - 1) / kLine * kLine, [&](auto d, int64_t i) {
    const auto sum = hn::LoadU(d, sums + i);
    hn::StoreU(exp_of(d, sum), d, span.late + i);
    hn::StoreU(exp_of(d, hn::Neg(sum)), d, span.early + i);
  });
  span.enter = std::exp(g.data[first * g.stride]);
  span.leave = span.late[span.count - 1];
}

// Rows of a span, a pitch apart.
struct Packed {
  float* data;
  int64_t pitch;
};

// Vectors may be read and written in part, without touching what is beside them.
constexpr bool kHasMasks = HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL;

float factor_of(const float* factors, int64_t t) { return factors == nullptr ? 1.0f : factors[t]; }

// The last columns, fewer than a vector has.
void pack_rest(const Rows& rows, const Span& span, const float* factors, int64_t first, Packed to) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto given = static_cast<size_t>(rows.width - first);
  const auto is_given = hn::FirstN(d, given), is_used = hn::FirstN(d, given + (rows.with_one ? 1 : 0));
  const auto rest = hn::IfThenElseZero(is_used, hn::Set(d, 1.0f));
  const float* HWY_RESTRICT from = rows.data + span.first * rows.stride + first;
  float* HWY_RESTRICT own = to.data + first;
  for (int64_t t = 0; t < span.count; ++t, from += rows.stride, own += to.pitch) {
    const float factor = factor_of(factors, t);
    if constexpr (kHasMasks) {
      const auto value = hn::Mul(hn::MaskedLoad(is_given, d, from), hn::Set(d, factor));
      hn::StoreU(hn::IfThenElse(is_given, value, rest), d, own);
    } else {
      hn::StoreU(rest, d, own);
      for (int64_t i = 0; i < rows.width - first && i < lanes; ++i) own[i] = from[i] * factor;
    }
  }
}

// The span's rows one behind the other, times `factors` (null: 1), and zeros up to the end of a vector.
void pack(const Rows& rows, const Span& span, const float* factors, Packed to) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  if (rows.data == nullptr) {
    std::fill_n(to.data, span.count * to.pitch, 0.0f);
    return;
  }
  const int64_t whole = rows.width / lanes * lanes;
  const float* HWY_RESTRICT from = rows.data + span.first * rows.stride;
  float* HWY_RESTRICT own = to.data;
  for (int64_t t = 0; whole > 0 && t < span.count; ++t, from += rows.stride, own += to.pitch) {
    const auto factor = hn::Set(d, factor_of(factors, t));
    for (int64_t i = 0; i < whole; i += lanes)
      hn::StoreU(hn::Mul(hn::LoadU(d, from + i), factor), d, own + i);
  }
  if (rows.width + (rows.with_one ? 1 : 0) > whole) pack_rest(rows, span, factors, whole, to);
}

void unpack(Packed from, const Span& span, const float* factors, const RowsOut& rows) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t whole = rows.width / lanes * lanes;
  const auto is_left = hn::FirstN(d, static_cast<size_t>(rows.width - whole));
  const float* HWY_RESTRICT own = from.data;
  float* HWY_RESTRICT to = rows.data + span.first * rows.stride;
  for (int64_t t = 0; t < span.count; ++t, own += from.pitch, to += rows.stride) {
    const auto factor = hn::Set(d, factor_of(factors, t));
    const auto scaled = [&](int64_t i) { return hn::Mul(hn::LoadU(d, own + i), factor); };
    int64_t i = 0;
    for (; i < whole; i += lanes)
      hn::StoreU(rows.adds ? hn::Add(hn::LoadU(d, to + i), scaled(i)) : scaled(i), d, to + i);
    if (i == rows.width) continue;
    if constexpr (kHasMasks) {
      const auto value = rows.adds ? hn::Add(hn::MaskedLoad(is_left, d, to + i), scaled(i)) : scaled(i);
      hn::BlendedStore(value, is_left, d, to + i);
    } else {
      for (; i < rows.width; ++i) to[i] = (rows.adds ? to[i] : 0.0f) + own[i] * factor_of(factors, t);
    }
  }
}

struct Walk {
  Packed a, b, c;
  float* state;  // [rows, columns], `state_pitch` apart
  int64_t rows, columns, state_pitch;
  float* out;
  int64_t out_pitch;
};

struct Way {
  int64_t count;
  bool back;
  float enter, leave;
};
enum class Own { seen, hidden };  // a token's own outer product, when its c is read

// Four rows of M, or one. What they give is added to what the rows before them gave.
template <Own kOwn, class D>
HWY_INLINE void walk_four(D d, const Walk& w, const Way& way, int64_t row, int64_t x) {
  float* const state = w.state + row * w.state_pitch + x;
  const auto enter = hn::Set(d, way.enter), leave = hn::Set(d, way.leave);
  const auto s0 = hn::Mul(hn::LoadU(d, state), enter),
             s1 = hn::Mul(hn::LoadU(d, state + w.state_pitch), enter),
             s2 = hn::Mul(hn::LoadU(d, state + 2 * w.state_pitch), enter),
             s3 = hn::Mul(hn::LoadU(d, state + 3 * w.state_pitch), enter);
  auto m0 = hn::Zero(d), m1 = hn::Zero(d), m2 = hn::Zero(d), m3 = hn::Zero(d);
  const int64_t start = way.back ? way.count - 1 : 0, step = way.back ? -1 : 1;
  const float* HWY_RESTRICT a = w.a.data + start * w.a.pitch + row;
  const float* HWY_RESTRICT b = w.b.data + start * w.b.pitch + x;
  const float* HWY_RESTRICT c = w.c.data + start * w.c.pitch + row;
  float* HWY_RESTRICT out = w.out + start * w.out_pitch + x;
  const bool is_first = row == 0;
  for (int64_t t = 0; t < way.count; ++t) {
    const auto own = hn::LoadU(d, b);
    auto sum = is_first ? hn::Zero(d) : hn::LoadU(d, out);
    const auto before0 = m0, before1 = m1, before2 = m2, before3 = m3;
    m0 = hn::MulAdd(hn::Set(d, a[0]), own, m0);
    m1 = hn::MulAdd(hn::Set(d, a[1]), own, m1);
    m2 = hn::MulAdd(hn::Set(d, a[2]), own, m2);
    m3 = hn::MulAdd(hn::Set(d, a[3]), own, m3);
    constexpr bool kSeen = kOwn == Own::seen;
    sum = hn::MulAdd(hn::Set(d, c[0]), hn::Add(s0, kSeen ? m0 : before0), sum);
    auto other = hn::Mul(hn::Set(d, c[1]), hn::Add(s1, kSeen ? m1 : before1));
    sum = hn::MulAdd(hn::Set(d, c[2]), hn::Add(s2, kSeen ? m2 : before2), sum);
    other = hn::MulAdd(hn::Set(d, c[3]), hn::Add(s3, kSeen ? m3 : before3), other);
    hn::StoreU(hn::Add(sum, other), d, out);
    a += step * w.a.pitch, b += step * w.b.pitch, c += step * w.c.pitch, out += step * w.out_pitch;
  }
  hn::StoreU(hn::Mul(hn::Add(s0, m0), leave), d, state);
  hn::StoreU(hn::Mul(hn::Add(s1, m1), leave), d, state + w.state_pitch);
  hn::StoreU(hn::Mul(hn::Add(s2, m2), leave), d, state + 2 * w.state_pitch);
  hn::StoreU(hn::Mul(hn::Add(s3, m3), leave), d, state + 3 * w.state_pitch);
}

template <Own kOwn, class D>
HWY_INLINE void walk_one(D d, const Walk& w, const Way& way, int64_t row, int64_t x) {
  float* const state = w.state + row * w.state_pitch + x;
  const auto s = hn::Mul(hn::LoadU(d, state), hn::Set(d, way.enter));
  auto m = hn::Zero(d);
  const int64_t start = way.back ? way.count - 1 : 0, step = way.back ? -1 : 1;
  const float* HWY_RESTRICT a = w.a.data + start * w.a.pitch + row;
  const float* HWY_RESTRICT b = w.b.data + start * w.b.pitch + x;
  const float* HWY_RESTRICT c = w.c.data + start * w.c.pitch + row;
  float* HWY_RESTRICT out = w.out + start * w.out_pitch + x;
  const bool is_first = row == 0;
  for (int64_t t = 0; t < way.count; ++t) {
    const auto before = m;
    m = hn::MulAdd(hn::Set(d, *a), hn::LoadU(d, b), m);
    const auto sum = is_first ? hn::Zero(d) : hn::LoadU(d, out);
    hn::StoreU(hn::MulAdd(hn::Set(d, *c), hn::Add(s, kOwn == Own::seen ? m : before), sum), d, out);
    a += step * w.a.pitch, b += step * w.b.pitch, c += step * w.c.pitch, out += step * w.out_pitch;
  }
  hn::StoreU(hn::Mul(hn::Add(s, m), hn::Set(d, way.leave)), d, state);
}

template <Own kOwn, class D>
HWY_INLINE void walk_columns(D d, const Walk& w, const Way& way, int64_t x) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t row = 0;
  for (; row + 4 <= w.rows; row += 4) walk_four<kOwn>(d, w, way, row, x);
  for (; row < w.rows; ++row) walk_one<kOwn>(d, w, way, row, x);
  if (w.rows > 0) return;
  for (int64_t t = 0; t < way.count; ++t) std::fill_n(w.out + t * w.out_pitch + x, lanes, 0.0f);
}

// Behind the last column of b stand zeros, up to the end of a vector.
template <Own kOwn>
void walk(const Walk& w, const Way& way) {
  const hn::ScalableTag<float> whole;
  const hn::CappedTag<float, 8> eight;
  const hn::CappedTag<float, 4> four;
  for (int64_t x = 0; x < w.columns;) {
    const int64_t left = w.columns - x;
    if (left > static_cast<int64_t>(hn::Lanes(eight)))
      walk_columns<kOwn>(whole, w, way, x), x += static_cast<int64_t>(hn::Lanes(whole));
    else if (left > static_cast<int64_t>(hn::Lanes(four)))
      walk_columns<kOwn>(eight, w, way, x), x += static_cast<int64_t>(hn::Lanes(eight));
    else
      walk_columns<kOwn>(four, w, way, x), x += static_cast<int64_t>(hn::Lanes(four));
  }
}

float dot(const float* x, const float* y, int64_t count) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  auto sum = hn::Zero(d);
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) sum = hn::MulAdd(hn::LoadU(d, x + i), hn::LoadU(d, y + i), sum);
  float total = hn::GetLane(hn::SumOfLanes(d, sum));
  for (; i < count; ++i) total += x[i] * y[i];
  return total;
}

// A matrix between rows without gaps and rows a pitch apart, of which either may be transposed.
struct Matrix {
  int64_t rows, columns, pitch;
  Aligned data;

  Matrix(int64_t count, int64_t width)
      : rows(count),
        columns(width),
        pitch(pitch_of(width)),
        data(zeros(std::max<int64_t>(1, count) * pitch)) {}
  int64_t size() const { return rows * pitch; }
  void take(const float* from, bool transposed) {
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t x = 0; x < columns; ++x)
        data[static_cast<size_t>(r * pitch + x)] = from[transposed ? x * rows + r : r * columns + x];
  }
  void give(float* to) const {
    for (int64_t r = 0; r < rows; ++r) std::copy_n(data.get() + r * pitch, columns, to + r * columns);
  }
};

// The rows of a span.
struct Pack {
  int64_t width, pitch;
  Aligned data;

  explicit Pack(int64_t columns)
      : width(columns),
        pitch(pitch_of(columns)),
        data(hwy::AllocateAligned<float>(static_cast<size_t>(kTokens * pitch))) {}
  void take(const Rows& rows, const Span& span, const float* factors) {
    pack(rows, span, factors, this->rows());
  }
  Packed rows() const { return {data.get(), pitch}; }
};

Walk walk_of(const Pack& a, const Pack& b, const Pack& c, Matrix& state, Pack& out) {
  return {a.rows(),      b.rows(),    c.rows(),       state.data.get(), state.rows,
          state.columns, state.pitch, out.data.get(), out.pitch};
}

// body(first, end) for windows of tokens, which all heads take in turn: so lines that several of them share are read once.
template <class Body>
void each_window(int64_t length, const Body& body) {
  for (int64_t first = 0; first < length; first += kTokens) body(first, std::min(length, first + kTokens));
}

void forward(std::span<const HeadForward> heads) {
  if (heads.empty()) return;
  const int64_t K = heads[0].in.key_width(), V = heads[0].in.value_width();
  std::vector<Matrix> states;
  for (const HeadForward& head : heads) states.emplace_back(K, V).take(head.state, false);
  Pack q(K), k(K), v(V), out(V);
  Span span;
  each_window(heads[0].in.length, [&](int64_t first, int64_t end) {
    for (size_t h = 0; h < heads.size(); ++h) {
      const HeadInputs& in = heads[h].in;
      const bool decays = in.log_decay.data != nullptr;
      for (int64_t from = first; from < end; from = span.first + span.count) {
        set_span(in.log_decay, from, span_end(in.log_decay, from, end), span);
        q.take(in.q, span, decays ? span.late : nullptr);
        k.take(in.k, span, decays ? span.early : nullptr);
        v.take(in.v, span, nullptr);
        walk<Own::seen>(walk_of(k, v, q, states[h], out), {span.count, false, span.enter, span.leave});
        unpack(out.rows(), span, nullptr, heads[h].y);
      }
    }
  });
  for (size_t h = 0; h < heads.size(); ++h) states[h].give(heads[h].state);
}

// What is kept of a head between windows.
struct HeadState {
  Matrix S, of_S, of_S_transposed;  // S transposed too
  std::vector<float> dots;          // q ∂q of each token, where the decay's gradient is asked for
  std::vector<float> ends;          // S at the end of each span, then too

  explicit HeadState(const HeadBackward& head)
      : S(head.in.value_width(), head.in.key_width()),
        of_S(head.in.key_width(), head.in.value_width()),
        of_S_transposed(head.in.value_width(), head.in.key_width()) {
    S.take(head.state, true), of_S.take(head.of_state, false), of_S_transposed.take(head.of_state, true);
    if (head.of_log_decay.data != nullptr) dots.resize(static_cast<size_t>(head.in.length));
  }
};

// One head in one span of tokens.
class Backward {
 public:
  explicit Backward(const HeadInputs& like)
      : q_(like.key_width()),
        k_(like.key_width()),
        v_(like.value_width()),
        g_(like.value_width()),
        of_key_(like.key_width()),
        of_value_(like.value_width()) {}

  void take(const HeadBackward& head, int64_t first, int64_t end, bool with_queries) {
    const HeadInputs& in = head.in;
    decays_ = in.log_decay.data != nullptr;
    set_span(in.log_decay, first, end, span_);
    if (with_queries) q_.take(in.q, span_, late());
    k_.take(in.k, span_, early());
    v_.take(in.v, span_, nullptr);
    g_.take(head.of_y, span_, nullptr);
  }

  // S from the first token on: the gradient of q.
  void on(const HeadBackward& head, HeadState& state) {
    const bool with_decay = !state.dots.empty();
    walk_keys(walk_of(v_, k_, g_, state.S, of_key_), {span_.count, false, span_.enter, span_.leave},
              with_decay);
    if (with_decay) {
      state.ends.insert(state.ends.end(), state.S.data.get(), state.S.data.get() + state.S.size());
      for (int64_t t = 0; t < span_.count; ++t) state.dots[place(t)] = product(q_, t);
      add_own(k_);
    }
    if (head.of_q.data != nullptr) unpack(of_key_.rows(), span_, late(), head.of_q);
  }

  // The gradient of S from the last token back: those of v and, transposed, of k.
  void back(const HeadBackward& head, HeadState& state) {
    const bool with_decay = !state.dots.empty();
    const Way way{span_.count, true, span_.leave, span_.enter};
    walk<Own::seen>(walk_of(q_, g_, k_, state.of_S, of_value_), way);
    if (head.of_v.data != nullptr) unpack(of_value_.rows(), span_, nullptr, head.of_v);
    const auto size = static_cast<size_t>(state.S.size());
    float later = 0;
    if (with_decay) {
      const float* const end = state.ends.data() + state.ends.size() - size;
      later = dot(state.of_S_transposed.data.get(), end, state.S.size());
      state.ends.resize(state.ends.size() - size);
    }
    walk_keys(walk_of(g_, q_, v_, state.of_S_transposed, of_key_), way, with_decay);
    if (with_decay) of_decays(head.of_log_decay, state.dots, later), add_own(q_);
    if (head.of_k.data != nullptr) unpack(of_key_.rows(), span_, early(), head.of_k);
  }

 private:
  const float* late() const { return decays_ ? span_.late : nullptr; }
  const float* early() const { return decays_ ? span_.early : nullptr; }
  size_t place(int64_t t) const { return static_cast<size_t>(span_.first + t); }
  float product(const Pack& rows, int64_t t) const {
    return dot(rows.data.get() + t * rows.pitch, of_key_.data.get() + t * of_key_.pitch, rows.width);
  }
  // Where the decay's gradient is asked for, own products are left out at first: there they would cancel.
  static void walk_keys(const Walk& w, const Way& way, bool with_decay) {
    if (with_decay)
      walk<Own::hidden>(w, way);
    else
      walk<Own::seen>(w, way);
  }
  void add_own(const Pack& keys) {
    for (int64_t t = 0; t < span_.count; ++t) {
      const float factor = dot(v_.data.get() + t * v_.pitch, g_.data.get() + t * g_.pitch, v_.width);
      const float* const own = keys.data.get() + t * keys.pitch;
      float* const sum = of_key_.data.get() + t * of_key_.pitch;
      for (int64_t i = 0; i < keys.width; ++i) sum[i] += factor * own[i];
    }
  }
  // ∂g_t = sum over s >= t of q ∂q - k ∂k, each without its own product, and S ∂S at the span's end
  void of_decays(const RowsOut& to, const std::vector<float>& dots, float at_end) {
    double later = at_end;
    for (int64_t t = span_.count - 1; t >= 0; --t) {
      later += static_cast<double>(dots[place(t)] - product(k_, t));
      float& place_of = to.data[(span_.first + t) * to.stride];
      place_of = static_cast<float>(to.adds ? static_cast<double>(place_of) + later : later);
    }
  }

  Pack q_, k_, v_, g_, of_key_, of_value_;
  Span span_;
  bool decays_ = false;
};

void backward(std::span<const HeadBackward> heads) {
  if (heads.empty()) return;
  const int64_t length = heads[0].in.length;
  std::vector<HeadState> states(heads.begin(), heads.end());
  Backward one(heads[0].in);
  each_window(length, [&](int64_t first, int64_t end) {
    for (size_t h = 0; h < heads.size(); ++h) {
      const Decays& g = heads[h].in.log_decay;
      if (heads[h].of_q.data == nullptr && states[h].dots.empty()) continue;
      for (int64_t from = first, next = 0; from < end; from = next) {
        next = span_end(g, from, end);
        one.take(heads[h], from, next, !states[h].dots.empty());
        one.on(heads[h], states[h]);
      }
    }
  });
  int64_t starts[kTokens + 1];
  for (int64_t window = (length - 1) / kTokens; length > 0 && window >= 0; --window) {
    const int64_t end = std::min(length, (window + 1) * kTokens);
    for (size_t h = 0; h < heads.size(); ++h) {
      int64_t count = 0;
      for (starts[0] = window * kTokens; starts[count] < end; ++count)
        starts[count + 1] = span_end(heads[h].in.log_decay, starts[count], end);
      for (; count > 0; --count) {
        one.take(heads[h], starts[count - 1], starts[count], true);
        one.back(heads[h], states[h]);
      }
    }
  }
  for (size_t h = 0; h < heads.size(); ++h) states[h].of_S.give(heads[h].of_state);
}

double cycles(const HeadInputs& in) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(hn::ScalableTag<float>()));
  const int64_t vectors = (in.value_width() + lanes - 1) / lanes;
  return static_cast<double>(in.length) * (20 + 1.5 * static_cast<double>(in.key_width() * vectors));
}

}  // namespace
}  // namespace subband::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace subband {

HWY_EXPORT(forward);
HWY_EXPORT(backward);
HWY_EXPORT(cycles);

void chunk_state_paths::forward(std::span<const HeadForward> heads) { HWY_DYNAMIC_DISPATCH(forward)(heads); }
void chunk_state_paths::backward(std::span<const HeadBackward> heads) {
  HWY_DYNAMIC_DISPATCH(backward)(heads);
}
double chunk_state_paths::loops_ns(const HeadInputs& in) { return 0.4 * HWY_DYNAMIC_DISPATCH(cycles)(in); }

}  // namespace subband
#endif
