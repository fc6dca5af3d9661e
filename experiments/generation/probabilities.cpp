#include "experiments/generation/probabilities.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace subband {

static double largest(std::span<const double> logits) { return *std::ranges::max_element(logits); }

static double log_of_sum(std::span<const double> logits) {
  const double top = largest(logits);
  double sum = 0;
  for (const double each : logits) sum += std::exp(each - top);
  return top + std::log(sum);
}

std::vector<double> probabilities(std::span<const double> logits) {
  const double top = largest(logits);
  std::vector<double> p(logits.size());
  double sum = 0;
  for (size_t i = 0; i < p.size(); ++i) sum += p[i] = std::exp(logits[i] - top);
  for (double& each : p) each /= sum;
  return p;
}

double log_probability(std::span<const double> logits, int32_t token) {
  return logits[static_cast<size_t>(token)] - log_of_sum(logits);
}

double entropy(std::span<const double> logits) {
  double sum = 0;
  for (const double p : probabilities(logits)) sum -= p * std::log(p + 1e-12);
  return sum;
}

int32_t likeliest(std::span<const double> logits) {
  return static_cast<int32_t>(std::ranges::max_element(logits) - logits.begin());
}

std::vector<int32_t> likeliest(std::span<const double> logits, int64_t count) {
  std::vector<int32_t> ids;
  for (size_t i = 0; i < logits.size(); ++i)
    if (logits[i] != kExcluded) ids.push_back(static_cast<int32_t>(i));
  const auto comes_first = [&](int32_t a, int32_t b) {
    const double x = logits[static_cast<size_t>(a)], y = logits[static_cast<size_t>(b)];
    return x != y ? x > y : a < b;
  };
  const auto end = ids.begin() + std::min<int64_t>(count, std::ssize(ids));
  std::partial_sort(ids.begin(), end, ids.end(), comes_first);
  ids.erase(end, ids.end());
  return ids;
}

// Rounding may leave the sum a little under 1: then it is the last token that can be drawn.
int32_t token_at(std::span<const double> logits, double uniform) {
  const std::vector<double> p = probabilities(logits);
  double sum = 0;
  size_t last = 0;
  for (size_t i = 0; i < p.size(); ++i) {
    if (p[i] == 0) continue;
    sum += p[last = i];
    if (sum > uniform) break;
  }
  return static_cast<int32_t>(last);
}

void keep_only(std::vector<double>& logits, std::span<const int32_t> tokens) {
  std::vector<double> kept(logits.size(), kExcluded);
  for (const int32_t token : tokens) kept[static_cast<size_t>(token)] = logits[static_cast<size_t>(token)];
  logits = std::move(kept);
}

}  // namespace subband
