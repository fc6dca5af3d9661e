// What libsubband_cuda.so offers besides its kernels' launchers, which are declared beside their ops: plain C functions,
// found by name after the object was loaded (core/tensors/device.h).
#pragma once
#include <stdint.h>

extern "C" {

/// Why no device can be used, or null.
const char* subband_cuda_problem();
/// The stream that LibTorch works on now.
void* subband_cuda_stream(int device_index);
}
