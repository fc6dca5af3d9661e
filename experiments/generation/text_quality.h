// Numbers about drawn texts that need no other text to compare with.
//   MeanLogP  mean log-probability of the drawn tokens, nats      MeanH  mean entropy they were drawn from, nats
//   Distinct-n  different n-grams / n-grams                       Rep-4  share of positions inside a 4-gram that occurs twice
//   drift  1 - cosine of the prompt's and the last tokens' fingerprints, mean where it was taken (coherence)
// Source  WaveletLM; Distinct-n: Li et al. 2016, arXiv 1510.03055
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "experiments/observer.h"
#include "experiments/generation/strategies.h"

namespace subband {

/// Different n-grams over n-grams; nothing to count: 0.
double distinct_share(std::span<const int32_t> ids, int64_t n);
/// Positions that some n-gram covers which occurs more than once, over positions.
double repeated_share(std::span<const int32_t> ids, int64_t n);
/// Mean log-probability; of no tokens 0.
double mean_log_probability(std::span<const DrawnToken> tokens);

/// Whether a's mean is the larger; a text of no tokens is never better than another one.
bool is_likelier(std::span<const DrawnToken> a, std::span<const DrawnToken> b);

/// `mean_log_p`, `mean_entropy`, `distinct_1` to `distinct_3`, `repeated_4`, and `drift` where there is one; of several
/// texts the means. Texts of no tokens do not count.
Metrics text_quality(const std::vector<std::vector<DrawnToken>>& texts);

}  // namespace subband
