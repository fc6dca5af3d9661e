// Randomness comes from named streams derived from the run's seed, never from a global generator.
#pragma once
#include <ATen/core/Generator.h>

#include <cstdint>
#include <string_view>

namespace subband {

/// The seed of stream `name` (and `index`, a step number or a worker) under `seed`: the first eight bytes of
/// SHA-256("seed/name/index"), little-endian. Streams of different names are independent of each other.
uint64_t stream_seed(uint64_t seed, std::string_view name, uint64_t index = 0);

/// A CPU generator at the start of that stream.
at::Generator stream(uint64_t seed, std::string_view name, uint64_t index = 0);

/// A CPU generator seeded with exactly `seed`, as `torch.manual_seed(seed)` leaves the default one.
at::Generator plain_generator(uint64_t seed);

}  // namespace subband
