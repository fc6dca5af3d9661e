#include "models/layers/adopt.h"

namespace subband {

void adopt(torch::nn::Module& owner, const torch::nn::Module& part) {
  for (const auto& item : part.named_parameters(false)) owner.register_parameter(item.key(), item.value());
  for (const auto& item : part.named_buffers(false)) owner.register_buffer(item.key(), item.value());
  for (const auto& item : part.named_children()) owner.register_module(item.key(), item.value());
}

}  // namespace subband
