#include "analysis/claims.h"

#include <cmath>

#include "core/testing/catch.h"

namespace subband::claims_test {

static const BySeed kBase = {{1, 2.0}, {2, 2.1}, {3, 1.9}, {4, 2.0}, {5, 2.2}, {6, 2.0}, {7, 2.1}, {8, 2.0}, {9, 2.0}};

static BySeed shifted(double effect) {
  BySeed row;
  for (const auto& [seed, value] : kBase) row[seed] = value + effect + (seed % 2 == 0 ? 0.01 : -0.01);
  return row;
}

static SweepClaim judged(const SweepClaim& claim, double effect) {
  return judged_claim(claim, paired_gains(shifted(effect), kBase, "min"), "min", 1);
}

TEST_CASE("gains are paired by seed, and better is positive under either goal", "[claims]") {
  const BySeed row = {{1, 1.5}, {3, 2.0}, {99, 0.0}};
  CHECK(paired_gains(row, kBase, "min") == std::vector<double>{0.5, 1.9 - 2.0});
  CHECK(paired_gains(row, kBase, "max") == std::vector<double>{-0.5, 2.0 - 1.9});
}

TEST_CASE("a claim with an error rate has a verdict, an interval and a number of seeds", "[claims]") {
  const SweepClaim worse{.row = "x", .is = "worse", .by = 0.1, .error = 0.05};
  const SweepClaim supported = judged(worse, 0.5);
  CHECK(supported.verdict == "supported");
  CHECK(supported.holds == true);
  CHECK(claim_line(supported).starts_with("✓ x: claimed worse by 0.1; supported, worse by 0.49"));
  CHECK(claim_line(supported).ends_with(" with 90 % at any stop; decided after 7 of 9 seeds; a fixed number would have "
                                        "been 3)"));
  CHECK(judged(worse, -0.5).verdict == "refuted");
  CHECK(judged(worse, -0.5).holds == false);
  CHECK(judged(worse, 0.0).verdict == "equivalent");
  CHECK(judged(worse, 0.1).verdict == "undecided");
  CHECK_FALSE(judged(worse, 0.1).holds);
  const SweepClaim equal{.row = "x", .is = "equal", .by = 0.1, .error = 0.05};
  CHECK(judged(equal, 0.0).verdict == "equivalent");
  CHECK(judged(equal, 0.0).holds == true);
  CHECK(judged(equal, 0.5).verdict == "refuted");
  CHECK(claim_line(judged_claim(worse, {}, "min", 1)) ==
        "? x: claimed worse by 0.1; undecided, no seed has both rows yet");
}

TEST_CASE("each claim of a family has its share of the error rate", "[claims]") {
  const std::vector<SweepClaim> claims = {
      {.row = "x", .is = "worse", .by = 0.1, .error = 0.05}, {.row = "y", .is = "worse"},
      {.row = "z", .is = "equal", .by = 0.1, .error = 0.1}};
  CHECK(family_size(claims) == 2);
  CHECK(effect_claim(claims[0], 2).error == 0.025);
  CHECK(effect_claim(claims[2], 2).error == 0.05);
  const auto gains = paired_gains(shifted(0.5), kBase, "min");
  CHECK(judged_claim(claims[0], gains, "min", 1).verdict == "supported");
  CHECK(judged_claim(claims[0], gains, "min", 1000).verdict == "undecided");
}

TEST_CASE("a claim is judged whatever the spread of its differences, and tells no number of a fixed design that has no end",
          "[claims]") {
  const auto line = [](double by, double spread) {
    std::vector<double> gains;
    for (int i = 0; i < 12; ++i) gains.push_back(i % 2 == 0 ? spread : -spread);
    return claim_line(judged_claim({.row = "x", .is = "equal", .by = by, .error = 0.05}, gains, "min", 1));
  };
  CHECK_THAT(line(0.01, 1e-8), Catch::EndsWith("decided after 7 of 12 seeds; a fixed number would have been 2)"));
  CHECK_THAT(line(1e-5, 1), Catch::EndsWith(" with 90 % at any stop; 12 seeds)"));
  CHECK_THAT(line(1e-300, 1e300), Catch::EndsWith(" with 90 % at any stop; 12 seeds)"));
}

TEST_CASE("a claim without an error rate compares the means", "[claims]") {
  const SweepClaim claim = judged({.row = "x", .is = "worse", .by = 0.1}, 0.2);
  CHECK(claim.verdict.empty());
  CHECK(claim_line(claim).starts_with("✓ x: claimed worse by 0.1; found worse by 0.19"));
}

}  // namespace subband::claims_test
