// Random numbers for data sets: the same on every machine and with every compiler, which the distributions of the
// standard library do not promise. No LibTorch.
#pragma once
#include <cstdint>
#include <random>
#include <string_view>
#include <vector>

namespace subband {

/// Draws from stream `name` under `seed`; streams of other names or indices are independent of it.
class Draws {
 public:
  Draws(uint64_t seed, std::string_view name, uint64_t index = 0);

  double uniform();                            ///< [0, 1), 53 random bits
  int64_t below(int64_t count);                ///< 0 … count - 1, each as likely as the others; count > 0
  int64_t between(int64_t low, int64_t high);  ///< low … high, both included
  /// `count` different numbers of low … high, in the order drawn. There must be that many.
  std::vector<int64_t> distinct(int64_t count, int64_t low, int64_t high);
  /// 0 … count - 1 in random order.
  std::vector<int64_t> permutation(int64_t count);

 private:
  std::mt19937_64 engine_;  // its numbers are fixed by the standard
};

}  // namespace subband
