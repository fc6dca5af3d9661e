#include "models/wavelet/python_shuffle.h"

#include <algorithm>

#include "core/testing/catch.h"

using namespace subband;

// Answers of CPython 3.11: x = list(range(n)); random.Random(seed).shuffle(x)
TEST_CASE("the shuffle is that of Python's random module", "[python_shuffle]") {
  using List = std::vector<int64_t>;
  CHECK(python_shuffle(12, 42) == List{7, 5, 2, 8, 9, 6, 11, 3, 4, 0, 1, 10});
  CHECK(python_shuffle(7, 0) == List{4, 2, 1, 0, 5, 3, 6});
  CHECK(python_shuffle(9, 137) == List{0, 5, 6, 4, 8, 7, 3, 2, 1});
  CHECK(python_shuffle(10, (uint64_t{1} << 33) + 5) == List{7, 1, 0, 3, 9, 8, 6, 5, 2, 4});
  const List many = python_shuffle(1000, 1337);
  int64_t sum = 0;
  for (size_t i = 0; i < many.size(); ++i) sum += static_cast<int64_t>(i) * many[i];
  CHECK(sum == 252753016);
  List sorted = many;
  std::ranges::sort(sorted);
  for (size_t i = 0; i < sorted.size(); ++i) CHECK(sorted[i] == static_cast<int64_t>(i));
  CHECK(python_shuffle(1, 3) == List{0});
  CHECK(python_shuffle(0, 3).empty());
}
