#include "experiments/generation/text_quality.h"

#include "core/testing/catch.h"

namespace text_quality_test {
using namespace subband;
using Ids = std::vector<int32_t>;

TEST_CASE("distinct-n counts different n-grams", "[text_quality]") {
  const Ids ids = {1, 2, 1, 2, 1};
  CHECK(distinct_share(ids, 1) == Approx(2.0 / 5));
  CHECK(distinct_share(ids, 2) == Approx(2.0 / 4));  // 12 21
  CHECK(distinct_share(ids, 3) == Approx(2.0 / 3));  // 121 212
  CHECK(distinct_share(ids, 5) == 1);
  CHECK(distinct_share(ids, 6) == 0);
  CHECK(distinct_share(Ids{}, 1) == 0);
}

TEST_CASE("rep-4 is the share of positions inside a 4-gram that occurs twice", "[text_quality]") {
  CHECK(repeated_share(Ids{1, 2, 3, 4, 9, 1, 2, 3, 4, 8}, 4) == Approx(8.0 / 10));
  CHECK(repeated_share(Ids{5, 5, 5, 5, 5}, 4) == 1);  // two overlapping ones cover all five
  CHECK(repeated_share(Ids{1, 2, 3, 4, 5, 6}, 4) == 0);
  CHECK(repeated_share(Ids{1, 2}, 4) == 0);
}

TEST_CASE("a text of no tokens is never better than another one, the likelier of two others is", "[text_quality]") {
  const std::vector<DrawnToken> none, low = {{.id = 1, .log_probability = -3}}, high = {{.id = 1, .log_probability = -1}};
  CHECK(is_likelier(high, low));
  CHECK_FALSE(is_likelier(low, high));
  CHECK(is_likelier(low, none));
  CHECK_FALSE(is_likelier(none, low));
  CHECK_FALSE(is_likelier(none, none));
}

TEST_CASE("the quality of texts is the mean over texts", "[text_quality]") {
  const std::vector<DrawnToken> one = {{.id = 1, .log_probability = -1, .entropy = 0.5},
                                       {.id = 2, .log_probability = -3, .entropy = 1.5, .drift = 0.25}};
  const std::vector<DrawnToken> two = {{.id = 1, .log_probability = -4, .entropy = 2}};
  const Metrics metrics = text_quality({one, two, {}});
  CHECK(metrics.at("mean_log_p") == Approx(-3));
  CHECK(metrics.at("mean_entropy") == Approx(1.5));
  CHECK(metrics.at("distinct_1") == 1);
  CHECK(metrics.at("distinct_2") == Approx(0.5));
  CHECK(metrics.at("repeated_4") == 0);
  CHECK(metrics.at("drift") == 0.25);
  CHECK_FALSE(text_quality({two}).contains("drift"));
}

}  // namespace text_quality_test
