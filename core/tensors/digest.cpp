#include "core/tensors/digest.h"

#include "core/hash.h"

namespace subband {

// Every variable part is preceded by its length, so that no two inputs give the same bytes.
static void add_tensor(Sha256& hash, const std::string& name, const at::Tensor& tensor) {
  std::string head = std::to_string(name.size()) + ":" + name + " " + c10::toString(tensor.scalar_type()) +
                     " " + std::to_string(tensor.dim()) + ":";
  for (const int64_t size : tensor.sizes()) head += std::to_string(size) + ",";
  hash.update(head);
  const at::Tensor flat = tensor.detach().cpu().contiguous();
  hash.update(std::span(static_cast<const std::byte*>(flat.const_data_ptr()), flat.nbytes()));
}

std::string digest(const at::Tensor& tensor) {
  Sha256 hash;
  add_tensor(hash, "", tensor);
  return hash.hex();
}

std::string digest(const Tensors& tensors) {
  Sha256 hash;
  for (const auto& [name, tensor] : tensors) add_tensor(hash, name, tensor);
  return hash.hex();
}

}  // namespace subband
