// What one pass over tokens is told and may hand on, besides the tokens: for nets, mixers and what stands in them.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/tensors/expect.h"
#include "models/state/sequence_state.h"

namespace subband {

/// What a layer leaves for the next one, beside its output; undefined where it leaves nothing.
struct LayerChannel {
  at::Tensor summary_BLC;  ///< of the past, of the bypass of the block before
};

struct Pass {
  at::Tensor keep_BL;              ///< bool, true = real token, padding on the right; undefined: nothing is padded
  SequenceState* state = nullptr;  ///< the tokens go on where it ended; null: they stand alone
  std::vector<at::Tensor>* hidden =
      nullptr;  ///< gets the embeddings and every block's output [B,L,D]; the last after the final norm
  int64_t layer = 0, layers = 1;    ///< the layer that is asked now, and how many there are
  const LayerChannel* before = nullptr;  ///< what the layer before has left; null: there is none
  LayerChannel* after = nullptr;         ///< for the next layer; null: there is none

  LayerState* memory() const { return state ? &state->layer(layer) : nullptr; }  ///< the layer's slot
  int64_t position() const { return state ? state->position() : 0; }             ///< of the first token
  int64_t batch() const { return state ? state->batch() : kAny; }
};

/// ShapeError naming `part` unless x is [B,L,width] with the state's B, and keep [B,L], without a state, or undefined.
void expect_pass(std::string_view part, const at::Tensor& x_BLD, const Pass& pass, int64_t width = kAny);
/// ShapeError naming `part` where there is a state: of parts that only read whole windows.
void refuse_state(std::string_view part, const Pass& pass);

}  // namespace subband
