#include "models/layers/history.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>

#include "core/tensors/expect.h"
#include "models/mixer.h"

namespace subband {

int64_t batch_of(const MixerState& state) {
  return state.tensors.empty() ? kAny : state.tensors.begin()->second.size(0);
}

at::Tensor extend_history(MixerState& state, const std::string& name, const at::Tensor& x_BLC,
                          int64_t reach) {
  at::Tensor& kept = state.tensors[name];
  const at::Tensor all = kept.defined() ? at::cat({kept, x_BLC}, 1) : x_BLC;
  const int64_t rows = std::min(reach, all.size(1));
  // A copy, so that the state does not hold on to rows that it has dropped.
  kept = all.narrow(1, all.size(1) - rows, rows).clone();
  return all;
}

at::Tensor look_back(MixerState& state, const std::string& name, const at::Tensor& x_BLC, int64_t distance) {
  const at::Tensor all = extend_history(state, name, x_BLC, distance);
  const int64_t behind = all.size(1) - 1 - distance;
  return behind >= 0 ? all.narrow(1, behind, 1) : at::zeros_like(x_BLC);
}

}  // namespace subband
