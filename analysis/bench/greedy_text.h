// A text as a net goes on with it, always by its likeliest token.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <iterator>
#include <vector>

#include "experiments/generation/token_source.h"

namespace subband {

class GreedyText {
 public:
  GreedyText(Net& net, const TokenSource::Options& options, int64_t vocabulary, int64_t behind)
      : source_(net, options) {
    for (int64_t i = 0; i < behind; ++i) ids_.push_back(static_cast<int32_t>((i * i + 7 * i + 3) % vocabulary));
  }
  void next() { ids_.push_back(static_cast<int32_t>(source_.after({&ids_}, std::ssize(ids_))[0].argmax().item<int64_t>())); }
  const std::vector<int32_t>& ids() const { return ids_; }

 private:
  TokenSource source_;
  std::vector<int32_t> ids_;
};

}  // namespace subband
