// The predict and update networks of the learned liftings, a pair per split of a sequence.
//   N(x) = W3 dropout(GELU(W0 x + b0)) + b3, W0 [hC, C], W3 [C, hC];  linear: N(x) = W x + b, W [C, C]
// Shapes  C coefficient width, h hidden multiplier Source  WaveletLM, learned and linear-only lifting
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/config/binder.h"
#include "core/ops/lifting/lifting.h"
#include "models/block_context.h"
#include "models/module.h"

namespace subband::liftings {

struct NetworksConfig {
  bool linear = false;            ///< one linear map instead of two with GELU between them
  int64_t hidden_multiplier = 1;  ///< h; not of linear ones
  std::string init = "haar";      ///< a word of `init_words`
  double dropout = 0;             ///< on hidden values
};

/// Initial weights: identities as in Haar's wavelet (an update starts at half of a prediction), a last linear of zeros,
/// N(0, 0.01²), or the uniform values that every linear starts with.
const std::vector<std::string>& init_words();
void bind_hidden_multiplier(Binder& b, int64_t& hidden_multiplier);
void bind_init(Binder& b, std::string& init);
void bind_dropout(Binder& b, double& dropout);

class Network;

class Networks {
 public:
  struct Options {
    bool predictions = true;  ///< false: update networks only
    bool damped = false;      ///< last matrix of level l over 1 + l/10
  };
  /// Registers `predict` and `update` in `owner`, one network per level in each.
  Networks(Module& owner, const NetworksConfig& config, const BlockContext& context, Options options);

  at::Tensor predict(const at::Tensor& x_C, int64_t level) const;  ///< Shapes  [..., C] -> [..., C]
  at::Tensor update(const at::Tensor& x_C, int64_t level) const;
  /// The tensors of all levels' predictions or updates, for operations on whole sequences; empty where a network is one
  /// linear map, or drops hidden values now.
  std::vector<LiftingNetwork> predictions() const;
  std::vector<LiftingNetwork> updates() const;
  /// Of every prediction once and every update twice, on the way down and back, over `rows` positions.
  double flops(int64_t rows) const;

 private:
  std::vector<std::shared_ptr<Network>> predict_, update_;
};

}  // namespace subband::liftings
