#include "models/mixer.h"

#include "core/error.h"

namespace subband {

int64_t MixerState::bytes() const {
  int64_t bytes = 0;
  for (const auto& [name, tensor] : tensors) {
    bytes += tensor.numel() / tensor.size(0) * static_cast<int64_t>(tensor.element_size());
  }
  return bytes;
}

at::Tensor Mixer::step(const at::Tensor&, MixerState&) {
  throw ShapeError("mixer", "step: this one does not decode token by token; feed the whole prefix to forward");
}

}  // namespace subband
