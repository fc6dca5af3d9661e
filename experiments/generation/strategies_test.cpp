#include "experiments/generation/strategies.h"

#include <cmath>

#include "core/testing/catch.h"
#include "experiments/testing/sampling.h"

namespace strategies_test {
using namespace subband;
using config::Node;
using testing::FunctionRollout;
using testing::made_sampling;

static FunctionRollout nothing_behind() {
  return FunctionRollout([](const auto&) { return std::vector<double>{0, 0, 0}; });
}

// The order of the original in scalar steps: penalty, entropy, temperature, top_p, draw, log-probability.
TEST_CASE("strategies work in the order of the original, whatever the order they are named in", "[strategies]") {
  const Strategies strategies({made_sampling("nucleus", {{"top_p", Node(0.6)}}),
                               made_sampling("temperature", {{"value", Node(0.5)}}),
                               made_sampling("repetition_penalty", {{"penalty", Node(2.0)}})});
  const std::vector<int32_t> ids = {0};
  SamplingStep step{.ids = ids, .prompt = 1, .logits = {2, 0.8, 0.5}};
  FunctionRollout rollout = nothing_behind();
  const DrawnToken token = strategies.draw(step, rollout, 0.9);
  const std::vector<double> penalised = {1, 0.8, 0.5};
  double sum = 0, entropy = 0;
  for (const double each : penalised) sum += std::exp(each);
  for (const double each : penalised) entropy -= std::exp(each) / sum * std::log(std::exp(each) / sum);
  CHECK(token.entropy == Approx(entropy).margin(1e-9));
  const double a = std::exp(2.0), b = std::exp(1.6), c = std::exp(1.0);
  REQUIRE(a / (a + b + c) < 0.6);
  REQUIRE((a + b) / (a + b + c) > 0.6);  // so the third token goes
  CHECK(token.id == 1);
  CHECK(token.log_probability == Approx(std::log(b / (a + b))));
}

TEST_CASE("the adaptive temperature reads the entropy behind the penalty", "[strategies]") {
  const Strategies strategies({made_sampling("repetition_penalty", {{"penalty", Node(1e-9)}}),
                               made_sampling("adaptive_temperature", {{"lowest", Node(0.5)}, {"highest", Node(1.0)}})});
  const std::vector<int32_t> ids = {0};
  SamplingStep step{.ids = ids, .prompt = 1, .logits = {1, 0, 0}};  // 1e9 behind the penalty: no entropy is left
  FunctionRollout rollout = nothing_behind();
  strategies.draw(step, rollout, 0);
  CHECK(step.logits[0] == Approx(1e9));
}

TEST_CASE("strategies that do not go together are refused", "[strategies]") {
  const auto together = [](const std::vector<const char*>& names) {
    SamplingParts parts;
    for (const char* name : names) parts.push_back(made_sampling(name));
    return Strategies(parts);
  };
  CHECK_THROWS_WITH(together({"temperature", "adaptive_temperature"}),
                    "strategies: temperature and adaptive_temperature both set the temperature; remove one");
  CHECK_THROWS_WITH(together({"coherence"}), "strategies: coherence lowers the top_p of nucleus; add nucleus");
  CHECK_THROWS_WITH(together({"top_k", "top_k"}), "strategies: one strategy is there twice; remove one");
  CHECK(together({"coherence", "nucleus", "best_of"}).attempts() == 4);
  CHECK(together({"clean_spacing"}).finished("a , b") == "a, b");
  CHECK(together({}).attempts() == 1);
}

}  // namespace strategies_test
