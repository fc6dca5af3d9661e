// A row of `bench mixers` at one length: a mixer that has run once and is ready to run again.
#pragma once
#include <ATen/core/Tensor.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "analysis/bench/measure_mixers.h"
#include "analysis/bench/peer_process.h"
#include "models/mixer.h"

namespace subband {

/// One row of the table, with what is known of it so far.
struct MixerContender {
  struct Seen {
    int64_t length;
    double pass_s, peak_mib, flops;
  };
  std::string name;
  std::optional<bool> causal = {};  ///< not known before the first length
  std::vector<Seen> seen = {};
  std::string ended = {};    ///< why no longer length is tried
  std::string peer_of = {};  ///< somebody else's form of this mixer
};

struct MixerRunner {
  MixerContender* contender;
  MixerCell cell;  ///< `skipped` says where it cannot run
  std::shared_ptr<Mixer> mixer = {};  ///< null: the copy, or a peer
  std::unique_ptr<PeerProcess> peer = {};
  double first_s = 0;
  int calls = 1;  ///< of one timing

  /// It has run once in `seconds`.
  void has_run(double seconds);
};

/// What makes mixers, and lets them run, on one device and within a budget.
class MixerRunners {
 public:
  static constexpr const char* kCopy = "copy";

  MixerRunners(const Registry& registry, const MixerBenchPlan& plan) : registry_(registry), plan_(plan) {}
  /// Makes the mixer and runs it once, checked; or says why not.
  void start(MixerRunner& runner, const at::Tensor& x) const;
  at::Tensor pass(const MixerRunner& runner, const at::Tensor& x) const;
  /// A device works on after the call; reading one value waits for it.
  void wait_for(const at::Tensor& y) const;
  /// Why the next pass is not worth trying, or empty.
  std::string prediction(const MixerRunner& runner) const;
  double seconds_gone() const;

 private:
  void make(MixerRunner& runner) const;
  void run_first(MixerRunner& runner, const at::Tensor& x) const;

  const Registry& registry_;
  const MixerBenchPlan& plan_;
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

}  // namespace subband
