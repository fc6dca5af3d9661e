#include "experiments/data/epoch_order.h"

#include <algorithm>

#include "core/testing/catch.h"

namespace passes_test {
using namespace subband;

TEST_CASE("every pass takes every example once, in another order", "[epoch_order]") {
  EpochOrder order(10, 3);
  std::vector<int64_t> first, second;
  for (int64_t place = 0; place < 10; ++place) first.push_back(order.at(place));
  for (int64_t place = 10; place < 20; ++place) second.push_back(order.at(place));
  CHECK(first != second);
  std::ranges::sort(first);
  std::ranges::sort(second);
  CHECK(first == second);
  CHECK(first == std::vector<int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
}

TEST_CASE("a place has its example whatever was asked before", "[epoch_order]") {
  EpochOrder forwards(7, 1), backwards(7, 1), other(7, 2);
  std::vector<int64_t> there, back, elsewhere;
  for (int64_t place = 0; place < 21; ++place) there.push_back(forwards.at(place));
  for (int64_t place = 20; place >= 0; --place) back.insert(back.begin(), backwards.at(place));
  for (int64_t place = 0; place < 21; ++place) elsewhere.push_back(other.at(place));
  CHECK(there == back);
  CHECK(there != elsewhere);
}

}  // namespace passes_test
