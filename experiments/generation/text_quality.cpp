#include "experiments/generation/text_quality.h"

#include <algorithm>
#include <map>
#include <set>

namespace subband {

static std::vector<std::vector<int32_t>> grams(std::span<const int32_t> ids, int64_t n) {
  std::vector<std::vector<int32_t>> all;
  for (int64_t first = 0; first + n <= std::ssize(ids); ++first) {
    const auto gram = ids.subspan(static_cast<size_t>(first), static_cast<size_t>(n));
    all.emplace_back(gram.begin(), gram.end());
  }
  return all;
}

double distinct_share(std::span<const int32_t> ids, int64_t n) {
  const auto all = grams(ids, n);
  if (all.empty()) return 0;
  return static_cast<double>(std::set(all.begin(), all.end()).size()) / static_cast<double>(all.size());
}

double repeated_share(std::span<const int32_t> ids, int64_t n) {
  const auto all = grams(ids, n);
  std::map<std::vector<int32_t>, int> counts;
  for (const auto& gram : all) ++counts[gram];
  std::vector<bool> covered(ids.size());
  for (size_t first = 0; first < all.size(); ++first)
    if (counts[all[first]] > 1)
      std::fill_n(covered.begin() + static_cast<int64_t>(first), n, true);
  if (ids.empty()) return 0;
  return static_cast<double>(std::ranges::count(covered, true)) / static_cast<double>(ids.size());
}

double mean_log_probability(std::span<const DrawnToken> tokens) {
  double sum = 0;
  for (const DrawnToken& token : tokens) sum += token.log_probability;
  return tokens.empty() ? 0 : sum / static_cast<double>(tokens.size());
}

bool is_likelier(std::span<const DrawnToken> a, std::span<const DrawnToken> b) {
  if (a.empty() || b.empty()) return !a.empty();
  return mean_log_probability(a) > mean_log_probability(b);
}

namespace {

class Mean {
 public:
  void add(double value) { sum_ += value, ++count_; }
  bool empty() const { return count_ == 0; }
  double value() const { return empty() ? 0 : sum_ / static_cast<double>(count_); }

 private:
  double sum_ = 0;
  int64_t count_ = 0;
};

}  // namespace

Metrics text_quality(const std::vector<std::vector<DrawnToken>>& texts) {
  std::map<std::string, Mean> means;
  for (const auto& tokens : texts) {
    if (tokens.empty()) continue;
    Mean entropy, drift;
    std::vector<int32_t> ids;
    for (const DrawnToken& token : tokens) {
      ids.push_back(token.id), entropy.add(token.entropy);
      if (token.drift) drift.add(*token.drift);
    }
    means["mean_log_p"].add(mean_log_probability(tokens));
    means["mean_entropy"].add(entropy.value());
    for (int n = 1; n <= 3; ++n) means["distinct_" + std::to_string(n)].add(distinct_share(ids, n));
    means["repeated_4"].add(repeated_share(ids, 4));
    if (!drift.empty()) means["drift"].add(drift.value());
  }
  Metrics metrics;
  for (const auto& [name, mean] : means) metrics[name] = mean.value();
  return metrics;
}

}  // namespace subband
