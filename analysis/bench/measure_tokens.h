// Measures what goes on from a state: the next token at some positions, and prompts.
#pragma once
#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "analysis/report.h"
#include "core/registry.h"

namespace subband {

struct TokenBenchPlan {
  std::vector<std::string> names;  ///< mixers, and wavelet_lm for the net of two blocks; empty: all that go on
  std::vector<int64_t> positions;  ///< ascending
  int64_t width = 64, batch = 1, heads = 4;
  int64_t prompt = 4096;  ///< tokens; 0: none
  c10::Device device = c10::kCPU;
  c10::ScalarType type = c10::kFloat;
  int rounds = 15;
  int64_t longest_growing = 8192;  ///< position to which a state that grows is filled, since that takes its square
  uint64_t seed = 1337;
};

/// One row a contender: microseconds of the next token at each position, in parentheses over the time of reading once
/// the keys and values that attention keeps there (row `read keys and values`); the last position over the first; a
/// prompt's tokens per second over those of a training forward pass. All run in turn, in an order shuffled every round;
/// medians. `tell` is told what comes next. ConfigError for a name that is unknown or cannot go on.
Report measure_tokens(const Registry& registry, const TokenBenchPlan& plan,
                     const std::function<void(const std::string&)>& tell);

}  // namespace subband
