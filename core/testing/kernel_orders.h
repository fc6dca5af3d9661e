// What tests of kernel bodies share; brings kernel_grid.h, which gives the words of CUDA a meaning, and so stands first.
#pragma once
#include "core/testing/kernel_grid.h"
// Behind it
#include <cstring>
#include <functional>
#include <limits>
#include <random>
#include <vector>

#include "core/testing/catch.h"

namespace kernel_grid {

using Floats = std::vector<float>;

inline Floats drawn(size_t count, unsigned seed) {
  std::mt19937 draws(seed);
  std::normal_distribution<float> normal;
  Floats values(count);
  for (float& value : values) value = normal(draws);
  return values;
}

inline float same(float value) { return value; }

/// bf16 by its bits, cut where CUDA rounds.
inline float from_bf16(uint16_t bits) {
  const uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float value;
  std::memcpy(&value, &wide, sizeof(value));
  return value;
}
inline uint16_t to_bf16(float value) {
  uint32_t wide;
  std::memcpy(&wide, &value, sizeof(wide));
  return static_cast<uint16_t>(wide >> 16);
}

/// Results of a body under three orders of turns; in memory of NaN, and equal bit for bit.
inline Floats in_every_order(size_t count, Launch launch, const std::function<void(float* out, void* shared)>& body) {
  std::vector<Floats> results;
  for (const Turns turns : {Turns::rising, Turns::falling, Turns::shuffled}) {
    launch.turns = turns;
    Floats& out = results.emplace_back(count, std::numeric_limits<float>::quiet_NaN());
    run(launch, [&](void* shared) { body(out.data(), shared); });
  }
  for (const Floats& other : results) CHECK(std::equal(other.begin(), other.end(), results[0].begin()));
  return results[0];
}

inline void check_near(const Floats& given, const std::vector<double>& wanted, double margin) {
  REQUIRE(given.size() == wanted.size());
  for (size_t i = 0; i < given.size(); ++i) {
    CAPTURE(i);
    CHECK(static_cast<double>(given[i]) == Approx(wanted[i]).margin(margin));
  }
}

}  // namespace kernel_grid
