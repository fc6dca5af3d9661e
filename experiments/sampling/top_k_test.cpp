#include "core/testing/catch.h"
#include "experiments/testing/sampling.h"

namespace top_k_test {
using namespace subband;
using testing::applied;
using testing::kOut;
using testing::made_sampling;

TEST_CASE("top-k keeps the k largest, of equals the first", "[top_k]") {
  const auto two = made_sampling("top_k", {{"k", config::Node(int64_t{2})}});
  CHECK(applied(*two, {1, 3, -1, 2}) == std::vector<double>{kOut, 3, kOut, 2});
  CHECK(applied(*two, {5, 5, 5}) == std::vector<double>{5, 5, kOut});
}

TEST_CASE("top-k of the whole vocabulary or more changes nothing", "[top_k]") {
  const auto many = made_sampling("top_k", {{"k", config::Node(int64_t{3})}});
  CHECK(applied(*many, {1, 3, -1}) == std::vector<double>{1, 3, -1});
  CHECK(applied(*many, {1, 3}) == std::vector<double>{1, 3});
}

TEST_CASE("top-k keeps excluded tokens out", "[top_k]") {
  CHECK(applied(*made_sampling("top_k", {{"k", config::Node(int64_t{2})}}), {kOut, 1, kOut, kOut}) ==
        std::vector<double>{kOut, 1, kOut, kOut});
}

TEST_CASE("top-k needs one token at least", "[top_k]") {
  CHECK_THROWS_WITH(made_sampling("top_k", {{"k", config::Node(int64_t{0})}}), Catch::Contains("part.k = 0: must be 1 to "));
}

}  // namespace top_k_test
