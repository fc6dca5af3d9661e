// What mixers cost in time and memory as the sequence grows, side by side in one process: the results.
#pragma once
#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "analysis/report.h"

namespace subband {

/// One mixer at one length.
struct MixerCell {
  std::string mixer;
  std::string form;                              ///< `causal` or `bidirectional`; of a yardstick: empty
  std::string path;                              ///< of the mixer, as a run records it
  int64_t length = 0;                            ///< L, tokens
  std::string skipped;                           ///< why it was not measured; empty: it was
  std::vector<double> times_ms;                  ///< of a pass, round by round
  double median_ms = 0, p10_ms = 0, p90_ms = 0;  ///< of these
  double ratio = 0;  ///< median over the rounds of its time over softmax_attention's; 0: none
  std::string peer_of;    ///< where it is somebody else's form: of which of ours
  double over_own = 0;    ///< then: median over the rounds of its time over ours
  int rounds = 0;
  double peak_mib = 0;  ///< the most that tensors of one pass held at once, input and weights apart
  double flops = 0;     ///< of one forward pass over one sequence
  int64_t state_bytes = 0;

  /// Sets rounds, median and quantiles from the times.
  void summarize();
  /// Median over the rounds of its time over another's of the same rounds.
  double median_over(const MixerCell& other) const;
};

struct MixerBench {
  std::string device, precision;
  int64_t width = 0, batch = 0, threads = 0;
  bool backward = false;
  std::vector<int64_t> lengths;
  std::vector<MixerCell> cells;  ///< by length, then by mixer

  /// Milliseconds of a pass, in parentheses over softmax attention's; what was skipped and why as notes.
  Report time_report() const;
  Report memory_report() const;
  nlohmann::ordered_json json() const;  ///< with the figures
  /// `PyTorch/wersa at 8192`, `wersa/flash_attention at 2048`, `wersa at 131072/65536`.
  nlohmann::ordered_json figures() const;
};

/// Time and memory against length, both axes logarithmic, as `mixers_time.svg` and `mixers_memory.svg`, and the tables as
/// `mixers.md`. Returns the lines that say what could not be drawn.
std::vector<std::string> write_mixer_bench(const MixerBench& bench, const std::filesystem::path& folder);

}  // namespace subband
