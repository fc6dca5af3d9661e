// Profiles a few steps of a run while it trains.
#pragma once
#include <filesystem>
#include <memory>
#include <optional>

#include "core/tensors/costs/call_log.h"
#include "experiments/observer.h"
#include "experiments/training/profile/profile.h"

namespace subband {

/// From the end of the second step of this start on, three steps, or as many as come before the run ends.
class ProfileObserver final : public Observer {
 public:
  void stepped(const StepEvent& event) override;
  void ended(const Outcome& outcome) override;

  /// What was seen; nothing where too few steps were taken. Measures the yardsticks: to be asked after the run.
  std::optional<Profile> profile();

 private:
  void finish(int64_t last_step);

  int64_t seen_ = 0, last_step_ = 0;
  std::optional<CallLog> log_;
  std::optional<Profile> profile_;
};

/// Writes trace.json and table.txt into `folder`, which it makes.
ProfileTable write_profile(const Profile& profile, const std::filesystem::path& folder);

}  // namespace subband
