#include "core/testing/kernel_orders.h"
// What it gives a meaning to
#include "core/ops/memory/product_keys.cuh"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace memory_kernels_test {

using namespace kernel_grid;
namespace kernel = subband::product_keys_kernel;

struct Choice {
  std::vector<int32_t> rows;
  Floats weights;
};

static std::vector<int> best_places(const float* scores, int64_t count, int64_t kept) {
  std::vector<int> places(static_cast<size_t>(count));
  std::iota(places.begin(), places.end(), 0);
  std::stable_sort(places.begin(), places.end(), [&](int a, int b) { return scores[a] > scores[b]; });
  places.resize(static_cast<size_t>(std::min(count, kept)));
  return places;
}

// The kept best of all pairs of the best of each side, in the order of a table of them where sums are equal.
static void check_choice(const SubbandProductKeys& p, const float* a, const float* b, const int32_t* rows,
                         const float* weights) {
  const std::vector<int> of_a = best_places(a, p.side, p.kept), of_b = best_places(b, p.side, p.kept);
  struct Pair {
    float sum;
    int64_t row;
  };
  std::vector<Pair> pairs;
  for (const int i : of_a)
    for (const int j : of_b) pairs.push_back({a[i] + b[j], p.head * p.side * p.side + i * p.side + j});
  std::stable_sort(pairs.begin(), pairs.end(), [](const Pair& x, const Pair& y) { return x.sum > y.sum; });
  double total = 0;
  for (int64_t k = 0; k < p.kept; ++k) total += std::exp(static_cast<double>(pairs[static_cast<size_t>(k)].sum));
  for (int64_t k = 0; k < p.kept; ++k) {
    const Pair& pair = pairs[static_cast<size_t>(k)];
    CHECK(rows[k] == pair.row);
    CHECK(static_cast<double>(weights[k]) ==
          Approx(std::exp(static_cast<double>(pair.sum)) / total).margin(1e-6));
  }
}

static constexpr float kNoNumber = -7;  // for what is not a number, which is unlike itself

static Choice chosen(const SubbandProductKeys& p, const Floats& a, const Floats& b) {
  Choice choice{std::vector<int32_t>(static_cast<size_t>(p.count * p.row_stride), -1), {}};
  const Launch launch{.blocks = {static_cast<unsigned>(p.count), 1, 1},
                      .threads = 32,
                      .shared_bytes = kernel::choice_bytes(p.side, p.kept)};
  choice.weights = in_every_order(choice.rows.size(), launch, [&](float* out, void* shared) {
    kernel::choose_body(p, a.data(), b.data(), choice.rows.data(), out, static_cast<float*>(shared));
    __syncthreads();
    float* const own = out + blockIdx.x * p.row_stride;
    if (threadIdx.x == 0) std::replace_if(own, own + p.row_stride, [](float w) { return std::isnan(w); }, kNoNumber);
  });
  return choice;
}

TEST_CASE("the body of the product keys' choice takes the best pairs, the lower index of equal scores first",
          "[kernels]") {
  struct Form {
    int64_t side, kept;
  };
  for (const Form& f : {Form{1, 1}, {5, 3}, {40, 4}, {3, 7}}) {
    CAPTURE(f.side, f.kept);
    const SubbandProductKeys p{3, f.side, f.kept, 1, f.kept, 0, nullptr};
    const auto size = static_cast<size_t>(3 * f.side);
    Floats a = drawn(size, 1);
    const Floats b = drawn(size, 2);
    for (int64_t i = 0; i < f.side; ++i) a[static_cast<size_t>(i)] = 0.5f;  // the first position's are all equal
    const Choice choice = chosen(p, a, b);
    for (int64_t n = 0; n < 3; ++n)
      check_choice(p, a.data() + n * f.side, b.data() + n * f.side, choice.rows.data() + n * f.kept,
                   choice.weights.data() + n * f.kept);
  }
}

TEST_CASE("a score that is not a number is the best one, and leaves no weight a number; others stay inside", "[kernels]") {
  const int64_t N = 4, side = 5, kept = 7;
  const SubbandProductKeys p{N, side, kept, 1, kept, 0, nullptr};
  Floats a = drawn(N * side, 1), b = drawn(N * side, 2);
  a[1] = NAN;                                                     // one of the first position
  for (size_t i = 5; i < 10; ++i) a[i] = NAN, b[i] = NAN;         // all of the second
  for (size_t i = 10; i < 15; ++i) a[i] = -INFINITY;              // sums that are all equal
  for (size_t i = 15; i < 20; ++i) a[i] = -INFINITY, b[i] = INFINITY;
  const Choice choice = chosen(p, a, b);
  for (const int32_t row : choice.rows) CHECK((row >= 0 && row < side * side));
  for (const float weight : choice.weights) CHECK(weight == kNoNumber);
  CHECK(choice.rows[0] / side == 1);
}

TEST_CASE("the bodies that read a table through product keys and add its gradient are the definition", "[kernels]") {
  const int64_t N = 5, side = 4, kept = 3, columns = 37;
  const SubbandProductKeys p{N, side, kept, columns, kept, 0, nullptr};
  const Choice choice = chosen(p, drawn(N * side, 3), drawn(N * side, 4));
  const auto rows = choice.rows.data();
  const Floats table = drawn(static_cast<size_t>(side * side * columns), 5), g = drawn(static_cast<size_t>(N * columns), 6);
  const Launch launch{.blocks = {static_cast<unsigned>(N), 1, 1}, .threads = 64};
  const Floats y = in_every_order(g.size(), launch, [&](float* out, void*) {
    kernel::read_body(p, table.data(), rows, choice.weights.data(), out);
  });
  const Floats of_weights = in_every_order(choice.weights.size(), launch, [&](float* out, void*) {
    kernel::weights_backward_body(p, table.data(), rows, g.data(), out);
  });
  const auto half = static_cast<size_t>(N * side);
  const Floats of_scores =
      in_every_order(2 * half, {.blocks = {static_cast<unsigned>(N), 1, 1}, .threads = 32}, [&](float* out, void*) {
        kernel::scores_backward_body(p, rows, choice.weights.data(), of_weights.data(), {out, out + half});
      });
  std::vector<int64_t> slots(choice.rows.size());
  std::iota(slots.begin(), slots.end(), 0);
  std::stable_sort(slots.begin(), slots.end(), [&](int64_t x, int64_t z) { return rows[x] < rows[z]; });
  std::vector<int32_t> sorted;
  for (const int64_t slot : slots) sorted.push_back(rows[slot]);
  const Launch of_slots{.blocks = {static_cast<unsigned>(slots.size()), 1, 1}, .threads = 64};
  const Floats of_table = in_every_order(table.size(), of_slots, [&](float* out, void*) {
    if (threadIdx.x == 0 && blockIdx.x == 0) std::fill_n(out, table.size(), 0.0f);
    __syncthreads();
    kernel::table_body(p, sorted.data(), slots.data(), choice.weights.data(), g.data(), out);
  });
  std::vector<double> wanted_y(y.size()), wanted_weights(of_weights.size()), wanted_scores(2 * half),
      wanted_table(table.size());
  for (size_t n = 0; n < static_cast<size_t>(N); ++n) {
    double mean = 0;
    for (size_t k = n * kept; k < (n + 1) * kept; ++k) {
      const auto row = static_cast<size_t>(rows[k]);
      for (size_t c = 0; c < static_cast<size_t>(columns); ++c) {
        const auto weight = static_cast<double>(choice.weights[k]);
        wanted_y[n * columns + c] += weight * static_cast<double>(table[row * columns + c]);
        wanted_weights[k] += static_cast<double>(g[n * columns + c]) * static_cast<double>(table[row * columns + c]);
        wanted_table[row * columns + c] += weight * static_cast<double>(g[n * columns + c]);
      }
      mean += static_cast<double>(choice.weights[k]) * wanted_weights[k];
    }
    for (size_t k = n * kept; k < (n + 1) * kept; ++k) {
      const auto row = static_cast<size_t>(rows[k]);
      const double of_score = static_cast<double>(choice.weights[k]) * (wanted_weights[k] - mean);
      wanted_scores[n * side + row / side] += of_score;
      wanted_scores[half + n * side + row % side] += of_score;
    }
  }
  check_near(y, wanted_y, 1e-5);
  check_near(of_weights, wanted_weights, 1e-5);
  check_near(of_scores, wanted_scores, 1e-5);
  check_near(of_table, wanted_table, 1e-5);
}

}  // namespace memory_kernels_test
