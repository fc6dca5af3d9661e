// A net: token ids in, logits out.
#pragma once
#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <optional>

#include "core/registry.h"
#include "models/initializer.h"
#include "models/part_cost.h"

namespace subband {

/// What data, tokeniser and trainer impose on a net.
struct NetContext {
  int64_t vocabulary = 256;            ///< V; 0 where inputs are numbers
  int64_t length = 256;                ///< longest window, L
  Initializer* initializer = nullptr;  ///< null while a spec is only being checked
  int64_t classes = 0;          ///< where one answer a sequence is asked; 0: a token for every position
  int64_t channels = 0;         ///< numbers per input position; 0: ids
  bool may_look_ahead = false;  ///< what stands to the right of a position says nothing of its target
};

class Net : public torch::nn::Module {
 public:
  static constexpr const char* kKind = "net";
  using Context = NetContext;

  /// Shapes  ids [B,L] int64 -> logits [B,L,V]. A net with a carried state reads and replaces it.
  virtual at::Tensor forward(const at::Tensor& ids_BL) = 0;
  /// One answer a sequence, of nets that give classes; the others refuse.
  /// Shapes  inputs [B,L] int64 or [B,L,channels], keep [B,L] bool (true = no padding) or undefined -> [B,classes]
  virtual at::Tensor classify(const at::Tensor& inputs, const at::Tensor& keep_BL);
  virtual bool gives_classes() const { return false; }
  /// Training loss, nats per token, a scalar. The default is the mean cross-entropy of forward.
  virtual at::Tensor loss(const at::Tensor& ids_BL, const at::Tensor& targets_BL);
  /// What each part costs over one window of `length` tokens, for `bytes_per_value` wide values of decoding state.
  virtual PartCosts costs(int64_t length, int64_t bytes_per_value = 4) const = 0;
  /// Floating-point operations of one forward pass over one sequence, logits included, counted as Mixer::flops.
  double flops(int64_t length) const { return costs(length).flops(); }
  /// Where dropout and stochastic depth draw from now on; the trainer hands over a fresh stream before every step, so
  /// that a resumed run draws the same. A net that draws nothing ignores it.
  virtual void set_generator(const at::Generator&) {}
  /// Forgets what earlier windows left behind; called before every evaluation and generation.
  virtual void reset_state() {}
  /// Whether windows hand a state on, and the switch that evaluation uses to turn that off.
  virtual bool carries_state() const { return false; }
  virtual void set_carry(bool) {}
  /// The carried state for checkpoints: undefined where there is none.
  virtual at::Tensor state() const { return {}; }
  virtual void set_state(const at::Tensor&) {}

 protected:
  /// Mean over all positions, in fp32 at least.  Shapes  logits [B,L,V], targets [B,L] int64 -> scalar
  static at::Tensor mean_cross_entropy(const at::Tensor& logits_BLV, const at::Tensor& targets_BL);
};

using NetRegistry = KindRegistry<Net>;

}  // namespace subband
