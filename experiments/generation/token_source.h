// The logits behind growing texts: the one place where generated text meets a net.
#pragma once
#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "experiments/sampling.h"
#include "models/net.h"

namespace subband {

class TokenSource {
 public:
  struct Options {
    int64_t length = 1;   ///< L of a window, for nets that cannot go on from a past
    bool slides = false;  ///< the last L tokens are read again for every token, as the original does
    at::Device device = at::kCPU;
    std::string precision = "fp32";
    int64_t most_tried = 16;  ///< continuations of a rollout that are read together
  };
  using Texts = std::vector<const std::vector<int32_t>*>;

  explicit TokenSource(Net& net, const Options& options) : net_(net), options_(options) {}

  /// Behind the first `count` tokens of every text, all of them at least as long; what was read before is not read again.
  /// Where the net's positions end (a table of them) it begins anew with the last half of what it has room for.
  /// Shapes  -> [texts, V] fp64, on the CPU
  at::Tensor after(const Texts& texts, int64_t count);
  /// From now on only these texts go on, by their places among the last.
  void keep(const std::vector<int64_t>& texts);
  /// Tries tokens out behind text `place`; when it ends, this is as it was. `text` as it was read.
  std::unique_ptr<Rollout> rollout(const std::vector<int32_t>& text, int64_t place);

 private:
  friend class SourceRollout;
  at::Tensor read(const Texts& texts, int64_t first, int64_t count, SequenceState* state);

  Net& net_;
  Options options_;
  SequenceState state_;
  int64_t seen_ = 0;
};

}  // namespace subband
