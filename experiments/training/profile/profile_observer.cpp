#include "experiments/training/profile/profile_observer.h"

#include "core/files.h"
#include "core/tensors/costs/yardsticks.h"

namespace subband {

static constexpr int64_t kWarmUp = 2, kProfiled = 3;  // steps

void ProfileObserver::stepped(const StepEvent& event) {
  ++seen_, last_step_ = event.step;
  if (seen_ == kWarmUp && event.step < event.steps) log_.emplace();
  if (seen_ == kWarmUp + kProfiled) finish(event.step);
}

void ProfileObserver::ended(const Outcome&) { finish(last_step_); }

void ProfileObserver::finish(int64_t last_step) {
  if (!log_) return;
  const int64_t steps = seen_ - kWarmUp;
  Profile profile{.calls = log_->end(), .first_step = last_step - steps + 1, .steps = steps, .yardsticks = {}};
  log_.reset();
  if (steps > 0) profile_ = std::move(profile);
}

std::optional<Profile> ProfileObserver::profile() {
  if (profile_ && profile_->yardsticks.gflops == 0) profile_->yardsticks = measure_yardsticks();
  return profile_;
}

ProfileTable write_profile(const Profile& profile, const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  write_file(folder / "trace.json", chrome_trace(profile));
  ProfileTable table = profile_table(profile);
  write_file(folder / "table.txt", table.text());
  return table;
}

}  // namespace subband
