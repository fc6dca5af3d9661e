// The fields of `quantisation:`: few bits a weight, once the net is trained.
#pragma once
#include <cstdint>
#include <map>
#include <string>

#include "core/config/binder.h"
#include "models/quantisation/plan.h"

namespace subband {

struct QuantisationConfig {
  static constexpr int64_t kLeftAlone = 16;

  std::map<std::string, int64_t> bits;  ///< by tier: 8, 4, 3, 2, or left alone
  std::string group = "original";       ///< as `quantize --group`
  bool symmetric = true;
  std::string method = "nearest";       ///< or `gptq`
  int64_t calibration_tokens = 16384;   ///< of training data that gptq is made for, about

  void bind(Binder& b);
  bool packs() const;  ///< whether any tier has few bits
  QuantisationPlan plan() const;
};

}  // namespace subband
