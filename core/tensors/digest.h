// Digests of tensors: equal digests mean the same names, dtypes, shapes and bits.
#pragma once
#include <string>

#include "core/tensors/safetensors.h"

namespace subband {

/// SHA-256 in hex over dtype, shape and the elements' bytes in row-major order, whatever strides or device.
std::string digest(const at::Tensor& tensor);

/// The same over all tensors with their names, in the order of the names.
std::string digest(const Tensors& tensors);

}  // namespace subband
