// A sequence mixer: the part of a block that carries information from one position to another.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "core/registry.h"
#include "models/initializer.h"
#include "models/module.h"

namespace subband {

struct Noise;  // models/layers/dropout.h

/// What a net imposes on its mixers.
struct MixerContext {
  int64_t width = 64;     ///< D
  int64_t length = 1024;  ///< longest L that the net will feed
  bool causal = true;
  int64_t layers = 1;                  ///< depth of the net, for initialisations that scale with it
  Initializer* initializer = nullptr;  ///< initial weights; null while a spec is only being checked
  std::shared_ptr<const Noise> noise;  ///< where a mixer that draws while training does so; may be null
};

/// What decoding carries from one token to the next: named tensors whose first axis is the batch. It starts empty.
struct MixerState {
  int64_t position = 0;                       ///< of the next token; `step` counts it up
  std::map<std::string, at::Tensor> tensors;  ///< the mixer's own

  int64_t bytes() const;  ///< of one sequence
};

class Mixer : public Module {
 public:
  static constexpr const char* kKind = "mixer";
  using Context = MixerContext;

  /// Called once per layer and step. Shapes  x [B,L,D], keep [B,L] bool (true = real token) or undefined -> [B,L,D].
  /// Padding stands on the right. Same dtype and device out as in.
  virtual at::Tensor forward(const at::Tensor& x_BLD, const at::Tensor& keep_BL) = 0;
  /// Bytes that decoding must keep per sequence after `length` tokens, for `bytes_per_value` wide values.
  virtual int64_t state_bytes(int64_t length, int64_t bytes_per_value) const = 0;
  /// Floating-point operations of one forward pass over one sequence: products and convolutions (a multiplication and
  /// an addition count as two), Fourier and Hadamard transforms, wavelet filters and scans. Activations, norms,
  /// softmax, gains and masks are not counted. OperatorCounter (core/tensors) is its measure.
  virtual double flops(int64_t length) const = 0;
  /// Whether this mixer, as configured, decodes token by token; only causal ones do.
  virtual bool has_step() const { return false; }
  /// The next token of every sequence: what forward gives at that position, from what it saw before alone.
  /// Shapes  x [B,D] -> [B,D]. ShapeError where has_step() is false.
  virtual at::Tensor step(const at::Tensor& x_BD, MixerState& state);
  /// The next L tokens at once, as if fed to `step` one by one: a prompt, a segment.  Shapes  [B,L,D] -> [B,L,D]
  virtual at::Tensor extend(const at::Tensor& x_BLD, MixerState& state);
  /// Whether training windows hand their last inputs on, as `memory` [B,M,D] in the state of `extend`.
  virtual bool carries_memory() const { return false; }
  /// The path that forward takes (`plain`, `sdpa_flash`, ...), for the run's record.
  virtual std::string path() const { return "plain"; }
};

using MixerRegistry = KindRegistry<Mixer>;

}  // namespace subband
