// A net: token ids in, logits out.
#pragma once
#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <limits>

#include "core/registry.h"
#include "models/initializer.h"
#include "models/module.h"
#include "models/part_cost.h"
#include "models/pass.h"

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

/// Of a state, from one training window to the next.
enum class Carry {
  nothing,
  across,     ///< what goes from window to window (SequenceState::next_window); every window begins at position 0
  everything  ///< each window goes on where the last one ended
};

class Net : public Module {
 public:
  static constexpr const char* kKind = "net";
  using Context = NetContext;

  /// Shapes  ids [B,L] int64, or inputs [B,L,channels] -> logits [B,L,V], or [B,classes] where gives_classes(); with a
  /// state the ids go on where it ended, one or thousands, and it moves on. ShapeError for what of the pass a net lacks.
  virtual at::Tensor forward(const at::Tensor& ids_BL, const Pass& pass = {}) = 0;
  /// Training loss, nats per token, a scalar: unless a net says otherwise the mean cross-entropy of forward.
  virtual at::Tensor loss(const at::Tensor& ids_BL, const at::Tensor& targets_BL, const Pass& pass = {});
  /// What each part costs over one window of `length` tokens, for `bytes_per_value` wide values of a state.
  virtual PartCosts costs(int64_t length, int64_t bytes_per_value = 4) const = 0;
  /// Whether forward gives one answer a sequence, not one a position.
  virtual bool gives_classes() const { return false; }
  /// How many tokens one state can take: none where the net cannot go on, kEndless where nothing ends it.
  virtual int64_t most_tokens() const { return 0; }
  /// What training windows that follow each other hand on.
  virtual Carry carries() const { return Carry::nothing; }
  /// Where dropout and stochastic depth draw from now on: the trainer hands over a fresh stream before every step.
  virtual void set_generator(const at::Generator&) {}
  /// Whether blocks can be computed again in backward instead of keeping their inner values.
  virtual bool can_recompute() const { return false; }
  /// Switches that on or off.
  virtual void set_recompute(bool) {}

  static constexpr int64_t kEndless = std::numeric_limits<int64_t>::max();
  /// Floating-point operations of one forward pass over one sequence, logits included, counted as Mixer::flops.
  double flops(int64_t length) const { return costs(length).flops(); }
  /// Mean over the positions whose target is not -100, in fp32 at least.
  /// Shapes  logits [B,L,V], targets [B,L] int64 -> scalar
  static at::Tensor mean_cross_entropy(const at::Tensor& logits_BLV, const at::Tensor& targets_BL);
};

/// ShapeError naming `part` unless ids are [B,L] with the state's B, and nothing is padded or to be shown inside.
void expect_plain_pass(std::string_view part, const at::Tensor& ids_BL, const Pass& pass);

using NetRegistry = KindRegistry<Net>;

}  // namespace subband
