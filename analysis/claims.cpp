#include "analysis/claims.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "core/languages/numbers.h"

namespace subband {

namespace {

const char* verdict_word(Verdict verdict) {
  switch (verdict) {
    case Verdict::supported:
      return "supported";
    case Verdict::refuted:
      return "refuted";
    case Verdict::equivalent:
      return "equivalent";
    case Verdict::undecided:
      return "undecided";
  }
  return "";
}

std::string seeds_text(size_t number) { return fmt::format("{} {}", number, number == 1 ? "seed" : "seeds"); }

std::string found_text(double gain) {
  return (gain > 0 ? "better by " : "worse by ") + decimal_text(std::abs(gain));
}

// By the mean alone.
void compare_means(SweepClaim& claim, const Summary& gains) {
  if (claim.is == "equal")
    claim.holds = std::abs(gains.mean) <= claim.by;
  else
    claim.holds = (claim.is == "better" ? gains.mean : -gains.mean) >= claim.by && gains.mean != 0;
  claim.finding = found_text(gains.mean) + " (" + seeds_text(gains.count) + ")";
}

// What a t-test of power 0.99 would have planned for an effect of nothing or of twice the smallest that matters, had the
// spread of these differences been known.
std::string fixed_text(const EffectClaim& claim, const Summary& gains) {
  if (!(claim.by > 0) || !(gains.deviation > 0) || !std::isfinite(gains.deviation)) return "";
  const double power = claim.is == "equal" ? 0.995 : 0.99;  // an equivalence is two tests
  const auto pairs = fixed_pairs(claim.by / gains.deviation, claim.error, power);
  return pairs ? fmt::format("; a fixed number would have been {}", *pairs) : "";
}

// `numbers`: the gains that are some, of `gains` altogether.
void decide_claim(SweepClaim& claim, const EffectClaim& effect, std::span<const double> numbers, size_t gains) {
  const Summary summary = summarize(numbers);
  const Decision decision = decide(effect, numbers);
  claim.verdict = verdict_word(decision.verdict);
  if (decision.verdict != Verdict::undecided)
    claim.holds = decision.verdict == Verdict::supported ||
                  (decision.verdict == Verdict::equivalent && claim.is == "equal");
  AlwaysValid interval = always_valid(numbers, effect.error);
  if (summary.mean <= 0) interval = {.low = -interval.high, .high = -interval.low};
  const std::string after =
      decision.pairs < numbers.size() ? fmt::format("decided after {} of ", decision.pairs) : "";
  const std::string without =
      numbers.size() < gains ? fmt::format(" and {} without a number", gains - numbers.size()) : "";
  claim.finding = fmt::format("{} ({} to {} with {:.4g} % at any stop; {}{}{}{})", found_text(summary.mean),
                              signed_text(interval.low), signed_text(interval.high), 100 * (1 - 2 * effect.error),
                              after, seeds_text(numbers.size()), without, fixed_text(effect, summary));
}

}  // namespace

size_t family_size(std::span<const SweepClaim> claims) {
  return static_cast<size_t>(
      std::ranges::count_if(claims, [](const SweepClaim& claim) { return claim.error.has_value(); }));
}

EffectClaim effect_claim(const SweepClaim& claim, size_t family) {
  return {.is = claim.is, .by = claim.by, .error = *claim.error / static_cast<double>(std::max<size_t>(family, 1))};
}

std::vector<double> paired_gains(const BySeed& row, const BySeed& baseline, const std::string& goal) {
  std::vector<double> gains;
  for (const auto& [seed, value] : row) {
    const auto partner = baseline.find(seed);
    if (partner != baseline.end()) gains.push_back(gain(value - partner->second, goal));
  }
  return gains;
}

SweepClaim judged_claim(const SweepClaim& claim, std::span<const double> gains, const std::string& goal,
                        size_t family) {
  SweepClaim judged = claim;
  judged.finding = "no seed has both rows yet";
  if (claim.error) judged.verdict = verdict_word(Verdict::undecided);
  if (gains.empty()) return judged;
  const Summary summary = summarize(gains);
  std::vector<double> numbers;
  std::ranges::copy_if(gains, std::back_inserter(numbers), [](double each) { return std::isfinite(each); });
  if (claim.error && !numbers.empty())
    decide_claim(judged, effect_claim(claim, family), numbers, gains.size());
  else if (!std::isfinite(summary.mean))
    judged.finding = "a difference of " + signed_text(gain(summary.mean, goal)) + ", which proves nothing (" +
                     seeds_text(gains.size()) + ")";
  else
    compare_means(judged, summary);
  return judged;
}

std::string claim_line(const SweepClaim& claim) {
  const char* sign = !claim.holds ? "?" : *claim.holds ? "✓" : "✗";
  const char* word = claim.is == "equal" ? " within " : " by ";
  const std::string by = claim.by > 0 || claim.is == "equal" ? word + fmt::format("{:g}", claim.by) : "";
  const std::string found = claim.verdict.empty() ? "found " : claim.verdict + ", ";
  return std::string(sign) + " " + claim.row + ": claimed " + claim.is + by + "; " + found + claim.finding;
}

}  // namespace subband
