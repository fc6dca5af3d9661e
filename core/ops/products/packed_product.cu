// Products with weights of few bits: the launcher of packed_product.cuh.
#include "core/ops/cuda_launch.cuh"
#include "core/ops/products/packed_product.cuh"
#include "core/ops/products/packed_product_cuda.h"

namespace {

using subband::cuda_values::Narrow;
using subband::cuda_values::Wide;
namespace launches = subband::cuda_launches;

constexpr unsigned kThreads = 128;
constexpr int64_t kMostInputs = 65535;

struct HalfBits {
  __device__ float operator()(uint16_t bits) const { return __half2float(__ushort_as_half(bits)); }
};

template <class Value>
__global__ void products(SubbandPackedProduct p, const Value* x, Value* y) {
  subband::packed_product_kernel::product_body(p, x, y, Wide(), Narrow<Value>(), HalfBits());
}

}  // namespace

extern "C" const char* subband_cuda_packed_product(const SubbandPackedProduct* p, const void* x, void* y) {
  if (p->rows * p->inputs == 0) return nullptr;
  if (p->inputs > kMostInputs) return "more inputs than a grid has blocks";
  return launches::by_type(p->type, [&](auto value) {
    using Value = decltype(value);
    const dim3 grid(launches::blocks_for(p->rows, kThreads / 32), static_cast<unsigned>(p->inputs));
    products<<<grid, kThreads, 0, static_cast<cudaStream_t>(p->stream)>>>(*p, static_cast<const Value*>(x),
                                                                         static_cast<Value*>(y));
    return launches::outcome();
  });
}
