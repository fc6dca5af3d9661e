// What a command line says of decoding strategies.
//   without a preset   temperature 1, nucleus 0.95, repetition penalty 1.1: the original's command line
//   --standard         the net's own distribution: the original's plain sample
//   --strategies       adaptive temperature 0.3 to 0.9, nucleus 0.85, penalty 1.2, clean spacing: its sample with strategies
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/config/node.h"
#include "experiments/generation/strategies.h"

namespace CLI {
class App;
}

namespace subband {

struct StrategyWords {
  bool standard = false, all = false;  ///< presets
  std::optional<double> temperature{}, top_p{}, min_p{}, repetition_penalty{};
  std::optional<int64_t> top_k{};
  std::vector<std::string> changes{};  ///< `lookahead`, `lookahead.depth=3`, `~nucleus`

  void add_to(CLI::App& app);
  bool empty() const;
  /// A map from part to its fields. ConfigError for a change that is none.
  config::Node spec() const;
};

/// Strategies of a spec. ConfigError `command line: strategies.nucleus.top_p = 1.5: …`.
Strategies bound_strategies(const Registry& registry, const config::Node& spec);

}  // namespace subband
