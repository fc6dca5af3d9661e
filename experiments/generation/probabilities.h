// Logits of one step as probabilities, in fp64; -infinity is a token that cannot be drawn.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace subband {

inline constexpr double kExcluded = -__builtin_huge_val();

/// softmax(logits)
std::vector<double> probabilities(std::span<const double> logits);
/// ln softmax(logits)[token]
double log_probability(std::span<const double> logits, int32_t token);
/// -sum p ln(p + 1e-12), nats
double entropy(std::span<const double> logits);
/// The token with the largest logit, the first of equals.
int32_t likeliest(std::span<const double> logits);
/// The `count` largest that are not excluded, largest first, equals in the order of their ids.
std::vector<int32_t> likeliest(std::span<const double> logits, int64_t count);
/// The token at which the sum of the probabilities, in the order of ids, exceeds `uniform` of [0, 1).
int32_t token_at(std::span<const double> logits, double uniform);
/// Excludes all tokens but these.
void keep_only(std::vector<double>& logits, std::span<const int32_t> tokens);

}  // namespace subband
