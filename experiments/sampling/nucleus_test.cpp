#include <algorithm>
#include <cmath>

#include "core/draws.h"
#include "core/testing/catch.h"
#include "experiments/testing/sampling.h"

namespace nucleus_test {
using namespace subband;
using testing::kOut;
using testing::made_sampling;

// The definition: tokens in falling order stay while those before them have at most top_p.
static std::vector<double> by_definition(const std::vector<double>& logits, double top_p) {
  std::vector<size_t> order(logits.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::stable_sort(order, [&](size_t a, size_t b) { return logits[a] > logits[b]; });
  double all = 0, before = 0;
  for (const double each : logits) all += std::exp(each);
  std::vector<double> kept(logits.size(), kOut);
  for (const size_t i : order) {
    if (before > top_p) break;
    kept[i] = logits[i];
    before += std::exp(logits[i]) / all;
  }
  return kept;
}

TEST_CASE("the nucleus is the smallest set of likeliest tokens past top_p", "[nucleus]") {
  Draws draws(3, "nucleus");
  for (int round = 0; round < 30; ++round) {
    std::vector<double> logits;
    for (int64_t v = draws.between(1, 60); v > 0; --v) logits.push_back(8 * draws.uniform());
    for (const double top_p : {0.01, 0.5, 0.9, 0.999}) {
      CAPTURE(round, top_p);
      CHECK(testing::applied(*made_sampling("nucleus", {{"top_p", config::Node(top_p)}}), logits) == by_definition(logits, top_p));
    }
  }
}

TEST_CASE("a whole nucleus changes nothing", "[nucleus]") {
  const std::vector<double> logits = {0, 700, -700};
  CHECK(testing::applied(*made_sampling("nucleus", {{"top_p", config::Node(1.0)}}), logits) == logits);
}

TEST_CASE("coherence lowers the nucleus, not under 0.3", "[nucleus]") {
  std::vector<double> logits;
  for (const double p : {0.4, 0.3, 0.2, 0.1}) logits.push_back(std::log(p));
  const auto part = made_sampling("nucleus", {{"top_p", config::Node(0.85)}});
  const auto left = [&](double off) {
    SamplingStep step{.logits = logits, .top_p_off = off};
    part->apply(step);
    return std::ranges::count_if(step.logits, [](double each) { return each != kOut; });
  };
  CHECK(left(0) == 3);
  CHECK(left(0.2) == 2);  // 0.65
  CHECK(left(0.5) == 1);  // 0.35
  CHECK(left(2) == 1);    // 0.3: the second token has 0.4 before it
}

TEST_CASE("top_p is a probability above 0", "[nucleus]") {
  CHECK_THROWS_WITH(made_sampling("nucleus", {{"top_p", config::Node(1.5)}}), "part.top_p = 1.5: must be above 0 and at most 1");
  CHECK_THROWS_WITH(made_sampling("nucleus", {{"top_p", config::Node(0.0)}}), "part.top_p = 0.0: must be above 0 and at most 1");
}

}  // namespace nucleus_test
