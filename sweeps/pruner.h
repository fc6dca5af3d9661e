// Which trials of a search go on: a trial pauses at rungs, and what others gave there decides.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <span>

#include "core/registry.h"

namespace subband {

struct PrunerContext {};

/// A trial as a pruner sees it.
struct PrunedTrial {
  std::map<int64_t, double> losses;  ///< by the step of each rung that it reached; less is better
  bool is_paused = false;            ///< at the last of them; else it runs or is over
};

class Pruner {
 public:
  static constexpr const char* kKind = "pruner";
  using Context = PrunerContext;
  virtual ~Pruner() = default;
  /// The first rung above `step` of a run of so many steps; nothing: it goes on to its end.
  virtual std::optional<int64_t> rung_after(int64_t step, int64_t steps) const = 0;
  /// A paused trial that goes on now; nothing: none does. Depends on its arguments alone.
  virtual std::optional<size_t> next(std::span<const PrunedTrial> trials) const = 0;
};
using PrunerRegistry = KindRegistry<Pruner>;

}  // namespace subband
