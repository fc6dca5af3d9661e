#include "experiments/task.h"

namespace subband {

at::Tensor OpenTask::loss(Net& net, const Batch& batch, SequenceState* state) const {
  return net.loss(batch.inputs_BL, batch.targets_BL, {.state = state});
}

}  // namespace subband
