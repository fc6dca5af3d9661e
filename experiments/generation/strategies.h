// Strategies that work together on a text.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "experiments/sampling.h"

namespace subband {

/// A token, and what it was drawn from.
struct DrawnToken {
  int32_t id = 0;
  double log_probability = 0;  ///< nats, of the distribution as the strategies left it
  double entropy = 0;          ///< nats, behind the penalty and before the temperature
  std::optional<double> drift{};
};

class Strategies {
 public:
  Strategies() = default;
  /// In any order. ConfigError where they do not go together.
  explicit Strategies(SamplingParts parts);

  /// What is wrong with these together, or empty: `adaptive_temperature and temperature …`.
  static std::string complaint(const SamplingParts& parts);

  /// The next token; `uniform` of [0, 1) decides where one is drawn.
  DrawnToken draw(SamplingStep& step, Rollout& rollout, double uniform) const;
  int64_t attempts() const;
  std::string finished(std::string text) const;
  void adapt(config::Node& recipe) const;
  /// Whether one of them has its place there.
  bool has(SamplingStage stage) const;

 private:
  SamplingParts parts_;
};

}  // namespace subband
