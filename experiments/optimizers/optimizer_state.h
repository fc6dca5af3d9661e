// What optimisers share: tensors of state for every parameter, their names, and checked loading.
#pragma once
#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <vector>

#include "models/module.h"

namespace subband {

/// A tensor of zeros for every parameter: same shape, dtype and device.
std::vector<at::Tensor> zeros_for(const std::vector<Parameter>& parameters);

/// Adds a tensor for every parameter to `state`, as `NAME.PARAMETER`.
void name_state(std::map<std::string, at::Tensor>& state, const std::string& name,
                const std::vector<Parameter>& parameters, const std::vector<at::Tensor>& tensors);

/// Copies `given` into the tensors of `own`, all or none.
/// Error `optimizer.PART: state 'sum.head.weight': …` for a name that is missing or unknown, or a shape or dtype that differs.
void load_optimizer_state(const std::string& part, const std::map<std::string, at::Tensor>& own,
                          const std::map<std::string, at::Tensor>& given);

}  // namespace subband
