// The CPU path of product_key_lookup besides its products.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/ops/memory/product_key_loops.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/ops/memory/product_key_loops.h"
#include "core/ops/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace subband::HWY_NAMESPACE {

using product_key_paths::Extent;
using product_key_paths::Scores;

// A side of so many keys is ordered by counting for each key how many are better; a longer one by sorting.
constexpr int64_t kCountedSide = 128;

// Places of the `kept` best of `scores`, best first, the lower of two equal ones first.
static void best_by_counting(const float* HWY_RESTRICT scores, int64_t count, int64_t kept,
                             int32_t* HWY_RESTRICT order) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  HWY_ALIGN float padded[kCountedSide + 64];
  std::copy_n(scores, count, padded);
  std::fill(padded + count, padded + count + lanes, -INFINITY);
  std::fill_n(order, kept, 0);
  for (int64_t i = 0; i < count; ++i) {
    const auto own = hn::Set(d, scores[i]);
    size_t better = 0;
    for (int64_t j = 0; j < count; j += lanes) {
      const auto other = hn::LoadU(d, padded + j);
      const auto before = hn::FirstN(d, static_cast<size_t>(std::clamp<int64_t>(i - j, 0, lanes)));
      better += hn::CountTrue(d, hn::Or(hn::Gt(other, own), hn::And(hn::Eq(other, own), before)));
    }
    if (static_cast<int64_t>(better) < kept) order[better] = static_cast<int32_t>(i);
  }
}

static bool has_nan(const float* HWY_RESTRICT scores, int64_t count) {
  bool found = false;
  each_vector(count, [&](auto d, int64_t i) {
    found |= !hn::AllFalse(d, hn::IsNaN(hn::LoadU(d, scores + i)));
  });
  return found;
}

// What is not a number comes first, as in LibTorch's topk, so that it shows in the weights.
static void best_by_sorting(const float* scores, int64_t count, int64_t kept, std::vector<int32_t>& places,
                            int32_t* order) {
  places.resize(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) places[static_cast<size_t>(i)] = static_cast<int32_t>(i);
  const auto is_better = [scores](int32_t a, int32_t b) {
    if (std::isnan(scores[a]) != std::isnan(scores[b])) return std::isnan(scores[a]);
    return scores[a] > scores[b] || (!(scores[a] < scores[b]) && a < b);
  };
  std::partial_sort(places.begin(), places.begin() + kept, places.end(), is_better);
  std::copy_n(places.begin(), kept, order);
}

static void choose_pairs(const Extent& e, const float* a, const float* b, int64_t first_row, int32_t* rows,
                         float* weights) {
  thread_local std::vector<int32_t> places, order_a, order_b, next;
  thread_local std::vector<float> best_a, best_b, offered;
  const int64_t side = std::min(e.side, e.kept);
  const auto size = static_cast<size_t>(side);
  for (auto* list : {&order_a, &order_b, &next}) list->assign(size, 0);
  for (auto* list : {&best_a, &best_b, &offered}) list->resize(size);
  const auto order = [&](const float* scores, std::vector<int32_t>& into, std::vector<float>& values) {
    if (e.side <= kCountedSide && !has_nan(scores, e.side))
      best_by_counting(scores, e.side, side, into.data());
    else
      best_by_sorting(scores, e.side, side, places, into.data());
    for (size_t i = 0; i < size; ++i) values[i] = scores[into[i]];
  };
  order(a, order_a, best_a);
  order(b, order_b, best_b);
  // Row i of the sums offers its next pair; it does so only after row i - 1, whose sums are no smaller, has had one taken.
  int64_t open = 1;
  offered[0] = best_a[0] + best_b[0];
  for (int64_t k = 0; k < e.kept; ++k) {
    int64_t i = -1;
    float most = -INFINITY;
    for (int64_t row = 0; row < open; ++row) {
      if (next[static_cast<size_t>(row)] == side) continue;
      if (const float sum = offered[static_cast<size_t>(row)]; i < 0 || sum > most) most = sum, i = row;
    }
    const auto row = static_cast<size_t>(i);
    const auto column = static_cast<size_t>(next[row]++);
    rows[k] = static_cast<int32_t>(first_row + order_a[row] * e.side + order_b[column]);
    weights[k] = most;
    offered[row] = column + 1 < size ? best_a[row] + best_b[column + 1] : -INFINITY;
    if (i + 1 == open && open < side)
      offered[static_cast<size_t>(open)] = best_a[static_cast<size_t>(open)] + best_b[0], ++open;
  }
  const float largest = weights[0];
  each_vector(e.kept, [=](auto d, int64_t i) {
    hn::StoreU(exp_of(d, hn::Sub(hn::LoadU(d, weights + i), hn::Set(d, largest))), d, weights + i);
  });
  float total = 0;
  for (int64_t k = 0; k < e.kept; ++k) total += weights[k];
  for (int64_t k = 0; k < e.kept; ++k) weights[k] /= total;
}

static void read_rows(const Extent& e, const float* HWY_RESTRICT table, const int32_t* HWY_RESTRICT rows,
                      const float* HWY_RESTRICT weights, float* HWY_RESTRICT y) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + 4 * lanes <= e.columns; i += 4 * lanes) {
    auto s0 = hn::LoadU(d, y + i), s1 = hn::LoadU(d, y + i + lanes);
    auto s2 = hn::LoadU(d, y + i + 2 * lanes), s3 = hn::LoadU(d, y + i + 3 * lanes);
    for (int64_t k = 0; k < e.kept; ++k) {
      const float* const row = table + rows[k] * e.columns + i;
      const auto w = hn::Set(d, weights[k]);
      s0 = hn::MulAdd(w, hn::LoadU(d, row), s0), s1 = hn::MulAdd(w, hn::LoadU(d, row + lanes), s1);
      s2 = hn::MulAdd(w, hn::LoadU(d, row + 2 * lanes), s2),
      s3 = hn::MulAdd(w, hn::LoadU(d, row + 3 * lanes), s3);
    }
    hn::StoreU(s0, d, y + i), hn::StoreU(s1, d, y + i + lanes);
    hn::StoreU(s2, d, y + i + 2 * lanes), hn::StoreU(s3, d, y + i + 3 * lanes);
  }
  each_vector(e.columns - i, [=](auto part, int64_t j) {
    auto sum = hn::LoadU(part, y + i + j);
    for (int64_t k = 0; k < e.kept; ++k)
      sum = hn::MulAdd(hn::Set(part, weights[k]), hn::LoadU(part, table + rows[k] * e.columns + i + j), sum);
    hn::StoreU(sum, part, y + i + j);
  });
}

static float dot(const float* HWY_RESTRICT a, const float* HWY_RESTRICT b, int64_t count) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  auto sum = hn::Zero(d);
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) sum = hn::MulAdd(hn::LoadU(d, a + i), hn::LoadU(d, b + i), sum);
  float total = hn::GetLane(hn::SumOfLanes(d, sum));
  for (; i < count; ++i) total += a[i] * b[i];
  return total;
}

static void choose_backward(const Extent& e, const float* table, int64_t first_row, const int32_t* rows,
                            const float* weights, const float* g, const Scores& scores) {
  thread_local std::vector<float> of_weights;
  of_weights.resize(static_cast<size_t>(e.kept));
  float mean = 0;
  for (int64_t k = 0; k < e.kept; ++k) {
    const float of_weight = dot(g, table + rows[k] * e.columns, e.columns);
    of_weights[static_cast<size_t>(k)] = of_weight;
    mean += weights[k] * of_weight;
  }
  for (int64_t k = 0; k < e.kept; ++k) {
    const float of_score = weights[k] * (of_weights[static_cast<size_t>(k)] - mean);
    const int64_t pair = rows[k] - first_row;
    scores.of_a[pair / e.side] += of_score;
    scores.of_b[pair % e.side] += of_score;
  }
}

static void add_to_rows(const Extent& e, int64_t first, int64_t end, const int32_t* HWY_RESTRICT rows,
                        const float* HWY_RESTRICT weights, const float* HWY_RESTRICT g,
                        float* HWY_RESTRICT table) {
  for (int64_t k = 0; k < e.kept; ++k) {
    float* const row = table + rows[k] * e.columns + first;
    each_vector(end - first, [=](auto d, int64_t i) {
      hn::StoreU(hn::MulAdd(hn::Set(d, weights[k]), hn::LoadU(d, g + first + i), hn::LoadU(d, row + i)), d,
                 row + i);
    });
  }
}

}  // namespace subband::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace subband {

HWY_EXPORT(choose_pairs);
HWY_EXPORT(read_rows);
HWY_EXPORT(choose_backward);
HWY_EXPORT(add_to_rows);

void product_key_paths::choose_pairs(const Extent& extent, const float* a, const float* b, int64_t first_row,
                                     int32_t* rows, float* weights) {
  HWY_DYNAMIC_DISPATCH(choose_pairs)(extent, a, b, first_row, rows, weights);
}
void product_key_paths::read_rows(const Extent& extent, const float* table, const int32_t* rows,
                                  const float* weights, float* y) {
  HWY_DYNAMIC_DISPATCH(read_rows)(extent, table, rows, weights, y);
}
void product_key_paths::choose_backward(const Extent& extent, const float* table, int64_t first_row,
                                        const int32_t* rows, const float* weights, const float* g,
                                        const Scores& scores) {
  HWY_DYNAMIC_DISPATCH(choose_backward)(extent, table, first_row, rows, weights, g, scores);
}
void product_key_paths::add_to_rows(const Extent& extent, int64_t first, int64_t end, const int32_t* rows,
                                    const float* weights, const float* g, float* table) {
  HWY_DYNAMIC_DISPATCH(add_to_rows)(extent, first, end, rows, weights, g, table);
}

}  // namespace subband
#endif
