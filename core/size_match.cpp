#include "core/size_match.h"

#include <cmath>
#include <map>

namespace subband {

namespace {

class Search {
 public:
  Search(double target, double within, const SizeOf& size_of)
      : target_(target), within_(within), size_of_(size_of) {}

  bool is_found() const { return best_ && distance(best_->size) <= within_ * std::abs(target_); }
  const std::optional<SizeMatch>& best() const { return best_; }

  /// Among the multiples of `step`.
  void look(int64_t step) {
    int64_t low = 0, high = 1;  // low: too small, as far as is known
    while (high * step <= kLargest) {
      const auto size = size_near(high, step);
      if (!size || *size >= target_) break;
      low = high, high *= 2;
    }
    while (high - low > 1 && !is_found()) {
      const int64_t middle = low + (high - low) / 2;
      const auto size = size_near(middle, step);
      if (!size) return;
      (*size < target_ ? low : high) = middle;
    }
  }

 private:
  static constexpr int64_t kLargest = 1 << 20;

  double distance(double size) const { return std::abs(size - target_); }

  // Of `factor` steps, or of a few more where so many are not allowed.
  std::optional<double> size_near(int64_t factor, int64_t step) {
    constexpr int64_t kFew = 4;
    for (int64_t more = 0; more < kFew; ++more)
      if (const auto size = size_at((factor + more) * step)) return size;
    return std::nullopt;
  }

  std::optional<double> size_at(int64_t value) {
    const auto [known, is_new] = sizes_.try_emplace(value);
    if (is_new) known->second = size_of_(value);
    const auto size = known->second;
    if (size && (!best_ || distance(*size) < distance(best_->size))) best_ = SizeMatch{value, *size};
    return size;
  }

  double target_, within_;
  const SizeOf& size_of_;
  std::map<int64_t, std::optional<double>> sizes_;
  std::optional<SizeMatch> best_;
};

}  // namespace

std::optional<SizeMatch> match_size(int64_t start, double target, double within, const SizeOf& size_of) {
  Search search(target, within, size_of);
  for (int64_t step = start; step >= 1 && !search.is_found(); --step)
    if (start % step == 0) search.look(step);
  return search.best();
}

}  // namespace subband
