#include "core/draws.h"

#include <algorithm>
#include <set>

#include "core/testing/catch.h"

namespace draws_test {
using namespace subband;

TEST_CASE("the same stream gives the same numbers, another name or index others", "[draws]") {
  Draws a(1, "x"), b(1, "x"), c(1, "y"), d(1, "x", 1);
  const int64_t first = a.below(1'000'000'000);
  CHECK(b.below(1'000'000'000) == first);
  CHECK(c.below(1'000'000'000) != first);
  CHECK(d.below(1'000'000'000) != first);
}

TEST_CASE("numbers below a bound are equally likely", "[draws]") {
  Draws draws(1, "even");
  std::vector<int> counts(7);
  for (int i = 0; i < 70'000; ++i) ++counts[static_cast<size_t>(draws.below(7))];
  for (const int count : counts) CHECK(std::abs(count - 10'000) < 400);  // four standard deviations: 370
  double sum = 0;
  for (int i = 0; i < 10'000; ++i) sum += draws.uniform();
  CHECK(sum / 10'000 == Approx(0.5).margin(0.012));
}

TEST_CASE("distinct numbers are distinct, within their bounds, and every one comes up", "[draws]") {
  Draws draws(2, "distinct");
  std::set<int64_t> seen;
  for (int i = 0; i < 200; ++i) {
    const auto some = draws.distinct(5, 3, 12);
    CHECK(std::set<int64_t>(some.begin(), some.end()).size() == 5);
    CHECK(*std::ranges::min_element(some) >= 3);
    CHECK(*std::ranges::max_element(some) <= 12);
    seen.insert(some.begin(), some.end());
  }
  CHECK(seen.size() == 10);
  auto all = draws.distinct(4, 0, 3);
  std::ranges::sort(all);
  CHECK(all == std::vector<int64_t>{0, 1, 2, 3});
}

TEST_CASE("a permutation holds every number once and is no identity", "[draws]") {
  Draws draws(3, "order");
  auto order = draws.permutation(100);
  CHECK_FALSE(std::ranges::is_sorted(order));
  std::ranges::sort(order);
  for (int64_t i = 0; i < 100; ++i) CHECK(order[static_cast<size_t>(i)] == i);
  CHECK(draws.permutation(0).empty());
}

}  // namespace draws_test
