// Somebody else's form of a mixer beside ours: analysis/peers/mixer.py.
#pragma once
#include <string>

#include "analysis/bench/mixer_runner.h"
#include "analysis/bench/own_folder.h"

namespace subband {

/// Whether a mixer has such a form.
bool has_mixer_peer(const std::string& mixer);

/// PyTorch's forms, each in a process of its own, where a Python with torch is found.
class MixerPeers {
 public:
  MixerPeers(const Registry& registry, const MixerBenchPlan& plan);
  /// Lets it run once with the weights and the input of `own` (null: that is left out), or says why not: its answer must
  /// be ours.
  void start(MixerRunner& runner, const MixerRunner* own, const at::Tensor& x, const MixerRunners& runners) const;

 private:
  std::string why_not(const MixerRunner* own) const;
  void hand_over(const MixerRunner& own, const at::Tensor& x, const OwnFolder& files) const;

  const Registry& registry_;
  const MixerBenchPlan& plan_;
  std::string python_, lacking_;
};

}  // namespace subband
