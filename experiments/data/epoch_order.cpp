#include "experiments/data/epoch_order.h"

#include "core/draws.h"

namespace subband {

int64_t EpochOrder::at(int64_t place) {
  const int64_t pass = place / examples_;
  if (pass != pass_) {
    order_ = Draws(seed_, "examples", static_cast<uint64_t>(pass)).permutation(examples_);
    pass_ = pass;
  }
  return order_[static_cast<size_t>(place % examples_)];
}

}  // namespace subband
