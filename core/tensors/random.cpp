#include "core/tensors/random.h"

#include <ATen/CPUGeneratorImpl.h>

#include <charconv>
#include <string>

#include "core/hash.h"

namespace subband {

uint64_t stream_seed(uint64_t seed, std::string_view name, uint64_t index) {
  const std::string text = std::to_string(seed) + "/" + std::string(name) + "/" + std::to_string(index);
  const std::string hex = sha256_hex(text);
  uint64_t value = 0;
  for (size_t byte = 0; byte < 8; ++byte) {
    uint64_t part = 0;
    std::from_chars(hex.data() + 2 * byte, hex.data() + 2 * byte + 2, part, 16);
    value |= part << (8 * byte);
  }
  return value;
}

at::Generator stream(uint64_t seed, std::string_view name, uint64_t index) {
  return plain_generator(stream_seed(seed, name, index));
}

at::Generator plain_generator(uint64_t seed) { return at::detail::createCPUGenerator(seed); }

}  // namespace subband
