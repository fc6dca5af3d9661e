// Measures products of one vector, or a few, with weights of few bits, against fp32 weights of the same shape.
#pragma once
#include <cstdint>
#include <functional>
#include <string>

#include "analysis/report.h"

namespace subband {

struct PackedBenchPlan {
  int64_t rows = 8192, columns = 2048;  ///< of each matrix
  int64_t weights_mib =
      1024;            ///< of all fp32 matrices together; more than the cache holds of the packed ones too
  int64_t inputs = 1;  ///< vectors that each matrix is multiplied with
  int rounds = 9;
  uint64_t seed = 1337;
};

/// One row a kind of weights: milliseconds of a pass over all of them, weights a second, GB/s that are read, how many times
/// faster than fp32, and how near to reading the same bytes and nothing else. All run in turn, in an order shuffled every
/// round; medians, ratios of each round first. Error where a product is not that of the reference.
Report measure_packed(const PackedBenchPlan& plan, const std::function<void(const std::string&)>& tell);

}  // namespace subband
