// Learning-rate schedules: a pure function of the step.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "core/registry.h"
#include "experiments/parameter_group.h"

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
  /// The rate of every group at that step.
  std::vector<double> rates(int64_t step, std::span<const ParameterGroup> groups) const {
    std::vector<double> rates;
    for (const ParameterGroup& group : groups) rates.push_back(group.rate * rate(step));
    return rates;
  }
  /// Its first steps, in which the rate rises.
  virtual int64_t warmup() const { return 0; }
};

using ScheduleRegistry = KindRegistry<Schedule>;

}  // namespace subband
