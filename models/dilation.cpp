#include "models/dilation.h"

#include <algorithm>

namespace subband {

at::Tensor Dilation::past(const at::Tensor& c_BLC, int64_t level, RowBuffer* before) {
  if (before == nullptr) return look_back(c_BLC, level);
  const int64_t extra = reach(level) - nearest(level);
  const at::Tensor past = filtered(before->joined(c_BLC, reach(level), c_BLC.size(1) + extra), level);
  before->push(c_BLC);
  return past;
}

int64_t Dilation::kept_rows(int64_t levels, int64_t length) const {
  int64_t rows = 0;
  for (int64_t level = 0; level < levels; ++level) rows += std::min(length, reach(level));
  return rows;
}

}  // namespace subband
