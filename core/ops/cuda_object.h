// What libsubband_cuda.so offers: plain C functions, found by name after the object was loaded
// (core/tensors/device.h). Each returns null when all is well, else a sentence that lives as long as the
// program.
#pragma once
#include <stdint.h>

extern "C" {

/// Why no device can be used, or null.
const char* subband_cuda_problem();
/// The stream that LibTorch works on now.
void* subband_cuda_stream(int device_index);

/// See fwht_paths::cuda.
const char* subband_cuda_fwht(const float* x, float* y, int64_t rows, int n, void* stream);
}
