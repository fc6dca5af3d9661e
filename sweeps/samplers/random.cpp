// Random search: every point by itself, each value as likely as the others.
// Source  Bergstra, Bengio, Random Search for Hyper-Parameter Optimization, JMLR 13, 2012
#include <cmath>

#include "sweeps/sampler.h"

namespace subband {

double uniform_value(const SearchAxis& axis, Draws& draws) {
  if (axis.form == SearchAxis::Form::choice)
    return static_cast<double>(draws.below(static_cast<int64_t>(axis.choices.size())));
  const bool is_whole = axis.form == SearchAxis::Form::integer;
  if (is_whole && !axis.is_log)
    return static_cast<double>(draws.between(static_cast<int64_t>(axis.low), static_cast<int64_t>(axis.high)));
  // A whole number has the room that rounds to it.
  const double low = is_whole ? axis.low - 0.5 : axis.low, high = is_whole ? axis.high + 0.5 : axis.high;
  if (!axis.is_log) return rounded(axis, low + draws.uniform() * (high - low));
  const double value = std::exp(std::log(low) + draws.uniform() * std::log(high / low));
  return is_whole ? std::clamp(std::round(value), axis.low, axis.high) : rounded(axis, value);
}

}  // namespace subband

namespace subband::samplers::random {

struct Config {
  void bind(Binder&) {}
};

class RandomSearch final : public Sampler {
 public:
  RandomSearch(const Config&, const SamplerContext&) {}
  std::optional<SearchPoint> draw(const SearchSpace& space, std::span<const SearchTrial>,
                                  Draws& draws) const override {
    SearchPoint point(space.axes.size());
    for (size_t i = 0; i < space.axes.size(); ++i)
      if (space.is_active(i, point)) point[i] = uniform_value(space.axes[i], draws);
    return point;
  }
};

void add_to(SamplerRegistry& r) {
  r.add<RandomSearch, Config>({.name = "random",
                               .summary = "every point by itself, each value as likely as the others",
                               .source = "Bergstra, Bengio, JMLR 13, 2012"});
}

}  // namespace subband::samplers::random
