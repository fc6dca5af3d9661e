// Tree-structured Parzen estimator: draws where points like the good ones are likelier than points like the others.
//   l(x), g(x)  mixtures of a kernel at every good point, or every other one, and one over the whole axis
//   x           of `candidates` draws from l the one with the largest l(x)/g(x)
// The good ones are the best ceil(0.1 n) of n, at most 25. Kernels are normal, cut at the ends of the axis, as wide as the
// gap to the farther neighbour, at least 1/min(100, n+2) of the axis; of more than 25 points the older ones weigh less.
// Axes that every point has are drawn together, a kernel being a product over them; conditional ones one by one, from
// the points that have them. Points that run are among the others, so that no worker draws the same again.
// Source  Bergstra, Bardenet, Bengio, Kégl, Algorithms for Hyper-Parameter Optimization, NIPS 2011; constants as in
//         Optuna 5 (optuna.samplers.TPESampler), compared with it by `make check-search`
#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include "sweeps/sampler.h"

namespace subband::samplers::tpe {

struct Config {
  int64_t startup = 10, candidates = 24;

  void bind(Binder& b) {
    b.field("startup", startup, {1, 100000}, "points that are drawn at random before");
    b.field("candidates", candidates, {1, 100000}, "draws of which the most promising is taken");
  }
};

static double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

// The ends of an axis as its kernels see it: logarithms, and the room of whole numbers.
struct Span {
  double low, high;
  explicit Span(const SearchAxis& axis) : low(axis.low), high(axis.high) {
    if (axis.form == SearchAxis::Form::integer) low -= 0.5, high += 0.5;
    if (axis.is_log) low = std::log(low), high = std::log(high);
  }
};

// The kernels of one axis: one for each observed value, and one for all of the axis.
class Kernels {
 public:
  Kernels(const SearchAxis& axis, const std::vector<double>& values) : axis_(axis), span_(axis) {
    if (axis.form == SearchAxis::Form::choice) {
      set_chances(values);
      return;
    }
    for (const double value : values) centres_.push_back(axis.is_log ? std::log(value) : value);
    set_widths();
    centres_.push_back((span_.low + span_.high) / 2);
    widths_.push_back(span_.high - span_.low);
  }

  double draw(size_t kernel, Draws& draws) const {
    const double chance = draws.uniform();
    if (axis_.form == SearchAxis::Form::choice) {
      double sum = 0;
      for (size_t i = 0; i < axis_.choices.size(); ++i)
        if ((sum += chances_[kernel][i]) > chance) return static_cast<double>(i);
      return static_cast<double>(axis_.choices.size() - 1);
    }
    const auto [low, high] = cut(kernel);
    const double within = std::clamp(low + chance * (high - low), 1e-300, 1 - 1e-16);
    double value = centres_[kernel] + widths_[kernel] * boost::math::quantile(boost::math::normal(), within);
    value = std::clamp(value, span_.low, span_.high);
    if (axis_.is_log) value = std::exp(value);
    if (axis_.form == SearchAxis::Form::integer) value = std::round(value);
    return std::clamp(value, axis_.low, axis_.high);
  }

  // ln of the density, or of the chance of a choice or a whole number.
  double logarithm(size_t kernel, double value) const {
    if (axis_.form == SearchAxis::Form::choice) return std::log(chances_[kernel][static_cast<size_t>(value)]);
    const auto [low, high] = cut(kernel);
    const auto seen = [&](double x) { return ((axis_.is_log ? std::log(x) : x) - centres_[kernel]) / widths_[kernel]; };
    if (axis_.form == SearchAxis::Form::integer)
      return std::log(std::max(normal_cdf(seen(value + 0.5)) - normal_cdf(seen(value - 0.5)), 1e-300) / (high - low));
    const double z = seen(value);
    return -z * z / 2 - std::log(widths_[kernel] * std::sqrt(2 * std::numbers::pi) * (high - low));
  }

 private:
  // What of a normal distribution lies below the axis, and below its other end.
  std::pair<double, double> cut(size_t kernel) const {
    return {normal_cdf((span_.low - centres_[kernel]) / widths_[kernel]),
            normal_cdf((span_.high - centres_[kernel]) / widths_[kernel])};
  }

  void set_chances(const std::vector<double>& values) {
    const double choices = static_cast<double>(axis_.choices.size());
    const double even = values.empty() ? 1 : 1 / static_cast<double>(values.size() + 1);
    for (size_t k = 0; k <= values.size(); ++k) {
      std::vector<double> chances(axis_.choices.size(), even);
      if (k < values.size()) chances[static_cast<size_t>(values[k])] += 1;
      const double sum = choices * even + (k < values.size() ? 1 : 0);
      for (double& each : chances) each /= sum;
      chances_.push_back(std::move(chances));
    }
  }

  // The gap to the farther neighbour; the ends of the axis are neighbours of a lone value only.
  void set_widths() {
    const size_t n = centres_.size();
    std::vector<size_t> order(n);
    std::iota(order.begin(), order.end(), size_t{0});
    std::ranges::sort(order, {}, [&](size_t i) { return centres_[i]; });
    widths_.resize(n);
    const double whole = span_.high - span_.low;
    const double least = whole / std::min(100.0, static_cast<double>(n) + 2);
    for (size_t i = 0; i < n; ++i) {
      const double here = centres_[order[i]];
      const double before = i > 0 ? here - centres_[order[i - 1]] : n > 1 ? 0 : here - span_.low;
      const double after = i + 1 < n ? centres_[order[i + 1]] - here : n > 1 ? 0 : span_.high - here;
      widths_[order[i]] = std::clamp(std::max(before, after), least, whole);
    }
  }

  const SearchAxis& axis_;
  Span span_;
  std::vector<double> centres_, widths_;
  std::vector<std::vector<double>> chances_;
};

// A mixture over the points of one group, in the order of their numbers.
class Mixture {
 public:
  Mixture(const SearchSpace& space, const std::vector<size_t>& axes, const std::vector<const SearchTrial*>& trials) {
    for (const size_t axis : axes) {
      std::vector<double> values;
      for (const SearchTrial* trial : trials) values.push_back(*trial->point[axis]);
      kernels_.emplace_back(space.axes[axis], values);
    }
    constexpr size_t kFull = 25;
    const size_t n = trials.size(), older = n > kFull ? n - kFull : 0;
    for (size_t i = 0; i < n; ++i) {
      const double first = 1 / static_cast<double>(n);
      const double part = older > 1 ? static_cast<double>(i) / static_cast<double>(older - 1) : 0;
      weights_.push_back(i < older ? first + part * (1 - first) : 1);
    }
    weights_.push_back(1);
    const double sum = std::accumulate(weights_.begin(), weights_.end(), 0.0);
    for (double& each : weights_) each /= sum;
  }

  std::vector<double> draw(Draws& draws) const {
    double left = draws.uniform();
    size_t kernel = 0;
    while (kernel + 1 < weights_.size() && left >= weights_[kernel]) left -= weights_[kernel++];
    std::vector<double> values;
    for (const Kernels& each : kernels_) values.push_back(each.draw(kernel, draws));
    return values;
  }

  double logarithm(const std::vector<double>& values) const {
    std::vector<double> terms;
    for (size_t k = 0; k < weights_.size(); ++k) {
      terms.push_back(std::log(weights_[k]));
      for (size_t i = 0; i < values.size(); ++i) terms.back() += kernels_[i].logarithm(k, values[i]);
    }
    const double most = std::ranges::max(terms);
    double sum = 0;
    for (const double each : terms) sum += std::exp(each - most);
    return most + std::log(sum);
  }

 private:
  std::vector<Kernels> kernels_;
  std::vector<double> weights_;
};

static bool is_judged(const SearchTrial& trial) {
  return trial.state == SearchTrial::State::done || trial.state == SearchTrial::State::pruned;
}

// Done ones by their loss, then pruned ones: those that came farther first.
static bool is_better(const SearchTrial* a, const SearchTrial* b) {
  const bool a_done = a->state == SearchTrial::State::done, b_done = b->state == SearchTrial::State::done;
  if (a_done != b_done) return a_done;
  if (!a_done && a->step != b->step) return a->step > b->step;
  return a->loss < b->loss;
}

class Tpe final : public Sampler {
 public:
  Tpe(const Config& config, const SamplerContext&) : config_(config) {}

  std::optional<SearchPoint> draw(const SearchSpace& space, std::span<const SearchTrial> trials,
                                  Draws& draws) const override {
    SearchPoint point(space.axes.size());
    const bool is_early = std::ranges::count_if(trials, is_judged) < config_.startup;
    std::vector<size_t> joint;
    for (size_t i = 0; i < space.axes.size(); ++i)
      if (!space.axes[i].when) joint.push_back(i);
    if (!is_early) draw_axes(space, trials, joint, draws, point);
    for (size_t i = 0; i < space.axes.size(); ++i) {
      if (point[i] || !space.is_active(i, point)) continue;
      if (is_early)
        point[i] = uniform_value(space.axes[i], draws);
      else
        draw_axes(space, trials, {i}, draws, point);
    }
    return point;
  }

 private:
  void draw_axes(const SearchSpace& space, std::span<const SearchTrial> trials, const std::vector<size_t>& axes,
                 Draws& draws, SearchPoint& point) const {
    const auto groups = split(trials, axes);
    const Mixture good(space, axes, groups.first), others(space, axes, groups.second);
    std::vector<double> best;
    double most = -std::numeric_limits<double>::infinity();
    for (int64_t i = 0; i < config_.candidates; ++i) {
      std::vector<double> values = good.draw(draws);
      const double gain = good.logarithm(values) - others.logarithm(values);
      if (!best.empty() && !(gain > most)) continue;
      most = gain;
      best = std::move(values);
    }
    for (size_t i = 0; i < axes.size(); ++i) point[axes[i]] = rounded(space.axes[axes[i]], best[i]);
  }

  // The good ones and the others among all trials, of those that have these axes.
  static std::pair<std::vector<const SearchTrial*>, std::vector<const SearchTrial*>> split(
      std::span<const SearchTrial> trials, const std::vector<size_t>& axes) {
    std::vector<const SearchTrial*> judged;
    for (const SearchTrial& trial : trials)
      if (is_judged(trial)) judged.push_back(&trial);
    const auto n = static_cast<double>(judged.size());
    const size_t best = std::min<size_t>(static_cast<size_t>(std::ceil(0.1 * n)), 25);
    std::ranges::stable_sort(judged, is_better);
    judged.resize(std::min(best, judged.size()));
    std::vector<const SearchTrial*> good, others;
    for (const SearchTrial& trial : trials) {
      const bool has_axes = std::ranges::all_of(axes, [&](size_t axis) { return trial.point[axis].has_value(); });
      if (trial.state == SearchTrial::State::failed || !has_axes) continue;
      (std::ranges::find(judged, &trial) != judged.end() ? good : others).push_back(&trial);
    }
    return {good, others};
  }

  Config config_;
};

void add_to(SamplerRegistry& r) {
  r.add<Tpe, Config>({.name = "tpe",
                      .summary = "tree-structured Parzen estimator: where good points are likelier than others",
                      .source = "Bergstra, Bardenet, Bengio, Kégl, NIPS 2011"});
}

}  // namespace subband::samplers::tpe
