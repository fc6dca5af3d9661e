#include "models/wavelet/python_shuffle.h"

#include <array>
#include <bit>
#include <numeric>
#include <utility>

namespace subband {

namespace {

// std::mt19937 has the same recurrence but no seeding by array.
class MersenneTwister {
 public:
  explicit MersenneTwister(uint64_t seed) {
    std::vector<uint32_t> key = {static_cast<uint32_t>(seed)};
    if (seed >> 32 != 0) key.push_back(static_cast<uint32_t>(seed >> 32));
    state_[0] = 19650218;
    for (uint32_t i = 1; i < kSize; ++i) state_[i] = 1812433253u * mixed(i - 1) + i;
    uint32_t i = 1, j = 0;
    const auto wrap = [&] {
      if (++i < kSize) return;
      state_[0] = state_[kSize - 1];
      i = 1;
    };
    for (uint32_t step = 0; step < kSize; ++step, j = (j + 1) % static_cast<uint32_t>(key.size())) {
      state_[i] = (state_[i] ^ (mixed(i - 1) * 1664525u)) + key[j] + j;
      wrap();
    }
    for (uint32_t step = 1; step < kSize; ++step) {
      state_[i] = (state_[i] ^ (mixed(i - 1) * 1566083941u)) - i;
      wrap();
    }
    state_[0] = 0x80000000u;
  }

  uint32_t next() {
    if (at_ == kSize) refill();
    uint32_t y = state_[at_++];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    return y ^ (y >> 18);
  }

 private:
  static constexpr uint32_t kSize = 624, kMiddle = 397;
  uint32_t mixed(uint32_t i) const { return state_[i] ^ (state_[i] >> 30); }

  void refill() {
    for (uint32_t i = 0; i < kSize; ++i) {
      const uint32_t y = (state_[i] & 0x80000000u) | (state_[(i + 1) % kSize] & 0x7fffffffu);
      state_[i] = state_[(i + kMiddle) % kSize] ^ (y >> 1) ^ ((y & 1u) != 0 ? 0x9908b0dfu : 0u);
    }
    at_ = 0;
  }

  std::array<uint32_t, kSize> state_{};
  uint32_t at_ = kSize;
};

}  // namespace

std::vector<int64_t> python_shuffle(int64_t count, uint64_t seed) {
  MersenneTwister twister(seed);
  std::vector<int64_t> list(static_cast<size_t>(count));
  std::iota(list.begin(), list.end(), 0);
  for (size_t last = list.size(); last-- > 1;) {
    const auto choices = static_cast<uint32_t>(last + 1);
    const int bits = std::bit_width(choices);
    uint32_t chosen = twister.next() >> (32 - bits);
    while (chosen >= choices) chosen = twister.next() >> (32 - bits);
    std::swap(list[last], list[chosen]);
  }
  return list;
}

}  // namespace subband
