#include "experiments/task.h"

namespace subband {

at::Tensor OpenTask::loss(Net& net, const Batch& batch) const {
  return net.loss(batch.inputs_BL, batch.targets_BL);
}

}  // namespace subband
