// Claims of a sweep, judged: by the mean alone, or, with an error rate, by evidence that holds at any number of seeds.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "analysis/evidence.h"
#include "analysis/statistics.h"
#include "runs/sweep_manifest.h"

namespace subband {

/// Claims with an error rate: together they are wrong no more often than the largest of their rates, because each takes
/// an equal share of its own (Bonferroni). Evidence of one row against the baseline may depend on that of another.
size_t family_size(std::span<const SweepClaim> claims);

/// A claim with an error rate as one of a family of so many.
EffectClaim effect_claim(const SweepClaim& claim, size_t family);

/// Row against baseline over the seeds that both have, by seed; better is positive.
std::vector<double> paired_gains(const BySeed& row, const BySeed& baseline, const std::string& goal);

/// The claim with `holds`, `verdict` and `finding`. With an error rate, gains that are no numbers are left out and counted,
/// as those of runs that failed are; the means of the others prove nothing then.
SweepClaim judged_claim(const SweepClaim& claim, std::span<const double> gains, const std::string& goal,
                        size_t family);

/// `no bypass: claimed worse by 0.001; found worse by 0.0123 (2 seeds)`, with a sign before it.
std::string claim_line(const SweepClaim& claim);

}  // namespace subband
