// What optimisers share: which parameters take part in a step, and checked loading of their state.
#pragma once
#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <vector>

namespace subband {

/// A tensor of zeros for every parameter: same shape, dtype and device.
std::vector<at::Tensor> zeros_for(const std::vector<at::Tensor>& parameters);

/// Adds `NAME.0`, `NAME.1`, … to `state`.
void name_state(std::map<std::string, at::Tensor>& state, const std::string& name,
                const std::vector<at::Tensor>& tensors);

/// Copies `given` into the tensors of `own`, all or none.
/// Error `optimizer.PART: state 'sum.3': …` for a name that is missing or unknown, or a shape or dtype that differs.
void load_optimizer_state(const std::string& part, const std::map<std::string, at::Tensor>& own,
                          const std::map<std::string, at::Tensor>& given);

}  // namespace subband
