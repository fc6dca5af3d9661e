// The order in which a finite training set is gone through. No LibTorch.
#pragma once
#include <cstdint>
#include <vector>

namespace subband {

/// Epoch after epoch over `examples` examples, each in an order of its own, drawn from the seed.
class EpochOrder {
 public:
  EpochOrder(int64_t examples, uint64_t seed) : examples_(examples), seed_(seed) {}
  /// Which example stands at `place` of all passes, one behind the other: a pure function of seed and place.
  int64_t at(int64_t place);

 private:
  int64_t examples_;
  uint64_t seed_;
  int64_t pass_ = -1;  // that `order_` is of
  std::vector<int64_t> order_;
};

}  // namespace subband
