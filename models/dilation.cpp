#include "models/dilation.h"

#include <string>

#include "models/layers/history.h"

namespace subband {

at::Tensor Dilation::past(const at::Tensor& c_BLC, int64_t level) {
  if (state_ == nullptr) return look_back(c_BLC, level);
  const at::Tensor all = extend_history(*state_, "level." + std::to_string(level), c_BLC, reach(level));
  return look_back(all, level).narrow(1, all.size(1) - c_BLC.size(1), c_BLC.size(1));
}

}  // namespace subband
