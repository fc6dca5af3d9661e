// How near a packed net stays to the dense one that it was made of, on a text.
#pragma once
#include <cstdint>

#include "experiments/data/files/token_file.h"
#include "experiments/tasks/evaluation.h"
#include "models/net.h"

namespace subband {

struct Agreement {
  double loss = 0;  ///< of the packed net, nats per token
  double kl =
      0;  ///< mean of Σ p ln(p / q), p the dense net's distribution and q the packed one's, nats per token
  double same_top = 0;  ///< share of the positions where both find the same token likeliest
  int64_t tokens = 0;
};

/// Over the windows of `blocks`. ConfigError where the text is shorter than a window.
Agreement agreement(Net& dense, Net& packed, const TokenFile& tokens, const EvaluationOptions& options);

}  // namespace subband
