// The shuffle of Python's `random` module, for configurations that name their choice by a seed of it.
#pragma once
#include <cstdint>
#include <vector>

namespace subband {

/// The list that `x = list(range(count)); random.Random(seed).shuffle(x)` leaves; seed >= 0, count < 2^32.
/// Mersenne Twister (Matsumoto and Nishimura 1998) seeded by array, Fisher-Yates from the end, indices by rejection.
std::vector<int64_t> python_shuffle(int64_t count, uint64_t seed);

}  // namespace subband
