// A sequence mixer: the part of a block that carries information from one position to another.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>

#include "core/registry.h"
#include "models/initializer.h"
#include "models/module.h"
#include "models/pass.h"

namespace subband {

struct Noise;  // models/layers/dropout.h

/// What a net imposes on its mixers.
struct MixerContext {
  int64_t width = 64;     ///< D
  int64_t length = 1024;  ///< longest L that the net will feed
  bool causal = true;
  int64_t layers = 1;                  ///< depth of the net, for initialisations that scale with it
  int64_t layer = 0;                   ///< its place among them
  Initializer* initializer = nullptr;  ///< initial weights; null while a spec is only being checked
  std::shared_ptr<const Noise> noise;  ///< where a mixer that draws while training does so; may be null
};

class Mixer : public Module {
 public:
  static constexpr const char* kKind = "mixer";
  using Context = MixerContext;

  /// Called once per layer and step. With a state the tokens go on where it ended, one or thousands, with the answers
  /// of one whole pass; the layer's slot takes them up, and whoever fed all layers advances the position.
  /// Shapes  x [B,L,D] -> [B,L,D], same dtype and device. ShapeError for a state where can_continue() is false.
  virtual at::Tensor forward(const at::Tensor& x_BLD, const Pass& pass) = 0;
  /// Whether this mixer, as configured, goes on from a state; only causal ones do.
  virtual bool can_continue() const { return false; }
  /// Bytes that a state keeps per sequence after `length` tokens, for `bytes_per_value` wide values; sums are not
  /// narrower than fp32.
  virtual int64_t state_bytes(int64_t length, int64_t bytes_per_value) const = 0;
  /// Floating-point operations of one forward pass over one sequence: products and convolutions (a multiplication and
  /// an addition count as two), Fourier and Hadamard transforms, wavelet filters and scans. Activations, norms,
  /// softmax, gains and masks are not counted. OperatorCounter (core/tensors) is its measure.
  virtual double flops(int64_t length) const = 0;
  /// The path that forward takes (`plain`, `sdpa_flash`, ...), for the tables of benches; what a run's record says was
  /// counted where it ran (core/ops/op_paths.h).
  virtual std::string path() const { return "plain"; }
};

using MixerRegistry = KindRegistry<Mixer>;

}  // namespace subband
