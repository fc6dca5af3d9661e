// A lifting: the undecimated wavelet of a block. It splits a sequence into subbands of the same length and puts
// subbands together again; both directions are causal.
#pragma once
#include <ATen/core/Tensor.h>

#include "core/slot.h"
#include "models/block_context.h"
#include "models/dilation.h"
#include "models/module.h"
#include "models/state/sequence_state.h"

namespace subband {

struct LiftingContext : BlockContext {
  const Slot<Dilation>* dilation =
      nullptr;          ///< how far back each level looks; null: this lifting only reconstructs
  bool shared = false;  ///< one lifting for all blocks
};

class Lifting : public Module {
 public:
  static constexpr const char* kKind = "lifting";
  using Context = LiftingContext;

  /// Called once per block and step. Shapes  h [B,L,C] -> z [S,B,L,C], S = levels + 1; z[0] is the approximation,
  /// z[S-1] the finest detail. With `memory` h goes on from the last inputs of every level, which stand there.
  virtual at::Tensor decompose(const at::Tensor& h_BLC, LayerState* memory = nullptr) = 0;
  /// The way back: reconstruct(decompose(h)) = h. Shapes  z [S,B,L,C] -> h [B,L,C]
  virtual at::Tensor reconstruct(const at::Tensor& z_SBLC) = 0;
  /// Floating-point operations of one way down and one way back over a sequence, counted as Mixer::flops.
  virtual double flops(int64_t length) const = 0;
  /// Rows of C values that `memory` keeps per sequence after `length` tokens.
  virtual int64_t kept_rows(int64_t length) const = 0;
  /// Whether every block wants a lifting of its own for the way back.
  virtual bool untied() const { return false; }
};

using LiftingRegistry = KindRegistry<Lifting>;

}  // namespace subband
