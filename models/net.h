// A net: token ids in, logits out.
#pragma once
#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "core/registry.h"
#include "models/initializer.h"
#include "models/mixer.h"
#include "models/module.h"
#include "models/part_cost.h"

namespace subband {

/// What data, tokeniser and trainer impose on a net.
struct NetContext {
  int64_t vocabulary = 256;            ///< V; 0 where inputs are numbers
  int64_t length = 256;                ///< longest window, L
  Initializer* initializer = nullptr;  ///< null while a spec is only being checked
  int64_t classes = 0;          ///< where one answer a sequence is asked; 0: a token for every position
  int64_t channels = 0;         ///< numbers per input position; 0: ids
  bool may_look_ahead = false;  ///< what stands to the right of a position does not reveal its target
};

/// What a pass may take and show besides ids and logits.
struct NetPass {
  at::Tensor keep_BL;  ///< bool, true = real token; undefined: nothing is padded
  std::vector<at::Tensor>* hidden =
      nullptr;  ///< gets the embeddings and every block's output [B,L,D]; the last
                ///< after the final norm
};

/// What decoding carries from one token to the next; it starts empty.
struct NetState {
  int64_t position = 0;  ///< of the next token; `step` counts it up
  std::vector<MixerState> layers;

  int64_t bytes() const;  ///< of one sequence
};

class Net : public Module {
 public:
  static constexpr const char* kKind = "net";
  using Context = NetContext;

  /// Shapes  ids [B,L] int64 -> logits [B,L,V]. A net with a carried state reads and replaces it.
  virtual at::Tensor forward(const at::Tensor& ids_BL) = 0;
  /// One answer a sequence, of nets that give classes; the others refuse.
  /// Shapes  inputs [B,L] int64 or [B,L,channels], keep [B,L] bool (true = no padding) or undefined -> [B,classes]
  virtual at::Tensor classify(const at::Tensor& inputs, const at::Tensor& keep_BL);
  virtual bool gives_classes() const { return false; }
  /// As forward, with padding and a look inside. ShapeError where the net takes or shows no such thing: the default.
  virtual at::Tensor forward_pass(const at::Tensor& ids_BL, const NetPass& pass);
  /// Whether the net decodes token by token.
  virtual bool has_step() const { return false; }
  /// The logits after one more token of every sequence, as forward gives them at that position.
  /// Shapes  ids [B] int64 -> [B,V]. ShapeError where has_step() is false.
  virtual at::Tensor step(const at::Tensor& ids_B, NetState& state);
  /// As fed to `step` one by one: a prompt.  Shapes  ids [B,L] int64 -> [B,L,V]
  virtual at::Tensor extend(const at::Tensor& ids_BL, NetState& state);
  /// Training loss, nats per token, a scalar. The default is the mean cross-entropy of forward.
  virtual at::Tensor loss(const at::Tensor& ids_BL, const at::Tensor& targets_BL);
  /// What each part costs over one window of `length` tokens, for `bytes_per_value` wide values of decoding state.
  virtual PartCosts costs(int64_t length, int64_t bytes_per_value = 4) const = 0;
  /// Floating-point operations of one forward pass over one sequence, logits included, counted as Mixer::flops.
  double flops(int64_t length) const { return costs(length).flops(); }
  /// Where dropout and stochastic depth draw from now on; the trainer hands over a fresh stream before every step, so
  /// that a resumed run draws the same. A net that draws nothing ignores it.
  virtual void set_generator(const at::Generator&) {}
  /// Drops the state that earlier windows left; called before every evaluation and generation.
  virtual void reset_state() {}
  /// Whether windows hand a state on, and the switch that evaluation uses to turn that off.
  virtual bool carries_state() const { return false; }
  virtual void set_carry(bool) {}
  /// Whether blocks can be computed again in backward instead of keeping their inner values, and the switch.
  virtual bool can_recompute() const { return false; }
  virtual void set_recompute(bool) {}
  /// Learning while the net is used: after how many tokens of a stream it should be told of them (0: never),
  /// and one such stretch of ids [B,L]. Works with gradients disabled; `reset_state` undoes it.
  virtual int64_t learns_every() const { return 0; }
  virtual void learn(const at::Tensor&) {}
  /// The carried state for checkpoints: undefined where there is none.
  virtual at::Tensor state() const { return {}; }
  virtual void set_state(const at::Tensor&) {}

  /// Mean over the positions whose target is not -100, in fp32 at least.
  /// Shapes  logits [B,L,V], targets [B,L] int64 -> scalar
  static at::Tensor mean_cross_entropy(const at::Tensor& logits_BLV, const at::Tensor& targets_BL);
};

using NetRegistry = KindRegistry<Net>;

}  // namespace subband
