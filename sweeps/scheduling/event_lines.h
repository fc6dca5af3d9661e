// A running sweep as a stream for programs: one JSON object a line.
//   {"event":"sweep","time":1764010194.1,"sweep":"quickstart","cells":12,"to_run":9}
//   {"event":"started","time":…,"row":"no bypass","seed":1337}
//   {"event":"progress",…,"step":40,"steps":400,"tokens":81920,"tokens_per_s":51000.0,"loss":2.31}
//   {"event":"held"|"retried"|"ended"|"stopping",…}     ended: "status", "message"
//   {"event":"end","time":…,"exit":0}                   "status":"waiting","why" where it rests until somebody goes on
#pragma once
#include <functional>
#include <iosfwd>
#include <string>
#include <utility>
#include <vector>

#include "core/json.h"
#include "sweeps/scheduling/scheduler.h"

namespace subband {

class EventLines final : public ScheduleObserver {
 public:
  /// The row and seed of a cell.
  using NameCell = std::function<std::pair<std::string, int64_t>(size_t cell)>;
  EventLines(std::ostream& out, NameCell name) : out_(out), name_(std::move(name)) {}

  void sweep(const std::string& sweep_name, size_t cells, size_t to_run);
  /// `rest`: why the sweep rests until somebody goes on with it; empty: it does not.
  void end(int exit_code, const std::string& rest = "");
  void hear(const ScheduleEvent& event) override;

 private:
  void say(const char* event, const Json& fields);
  Json of(size_t cell) const;

  std::ostream& out_;
  NameCell name_;
};

/// Tells several, in their order.
class ScheduleObservers final : public ScheduleObserver {
 public:
  explicit ScheduleObservers(std::vector<ScheduleObserver*> all) : all_(std::move(all)) {}
  void hear(const ScheduleEvent& event) override {
    for (ScheduleObserver* each : all_) each->hear(event);
  }

 private:
  std::vector<ScheduleObserver*> all_;
};

}  // namespace subband
