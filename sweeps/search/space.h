// What a search draws from: numbers, whole numbers and choices, some of them only where another one has a certain value.
//   space:
//     optimizer.lr: {low: 1e-4, high: 1e-1, log: true}
//     net.layers: {low: 1, high: 4}                               # whole numbers, since both ends are
//     net.mixer: [wersa, performer]
//     net.mixer.heads: {choice: [2, 4], when: {net.mixer: wersa}}
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/config/binder.h"

namespace subband {

struct SearchAxis {
  enum class Form { number, integer, choice };
  std::string key;  ///< of the recipe: `optimizer.lr`
  Form form = Form::number;
  double low = 0, high = 0;  ///< both included
  bool is_log = false;
  int64_t points = 0;                 ///< of a number in a grid
  std::vector<config::Node> choices;  ///< of a choice
  std::optional<size_t> when;         ///< an earlier axis, which must be a choice
  std::vector<size_t> when_choices;   ///< and have one of these
};

/// A value for each axis: the number itself, or the index of the choice; nothing where the axis is idle.
using SearchPoint = std::vector<std::optional<double>>;

struct SearchSpace {
  std::vector<SearchAxis> axes;

  /// Whether the axis has a value, given those before it.
  bool is_active(size_t axis, const SearchPoint& point) const;
  /// `optimizer.lr=0.0123`, in the order of the axes.
  std::vector<std::string> overrides(const SearchPoint& point) const;
};

/// How good a drawn point is, as far as it is known.
struct SearchTrial {
  SearchPoint point;
  enum class State { running, done, pruned, failed } state = State::running;
  double loss = 0;   ///< less is better; of a pruned one the last that was seen; infinite where it diverged
  int64_t step = 0;  ///< of that loss
};

/// Four significant digits, which is what an override shows; within the axis.
double rounded(const SearchAxis& axis, double value);

/// Reads a space; complaints go to the binder.
SearchSpace read_space(Binder& b, const std::string& key, const config::Node& tree);

}  // namespace subband
