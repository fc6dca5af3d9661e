// Launchers of the kernels in libsubband_cuda.so. Nothing here is linked to CUDA: a program on a machine
// without a device has these symbols too, each with a sentence when called.
#include "core/error.h"
#include "core/ops/cuda_object.h"
#include "core/ops/fwht.h"
#include "core/tensors/device.h"

namespace subband {

void fwht_paths::cuda(const float* x, float* y, int64_t rows, int n, void* stream) {
  const auto launch =
      reinterpret_cast<decltype(&subband_cuda_fwht)>(cuda_symbol("fwht", "subband_cuda_fwht"));
  if (const char* problem = launch(x, y, rows, n, stream))
    throw Error("fwht", std::string("cuda: ") + problem);
}

}  // namespace subband
