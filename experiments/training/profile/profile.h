// Where the time of training steps goes: by part of the net, and as a trace for a browser. No LibTorch here.
#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "core/tensors/costs/call_log.h"
#include "core/tensors/costs/yardsticks.h"

namespace subband {

/// What ran in some steps of a run.
struct Profile {
  std::vector<LoggedCall> calls;
  int64_t first_step = 0, steps = 1;
  Yardsticks yardsticks;  ///< of the same minute
};

/// Per step. The bound: the time in which the machine does an operation's products, or reads and writes its tensors once,
/// whichever is longer, added up over all operations.
struct ProfileRow {
  std::string name;  ///< `blocks.*.lifting`: all layers together; or an operation
  double forward_ms = 0, backward_ms = 0;
  double mib = 0;  ///< that operations read and write
  double bound_ms = 0;
  double calls = 0;  ///< of an operation
  double ms() const { return forward_ms + backward_ms; }
};

/// The longest first. Rows of parts add up to the step; an operation's time is without that of operations inside it.
struct ProfileTable {
  std::vector<ProfileRow> parts, operations;
  Profile of;  ///< its calls are left out
  double step_ms = 0;

  std::string text() const;
  nlohmann::ordered_json json() const;
};
ProfileTable profile_table(const Profile& profile);

/// The same calls in the Trace Event Format, which chrome://tracing and https://ui.perfetto.dev show.
std::string chrome_trace(const Profile& profile);

}  // namespace subband
