// Every combination, the first axis slowest.
// Source  ours, the product that a sweep's `grid` takes, as a search that a pruner may cut
#include <cmath>

#include "sweeps/sampler.h"

namespace subband::samplers::grid {

struct Config {
  int64_t points = 5;

  void bind(Binder& b) {
    b.field("points", points, {2, 1000},
            "values of a number without `points` of its own, evenly spaced, both ends among them; whole numbers and "
            "choices take all they have");
  }
};

class Grid final : public Sampler {
 public:
  Grid(const Config& config, const SamplerContext&) : points_(config.points) {}

  std::optional<SearchPoint> draw(const SearchSpace& space, std::span<const SearchTrial> trials,
                                  Draws&) const override {
    std::vector<int64_t> choice(space.axes.size(), 0);
    for (size_t left = trials.size();; --left) {
      if (left == 0) return point_of(space, choice);
      if (!advance(space, choice)) return std::nullopt;
    }
  }

 private:
  int64_t values(const SearchAxis& axis) const {
    if (axis.form == SearchAxis::Form::choice) return static_cast<int64_t>(axis.choices.size());
    if (axis.points > 0) return axis.points;
    if (axis.form == SearchAxis::Form::integer) return static_cast<int64_t>(axis.high - axis.low) + 1;
    return points_;
  }

  double value(const SearchAxis& axis, int64_t number) const {
    if (axis.form == SearchAxis::Form::choice) return static_cast<double>(number);
    const double part = static_cast<double>(number) / static_cast<double>(values(axis) - 1);
    const double exact = axis.is_log ? axis.low * std::pow(axis.high / axis.low, part)
                                     : axis.low + part * (axis.high - axis.low);
    return axis.form == SearchAxis::Form::integer ? std::round(exact) : rounded(axis, exact);
  }

  SearchPoint point_of(const SearchSpace& space, const std::vector<int64_t>& choice) const {
    SearchPoint point(space.axes.size());
    for (size_t i = 0; i < choice.size(); ++i)
      if (space.is_active(i, point)) point[i] = value(space.axes[i], choice[i]);
    return point;
  }

  // To the next combination, the last axis fastest; an idle axis has one value.
  bool advance(const SearchSpace& space, std::vector<int64_t>& choice) const {
    for (size_t i = choice.size(); i-- > 0;) {
      const bool is_active = space.is_active(i, point_of(space, choice));
      if (is_active && ++choice[i] < values(space.axes[i])) return true;
      choice[i] = 0;
    }
    return false;
  }

  int64_t points_;
};

void add_to(SamplerRegistry& r) {
  r.add<Grid, Config>({.name = "grid",
                       .summary = "every combination, the first axis slowest",
                       .source = "ours, the product of a sweep's grid as a search that a pruner may cut"});
}

}  // namespace subband::samplers::grid
