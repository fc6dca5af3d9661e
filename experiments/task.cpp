#include "experiments/task.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace subband {

at::Tensor Task::loss(Net& net, const Batch& batch, SequenceState* state) const {
  return net.loss(batch.inputs_BL, batch.targets_BL, {.state = state});
}

double Task::untrained_loss() const { return std::log(static_cast<double>(shape().answers())); }

// Two tokens in turns, each asked for the next one.
Batch Task::example() const {
  constexpr int64_t kShortLength = 64;
  const TaskShape form = shape();
  const int64_t length = std::min(kShortLength, form.length);
  const at::Tensor ids_BL =
      at::arange(length + 1, at::kLong).remainder(std::min<int64_t>(2, form.vocabulary)).unsqueeze(0);
  return {.inputs_BL = ids_BL.slice(1, 0, length), .targets_BL = ids_BL.slice(1, 1, length + 1)};
}

}  // namespace subband
