#include <cmath>

#include "core/testing/catch.h"
#include "experiments/testing/sampling.h"

namespace lookahead_test {
using namespace subband;
using testing::FunctionRollout;
using testing::kOut;
using testing::made_sampling;

// Logits of three tokens behind `tried`, rough enough that every path scores differently.
static std::vector<double> rough(const std::vector<int32_t>& tried) {
  double x = 1;
  for (const int32_t each : tried) x = std::fmod(7.3 * x + 3.1 * each + 0.7, 5);
  return {x, std::fmod(3 * x, 4), std::fmod(x * x, 3)};
}

static double log_p(const std::vector<double>& logits, int32_t token) {
  double sum = 0;
  for (const double each : logits) sum += std::exp(each);
  return logits[static_cast<size_t>(token)] - std::log(sum);
}

static double score_of(const std::vector<double>& logits, int32_t candidate, int depth) {
  double score = log_p(logits, candidate);
  std::vector<int32_t> tried = {candidate};
  for (int step = 0; step < depth; ++step) {
    const std::vector<double> next = rough(tried);
    int32_t best = 0;
    for (int32_t v = 1; v < 3; ++v)
      if (next[static_cast<size_t>(v)] > next[static_cast<size_t>(best)]) best = v;
    score += log_p(next, best);
    tried.push_back(best);
  }
  return score;
}

TEST_CASE("lookahead takes the candidate whose greedy continuation is likeliest", "[lookahead]") {
  for (const int depth : {1, 2, 5}) {
    const auto part = made_sampling(
        "lookahead", {{"candidates", config::Node(int64_t{3})}, {"depth", config::Node(int64_t{depth})}});
    bool differs = false;
    for (double first = 0; first < 2; first += 0.1) {
      const std::vector<double> logits = {first, 1, 0.9};
      int32_t best = 0;
      for (int32_t v = 1; v < 3; ++v)
        if (score_of(logits, v, depth) > score_of(logits, best, depth)) best = v;
      FunctionRollout rollout(rough);
      const SamplingStep step{.logits = logits};
      CHECK(part->choose(step, rollout) == best);
      CHECK(rollout.calls == 3 * depth);
      differs = differs || logits[static_cast<size_t>(best)] < std::max(first, 1.0);
    }
    CHECK(differs);  // it is not the likeliest token alone
  }
}

TEST_CASE("lookahead tries no excluded token", "[lookahead]") {
  const auto part = made_sampling("lookahead", {{"depth", config::Node(int64_t{1})}});
  FunctionRollout rollout(rough);
  const SamplingStep step{.logits = {kOut, 0, kOut}};
  CHECK(part->choose(step, rollout) == 1);
  CHECK(rollout.calls == 1);
}

}  // namespace lookahead_test
