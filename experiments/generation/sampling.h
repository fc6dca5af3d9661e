// Text drawn from a net, token by token.
#pragma once
#include <ATen/core/Generator.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <string>
#include <vector>

#include "experiments/tokenizer.h"
#include "experiments/trainer_config.h"
#include "models/net.h"

namespace subband {

/// One id out of logits [V], softmax at `temperature`, from the smallest set of likeliest tokens whose probability
/// reaches `top_p`. Temperature 0 takes the likeliest, the first of equals.
int64_t draw_token(const at::Tensor& logits_V, double temperature, double top_p, at::Generator& generator);

struct SampleOptions {
  SampleConfig config;
  int64_t length = 1;  ///< of a window, for nets that cannot go on from a past
  uint64_t seed = 0;   ///< draws come from the stream `sample`
  at::Device device = at::kCPU;
  std::string precision = "fp32";
};

/// The prompt and what the net goes on with, token by token from one state. Where the net's positions end (a table of
/// them) it begins anew with the last half of what it has room for. ConfigError when the prompt has no tokens.
std::string sample_text(Net& net, const Tokenizer& tokenizer, const SampleOptions& options);

}  // namespace subband
