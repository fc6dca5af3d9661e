// Decoding strategies in tests: parts of the tiny registry, steps, a net that is a function.
#pragma once
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "experiments/sampling.h"
#include "experiments/testing/parts.h"
#include "experiments/testing/tiny.h"

namespace subband::testing {

inline std::shared_ptr<Sampling> made_sampling(const std::string& type, const Fields& fields = {}) {
  return make_part<Sampling>(tiny_parts(), type, fields);
}

inline constexpr double kOut = -std::numeric_limits<double>::infinity();

/// Logits as the strategy leaves them.
inline std::vector<double> applied(const Sampling& part, std::vector<double> logits, const std::vector<int32_t>& ids = {},
                                   double entropy = 0) {
  SamplingStep step{.ids = ids, .logits = std::move(logits), .entropy = entropy};
  part.apply(step);
  return step.logits;
}

/// Logits are a function of the tokens that are tried out.
class FunctionRollout final : public Rollout {
 public:
  using Function = std::function<std::vector<double>(const std::vector<int32_t>&)>;
  explicit FunctionRollout(Function logits, int64_t most = 2) : logits_(std::move(logits)), most_(most) {}
  int64_t most() const override { return most_; }
  void restart(int64_t continuations) override { tried_.assign(static_cast<size_t>(continuations), {}); }
  std::vector<std::vector<double>> after(std::span<const int32_t> tokens) override {
    std::vector<std::vector<double>> logits;
    for (size_t i = 0; i < tokens.size(); ++i) {
      tried_.at(i).push_back(tokens[i]);
      logits.push_back(logits_(tried_[i]));
      ++calls;
    }
    return logits;
  }
  int calls = 0;

 private:
  Function logits_;
  int64_t most_;
  std::vector<std::vector<int32_t>> tried_;
};

}  // namespace subband::testing
