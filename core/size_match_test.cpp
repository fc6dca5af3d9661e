#include "core/size_match.h"

#include <cmath>

#include "core/testing/catch.h"

namespace size_match_test {

using namespace subband;

static std::optional<double> square(int64_t value) { return static_cast<double>(value * value); }

TEST_CASE("the number whose size is wanted is found, coarse steps first", "[size_match]") {
  CHECK(match_size(64, 128 * 128, 0, square)->value == 128);
  CHECK(match_size(64, 100 * 100, 0.02, square)->value == 100);
  CHECK(match_size(64, 97 * 97, 0, square)->value == 97);
  CHECK(match_size(64, 100 * 100, 0.1, square)->value == 96);  // a multiple of 32 is near enough
  CHECK(match_size(64, 1, 0, square)->value == 1);
  CHECK(match_size(7, 1e9, 0.001, square)->size == Approx(1e9).epsilon(0.001));
}

TEST_CASE("numbers that are not allowed are passed over", "[size_match]") {
  const SizeOf by_six = [](int64_t value) { return value % 6 == 0 ? square(value) : std::nullopt; };
  CHECK(match_size(48, 100 * 100, 0.1, by_six)->value == 96);
  CHECK(match_size(48, 100 * 100, 0.05, by_six)->value == 102);
  CHECK_FALSE(match_size(8, 100, 0.1, [](int64_t) { return std::optional<double>(); }));
}

TEST_CASE("where nothing is near enough the nearest is given", "[size_match]") {
  const SizeOf coarse = [](int64_t value) { return std::optional<double>(value < 10 ? 1.0 : 1000.0); };
  const auto nearest = match_size(8, 100, 0.01, coarse);
  REQUIRE(nearest);
  CHECK(nearest->size == 1);
}

}  // namespace size_match_test
