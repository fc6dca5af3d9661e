#include "experiments/generation/probabilities.h"

#include <cmath>

#include "core/draws.h"
#include "core/testing/catch.h"

namespace probabilities_test {
using namespace subband;

static std::vector<double> logs(const std::vector<double>& p) {
  std::vector<double> logits;
  for (const double each : p) logits.push_back(each == 0 ? kExcluded : std::log(each) + 900);  // far from 0
  return logits;
}

TEST_CASE("logits far from 0 have the softmax's probabilities", "[probabilities]") {
  const std::vector<double> wanted = {0.4, 0, 0.35, 0.25};
  const std::vector<double> found = probabilities(logs(wanted));
  double sum = 0;
  for (size_t i = 0; i < 4; ++i) {
    CHECK(found[i] == Approx(wanted[i]).margin(1e-12));
    if (wanted[i] > 0) CHECK(log_probability(logs(wanted), static_cast<int32_t>(i)) == Approx(std::log(wanted[i])));
    if (wanted[i] > 0) sum -= wanted[i] * std::log(wanted[i]);
  }
  CHECK(entropy(logs(wanted)) == Approx(sum).margin(1e-9));
}

TEST_CASE("a draw takes the token where the sum of probabilities passes it", "[probabilities]") {
  const std::vector<double> logits = logs({0.4, 0, 0.35, 0.25});
  CHECK(token_at(logits, 0) == 0);
  CHECK(token_at(logits, 0.399) == 0);
  CHECK(token_at(logits, 0.401) == 2);
  CHECK(token_at(logits, 0.749) == 2);
  CHECK(token_at(logits, 0.751) == 3);
  CHECK(token_at(logits, std::nextafter(1.0, 0.0)) == 3);
  CHECK(token_at(logs({1, 0, 0}), std::nextafter(1.0, 0.0)) == 0);
}

TEST_CASE("draws are as frequent as their probabilities", "[probabilities]") {
  const std::vector<double> p = {0.1, 0.55, 0, 0.35};
  std::vector<double> counts(4);
  Draws draws(3, "frequencies");
  for (int draw = 0; draw < 20000; ++draw) counts[static_cast<size_t>(token_at(logs(p), draws.uniform()))] += 1.0 / 20000;
  for (size_t i = 0; i < 4; ++i) CHECK(counts[i] == Approx(p[i]).margin(0.012));
}

TEST_CASE("the likeliest tokens come largest first, equals by their ids", "[probabilities]") {
  const std::vector<double> logits = {1, 4, kExcluded, 4, -3};
  CHECK(likeliest(logits) == 1);
  CHECK(likeliest(logits, 3) == std::vector<int32_t>{1, 3, 0});
  CHECK(likeliest(logits, 9) == std::vector<int32_t>{1, 3, 0, 4});
}

}  // namespace probabilities_test
