// Feeds a part piece by piece, as a net does for its layers.
#pragma once
#include <ATen/ATen.h>

#include <functional>
#include <vector>

#include "models/mixer.h"
#include "models/net.h"

namespace subband::testing {

/// The answer to the next piece.  Shapes  x [B,L,D] -> [B,L,D]
inline at::Tensor fed(Mixer& mixer, const at::Tensor& x_BLD, SequenceState& state) {
  const at::Tensor y = mixer.forward(x_BLD, {.state = &state});
  state.advance(x_BLD.size(1));
  return y;
}
inline at::Tensor fed(Net& net, const at::Tensor& ids_BL, SequenceState& state) {
  return net.forward(ids_BL, {.state = &state});
}

/// x in pieces of these lengths, the last one as often as there is something left.
template <class Part>
at::Tensor in_pieces(Part& part, const at::Tensor& x, const std::vector<int64_t>& lengths, SequenceState& state,
                     const std::function<void()>& after_each = {}) {
  std::vector<at::Tensor> y;
  int64_t first = 0;
  for (size_t i = 0; first < x.size(1); ++i) {
    const int64_t length = std::min(lengths[std::min(i, lengths.size() - 1)], x.size(1) - first);
    y.push_back(fed(part, x.narrow(1, first, length), state));
    first += length;
    if (after_each) after_each();
  }
  return at::cat(y, 1);
}

/// Token by token; the state must hold what the mixer says.
inline at::Tensor by_token(Mixer& mixer, const at::Tensor& x_BLD) {
  SequenceState state;
  const int64_t width = static_cast<int64_t>(x_BLD.element_size());
  return in_pieces(mixer, x_BLD, {1}, state, [&] {
    TORCH_CHECK(state.bytes() == x_BLD.size(0) * mixer.state_bytes(state.position(), width), "the state holds ",
                state.bytes(), " bytes after ", state.position(), " tokens");
  });
}

}  // namespace subband::testing
