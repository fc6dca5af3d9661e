#include "analysis/evidence.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <iostream>
#include <numbers>
#include <vector>

#include "core/draws.h"
#include "core/testing/catch.h"

namespace subband::evidence_test {

using Values = std::vector<double>;

// ln E by its definition, two passes over the past for every difference.
static double by_definition(const Values& d, double centre) {
  double sum = 0;
  for (const double r : {0.3, 0.6}) {
    double product = 1;
    for (size_t i = 0; i < d.size(); ++i) {
      const double x = d[i] - centre;
      if (i < 2) {
        product *= 1 + 0.3 * (x > 0 ? 1 : x < 0 ? -1 : 0);
        continue;
      }
      double mean = 0, squares = 0;
      for (size_t k = 0; k < i; ++k) mean += d[k] / static_cast<double>(i);
      for (size_t k = 0; k < i; ++k) squares += (d[k] - mean) * (d[k] - mean);
      const double s = std::sqrt(squares / static_cast<double>(i - 1));
      product *= 1 + std::min(0.95, 1 - 1 / static_cast<double>(i + 1)) * std::tanh(r * x / s);
    }
    sum += product / 2;
  }
  return std::log(sum);
}

static double logarithm(const Values& d, double centre) {
  Evidence evidence(centre);
  for (const double each : d) evidence.add(each);
  return evidence.logarithm();
}

static double normal(Draws& draws) {
  const double radius = std::sqrt(-2 * std::log(1 - draws.uniform()));
  return radius * std::cos(2 * std::numbers::pi * draws.uniform());
}

// Draws of mean 0 and standard deviation 1, symmetric.
using Noise = std::function<double(Draws&, size_t number)>;

static double student_3(Draws& draws, size_t) {
  double squares = 0;
  for (int i = 0; i < 3; ++i) squares += std::pow(normal(draws), 2);
  return normal(draws) / std::sqrt(squares);
}

static const std::vector<std::pair<const char*, Noise>>& noises() {
  static const std::vector<std::pair<const char*, Noise>> kNoises = {
      {"normal", [](Draws& draws, size_t) { return normal(draws); }},
      {"two values", [](Draws& draws, size_t) { return draws.uniform() < 0.5 ? -1.0 : 1.0; }},
      {"Student's t of 3", student_3},
      {"spread that grows",
       [](Draws& draws, size_t number) { return normal(draws) * (1 + static_cast<double>(number) / 20); }}};
  return kNoises;
}

static Values drawn(Draws& draws, const Noise& noise, double effect, size_t count) {
  Values values;
  for (size_t i = 0; i < count; ++i) values.push_back(effect + noise(draws, i));
  return values;
}

static constexpr size_t kMost = 128;     // pairs at which a researcher gives up
static constexpr size_t kTimes = 1000;   // simulations
static constexpr double kSmallest = 0.5;  // effect that matters, in standard deviations

TEST_CASE("evidence is what its definition says", "[evidence]") {
  Draws draws(3, "evidence");
  const Values d = drawn(draws, noises()[0].second, 0.4, 12);
  for (const double centre : {-1.0, 0.0, 0.3})
    for (size_t n = 0; n <= d.size(); ++n) {
      const Values part(d.begin(), d.begin() + static_cast<std::ptrdiff_t>(n));
      CHECK(logarithm(part, centre) == Approx(by_definition(part, centre)).margin(1e-12));
    }
}

TEST_CASE("where every sign is as likely as the other, the bet wins nothing on average", "[evidence]") {
  const Values sizes = {0.3, 2.0, 0.1, 5.0, 1.0, 0.7, 0.0, 3.0, 0.2, 1.5};
  double sum = 0, sum_above = 0;
  for (size_t signs = 0; signs < 1u << sizes.size(); ++signs) {
    Values d;
    for (size_t i = 0; i < sizes.size(); ++i) d.push_back((signs >> i & 1) != 0 ? sizes[i] : -sizes[i]);
    sum += std::exp(logarithm(d, 0)) / 1024;
    sum_above += std::exp(logarithm(d, 0.4)) / 1024;
  }
  CHECK(sum == Approx(1).epsilon(1e-12));
  CHECK(sum_above < 1);
}

TEST_CASE("evidence falls with its centre, so what is shown against one is shown against all below", "[evidence]") {
  Draws draws(4, "evidence");
  for (int time = 0; time < 50; ++time) {
    const Values d = drawn(draws, noises()[static_cast<size_t>(time) % 4].second, 0.5, 20);
    for (double centre = -2; centre < 2; centre += 0.25) CHECK(logarithm(d, centre) >= logarithm(d, centre + 0.25));
  }
}

TEST_CASE("1 + tanh is the likelihood of a normal effect against its mirrored mixture", "[evidence]") {
  const auto density = [](double x) { return std::exp(-x * x / 2); };
  for (const double effect : {0.2, 0.6})
    for (const double d : {-2.0, 0.1, 1.7}) {
      const double mirrored = (density(d - effect) + density(-d - effect)) / 2;
      CHECK(1 + std::tanh(effect * d) == Approx(density(d - effect) / mirrored));
    }
}

TEST_CASE("equal differences and none at all are judged without a spread", "[evidence]") {
  const Values none, same(8, 0.5), zero(12, 0.0);
  CHECK(decide({.is = "better", .by = 0.1}, none).verdict == Verdict::undecided);
  CHECK(decide({.is = "better", .by = 0.1}, none).least_further == 5);
  const Decision better = decide({.is = "better", .by = 0.1}, same);
  CHECK(better.verdict == Verdict::supported);
  CHECK(better.pairs == 7);
  CHECK(always_valid(same, 0.05).low == Approx(0.5));
  CHECK(always_valid(same, 0.05).high == Approx(0.5));
  CHECK(decide({.is = "worse", .by = 0.1}, same).verdict == Verdict::refuted);
  CHECK(decide({.is = "equal", .by = 0.1}, same).verdict == Verdict::refuted);
  CHECK(decide({.is = "equal", .by = 0.1}, zero).verdict == Verdict::equivalent);
  CHECK(decide({.is = "worse", .by = 0.1}, zero).verdict == Verdict::equivalent);
  CHECK(decide({.is = "worse", .by = 0}, zero).verdict == Verdict::undecided);
  CHECK(always_valid(Values(3, 1.0), 0.05).low < -1e300);
}

// How often a claim that the truth does not bear out gets a verdict, at whatever time it is looked at.
static double false_verdicts(const EffectClaim& claim, const Noise& noise, double effect,
                             const std::vector<Verdict>& wrong) {
  double errors = 0;
  for (size_t time = 0; time < kTimes; ++time) {
    Draws draws(11, "false verdicts", time);
    const Decision decision = decide(claim, drawn(draws, noise, effect, kMost));
    errors += std::ranges::find(wrong, decision.verdict) != wrong.end() ? 1 : 0;
  }
  return errors / kTimes;
}

static double allowed(double rate) { return rate + 2 * std::sqrt(rate * (1 - rate) / kTimes); }

TEST_CASE("a verdict is wrong no more often than its rate, looked at after every pair", "[evidence]") {
  const EffectClaim better{.is = "better", .by = kSmallest}, worse{.is = "worse", .by = kSmallest};
  const EffectClaim equal{.is = "equal", .by = kSmallest};
  const std::vector<Verdict> refuted = {Verdict::refuted, Verdict::equivalent};
  for (const auto& [name, noise] : noises()) {
    INFO(name);
    CHECK(false_verdicts(better, noise, kSmallest, {Verdict::supported}) <= allowed(0.05));
    CHECK(false_verdicts(better, noise, kSmallest, refuted) <= allowed(0.05));
    CHECK(false_verdicts(worse, noise, 0, {Verdict::supported}) <= allowed(0.05));
    CHECK(false_verdicts(equal, noise, kSmallest, {Verdict::equivalent}) <= allowed(0.05));
    CHECK(false_verdicts(equal, noise, kSmallest, {Verdict::refuted}) <= allowed(0.05));
  }
}

TEST_CASE("claims of one family together are wrong no more often than the rate", "[evidence]") {
  constexpr size_t kFamily = 4;  // rows with one baseline in common
  double errors = 0;
  for (size_t time = 0; time < kTimes; ++time) {
    Draws draws(12, "family", time);
    const Values baseline = drawn(draws, noises()[0].second, 0, kMost);
    bool is_wrong = false;
    for (size_t row = 0; row < kFamily; ++row) {
      Values gains = drawn(draws, noises()[0].second, kSmallest, kMost);
      for (size_t i = 0; i < kMost; ++i) gains[i] -= baseline[i];
      const Decision decision = decide({.is = "better", .by = kSmallest, .error = 0.05 / kFamily}, gains);
      is_wrong = is_wrong || decision.verdict == Verdict::supported;
    }
    errors += is_wrong ? 1 : 0;
  }
  CHECK(errors / kTimes <= allowed(0.05));
}

TEST_CASE("an interval holds the effects that are not refuted, and misses the true one no more often than its rates",
          "[evidence]") {
  constexpr size_t kFewer = 200;
  double misses = 0;
  for (size_t time = 0; time < kFewer; ++time) {
    Draws draws(14, "interval", time);
    const Values d = drawn(draws, noises()[time % 4].second, 0.3, 40);
    const AlwaysValid interval = always_valid(d, 0.05);
    misses += interval.low > 0.3 || interval.high < 0.3 ? 1 : 0;
    if (time > 4) continue;
    CHECK(shown_above(d, interval.low - 1e-9, 0.05));
    CHECK_FALSE(shown_above(d, interval.low + 1e-9, 0.05));
    CHECK(shown_below(d, interval.high + 1e-9, 0.05));
    CHECK_FALSE(shown_below(d, interval.high - 1e-9, 0.05));
  }
  CHECK(misses / kFewer <= 0.1 + 2 * std::sqrt(0.1 * 0.9 / kFewer));
}

struct Spending {
  double pairs = 0, power = 0;  // on average; how often the right verdict came
};

static Spending spent(const EffectClaim& claim, double effect, const std::vector<Verdict>& right, size_t most = kMost) {
  Spending spending;
  for (size_t time = 0; time < kTimes; ++time) {
    Draws draws(13, "spending", time);
    const Decision decision = decide(claim, drawn(draws, noises()[0].second, effect, most));
    spending.pairs += static_cast<double>(decision.pairs) / kTimes;
    spending.power += std::ranges::find(right, decision.verdict) != right.end() ? 1.0 / kTimes : 0;
  }
  return spending;
}

TEST_CASE("seeds spent one after another are at least 40 % fewer than those of a fixed design of equal power",
          "[evidence]") {
  const EffectClaim better{.is = "better", .by = kSmallest}, equal{.is = "equal", .by = kSmallest};
  const Spending twice = spent(better, 2 * kSmallest, {Verdict::supported});
  const Spending none = spent(better, 0, {Verdict::refuted, Verdict::equivalent});
  const Spending same = spent(equal, 0, {Verdict::equivalent});
  const auto fixed = [](double power) {  // a power of 1 in the simulation is taken for the most that it can tell from 1
    return static_cast<double>(*fixed_pairs(kSmallest, 0.05, std::min(power, 1 - 1.0 / kTimes)));
  };
  // Both tests of an equivalence must succeed.
  const double fixed_same = fixed((1 + same.power) / 2);
  CHECK(twice.power > 0.95);
  CHECK(none.power > 0.95);
  CHECK(twice.pairs <= 0.6 * fixed(twice.power));
  CHECK(none.pairs <= 0.6 * fixed(none.power));
  CHECK(same.pairs <= 0.6 * fixed_same);
}

// What README.md says of it: analysis_test '[.spending]'
TEST_CASE("what seeds cost that are spent one after another", "[.spending]") {
  const EffectClaim better{.is = "better", .by = kSmallest}, equal{.is = "equal", .by = kSmallest};
  const std::vector<Verdict> refuted = {Verdict::refuted, Verdict::equivalent};
  std::cout << "at most  claim   effect  pairs  power  fixed\n";
  for (const size_t most : {40, 64, 128}) {
    const auto print = [&](const char* name, double effect, const Spending& spending, double power) {
      std::cout << most << "  " << name << "  " << effect << "  " << spending.pairs << "  " << spending.power << "  "
                << *fixed_pairs(kSmallest, 0.05, std::min(power, 1 - 1.0 / kTimes)) << "\n";
    };
    const Spending twice = spent(better, 1, {Verdict::supported}, most), none = spent(better, 0, refuted, most);
    const Spending same = spent(equal, 0, {Verdict::equivalent}, most);
    print("better", 1, twice, twice.power);
    print("better", 0, none, none.power);
    print("equal ", 0, same, (1 + same.power) / 2);
    const Spending once = spent(better, kSmallest, {Verdict::supported}, most);
    std::cout << most << "  better  0.5  " << once.pairs << "  supported " << once.power << "\n";
  }
}

TEST_CASE("the pairs of a fixed t-test are those of published tables", "[evidence]") {
  // Cohen, Statistical power analysis, 2nd edition, and G*Power 3.1: one sample, one-sided, 0.05
  CHECK(fixed_pairs(0.5, 0.05, 0.8) == 27);
  CHECK(fixed_pairs(0.5, 0.05, 0.9) == 36);
  CHECK(fixed_pairs(0.2, 0.05, 0.8) == 156);
  CHECK(fixed_pairs(1.0, 0.05, 0.95) == 13);
}

TEST_CASE("a fixed number of pairs is there for any distance and error rate, or is none", "[evidence]") {
  for (const double error : {0.5, 0.05, 1e-6, 1e-20, 1e-300}) {
    size_t fewer = 1'100'000;
    for (const double distance : {0.1, 0.5, 100.0, 1e6, 1e300}) {
      const auto pairs = fixed_pairs(distance, error, 0.99);
      REQUIRE(pairs);
      CHECK(*pairs <= fewer);
      fewer = *pairs;
    }
    CHECK_FALSE(fixed_pairs(1e-5, error, 0.99));
    CHECK_FALSE(fixed_pairs(0, error, 0.99));
  }
  CHECK(fixed_pairs(100, 0.05, 0.99) == 2);
}

}  // namespace subband::evidence_test
