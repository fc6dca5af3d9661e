#include "core/draws.h"

#include <numeric>
#include <string>
#include <unordered_map>
#include <utility>

#include "core/hash.h"

namespace subband {

// The first 64 bits of SHA-256("seed/name/index").
static uint64_t seed_of(uint64_t seed, std::string_view name, uint64_t index) {
  const std::string text = std::to_string(seed) + "/" + std::string(name) + "/" + std::to_string(index);
  return std::stoull(sha256_hex(text).substr(0, 16), nullptr, 16);
}

Draws::Draws(uint64_t seed, std::string_view name, uint64_t index) : engine_(seed_of(seed, name, index)) {}

double Draws::uniform() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }

int64_t Draws::below(int64_t count) {
  const auto bound = static_cast<uint64_t>(count);
  const uint64_t unfair =
      (UINT64_MAX - bound + 1) % bound;  // 2^64 mod bound: so many numbers are one too many
  uint64_t drawn = engine_();
  while (drawn < unfair) drawn = engine_();
  return static_cast<int64_t>(drawn % bound);
}

int64_t Draws::between(int64_t low, int64_t high) { return low + below(high - low + 1); }

std::vector<int64_t> Draws::distinct(int64_t count, int64_t low, int64_t high) {
  // A shuffle that stops after `count` places; only the places that moved are kept.
  std::unordered_map<int64_t, int64_t> moved;
  const auto at = [&](int64_t place) {
    const auto found = moved.find(place);
    return found == moved.end() ? place : found->second;
  };
  std::vector<int64_t> drawn;
  drawn.reserve(static_cast<size_t>(count));
  for (int64_t place = low; place < low + count; ++place) {
    const int64_t other = between(place, high);
    drawn.push_back(at(other));
    moved[other] = at(place);
  }
  return drawn;
}

std::vector<int64_t> Draws::permutation(int64_t count) {
  std::vector<int64_t> order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), int64_t{0});
  for (size_t i = order.size(); i > 1; --i)
    std::swap(order[i - 1], order[static_cast<size_t>(below(static_cast<int64_t>(i)))]);
  return order;
}

}  // namespace subband
