// What the synthetic tasks share as tasks: everything but how an example is drawn and which lengths it needs.
#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "experiments/tasks/synthetic_task.h"

namespace subband {

/// The owner fills `plan_` in its constructor.
class DrawnTask : public Task {
 public:
  TaskShape shape() const final {
    for (const auto* difficulties : {&plan_.train, &plan_.longer})
      for (const Difficulty& each : *difficulties) check(each);
    return {.vocabulary = vocabulary_, .length = plan_.longest(), .may_look_ahead = true};
  }
  std::string objective() const final { return kSyntheticObjective; }
  std::vector<MetricInfo> metrics(const std::vector<std::string>&) const final { return synthetic_metrics(plan_); }
  std::unique_ptr<OpenTask> open(const TaskUse& use) const final { return open_synthetic_task(plan_, use); }
  std::vector<Measurement> measurements(const TaskUse& use) const final { return synthetic_measurements(plan_, use); }

 protected:
  DrawnTask(int64_t vocabulary, SyntheticTask plan) : vocabulary_(vocabulary), plan_(std::move(plan)) {}
  /// ConfigError where no example of this length and size can be drawn.
  virtual void check(const Difficulty& difficulty) const = 0;

  int64_t vocabulary_;
  SyntheticTask plan_;
};

}  // namespace subband
