// How fast this machine is now: what measured times are put beside. No LibTorch header here.
#pragma once

namespace subband {

struct Yardsticks {
  double gflops = 0;     ///< a product of two 2,048 x 2,048 matrices in fp32
  double gib_per_s = 0;  ///< copying 64 MiB that stay where they are, what is read and what is written
};

/// The best of a few rounds on the threads that LibTorch has; about a second.
Yardsticks measure_yardsticks();

}  // namespace subband
