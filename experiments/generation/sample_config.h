// The fields of `samples:`: text drawn from the net when the run is done.
#pragma once
#include <cstdint>
#include <string>

#include "core/slot.h"
#include "experiments/sampling.h"

namespace subband {

struct SampleConfig {
  std::string prompt = "\n";
  int64_t tokens = 0;          ///< how many to draw; 0: none
  double temperature = 1.0;    ///< 0: always the likeliest
  double top_p = 1.0;          ///< draw from the smallest set of tokens with this much probability
  Slots<Sampling> strategies;  ///< others
  SamplingParts parts = {};  ///< all of them, made by bind

  void bind(Binder& b);

 private:
  void bind_strategies(Binder& b);
};

}  // namespace subband
