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
  explicit FunctionRollout(Function logits) : logits_(std::move(logits)) {}
  void restart() override { tried_.clear(); }
  std::vector<double> after(int32_t token) override {
    tried_.push_back(token);
    ++calls;
    return logits_(tried_);
  }
  int calls = 0;

 private:
  Function logits_;
  std::vector<int32_t> tried_;
};

}  // namespace subband::testing
