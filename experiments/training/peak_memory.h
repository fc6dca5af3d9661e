// The most memory that the process has held at once.
#pragma once
#include <c10/core/Device.h>

#include <optional>

namespace subband {

/// MiB since the process began: allocated on `device`, or resident in memory where that is the CPU. Nothing where
/// this LibTorch does not tell.
std::optional<double> peak_mib(at::Device device);

/// MiB that tensors on the CPU have used at once since the run began, without what is kept for later.
double peak_tensors_mib();

}  // namespace subband
