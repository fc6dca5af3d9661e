// Learning-rate schedules: a pure function of the step.
#pragma once
#include <cstdint>

#include "core/registry.h"

namespace subband {

struct ScheduleContext {
  int64_t steps = 1000;  ///< the run's length
  double peak = 0.01;    ///< the optimiser's `lr`
};

class Schedule {
 public:
  static constexpr const char* kKind = "schedule";
  using Context = ScheduleContext;
  virtual ~Schedule() = default;

  /// Rate of optimiser step `step`, counted from 0.
  virtual double rate(int64_t step) const = 0;
  /// Its first steps, in which the rate rises.
  virtual int64_t warmup() const { return 0; }
};

using ScheduleRegistry = KindRegistry<Schedule>;

}  // namespace subband
