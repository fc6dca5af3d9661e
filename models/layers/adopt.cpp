#include "models/layers/adopt.h"

namespace subband {

void adopt(Module& owner, const Module& part) {
  for (const auto& item : part.named_parameters(false))
    owner.add_parameter(item.key(), item.value(), part.purposes().at(item.key()));
  for (const auto& item : part.named_buffers(false)) owner.register_buffer(item.key(), item.value());
  for (const auto& item : part.named_children()) owner.register_module(item.key(), item.value());
}

}  // namespace subband
