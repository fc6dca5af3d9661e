#include "core/testing/kernel_orders.h"
// What it gives a meaning to
#include "core/ops/sequence/causal_filter.cuh"
#include "core/ops/hadamard/fwht.cuh"

#include <cmath>

namespace kernels_test {

using namespace kernel_grid;

TEST_CASE("the body of the Hadamard kernel is the definition, up to the longest row", "[kernels]") {
  for (const int n : {1, 2, 4, 8, 64, 512, 2048, 32768}) {
    CAPTURE(n);
    const unsigned rows = n > 2048 ? 1 : 3;
    const Floats x = drawn(rows * static_cast<size_t>(n), 1);
    const float scale = static_cast<float>(1 / std::sqrt(static_cast<double>(n)));
    const kernel_grid::Launch launch{.blocks = {rows, 1, 1},
                                     .threads = subband::fwht_kernel::threads_for(n),
                                     .shared_bytes = static_cast<size_t>(n) * sizeof(float)};
    const Floats y = in_every_order(x.size(), launch, [&](float* out, void* shared) {
      subband::fwht_kernel::row_body(x.data(), out, n, scale, static_cast<float*>(shared), same, same);
    });
    std::mt19937 draws(2);
    for (int sample = 0; sample < 40; ++sample) {
      const size_t row = draws() % rows, i = draws() % static_cast<unsigned>(n);
      double sum = 0;
      for (size_t j = 0; j < static_cast<size_t>(n); ++j)
        sum += (__builtin_popcountll(i & j) % 2 ? -1.0 : 1.0) *
               static_cast<double>(x[row * static_cast<size_t>(n) + j]);
      CHECK(static_cast<double>(y[row * static_cast<size_t>(n) + i]) ==
            Approx(sum / std::sqrt(n)).margin(2e-5));
    }
  }
}

TEST_CASE("the bodies of the causal filter's kernels are the definition, forward and backward", "[kernels]") {
  namespace kernel = subband::causal_filter_kernel;
  struct Form {
    int64_t batch, length, channels, taps, first;
  };
  for (const Form& f : {Form{1, 1, 1, 1, 0}, {2, 7, 5, 3, 1}, {3, 67, 33, 3, 7}, {1, 40, 70, 5, 50}}) {
    CAPTURE(f.length, f.channels, f.taps, f.first);
    const auto size = static_cast<size_t>(f.batch * f.length * f.channels);
    const Floats x = drawn(size, 3), g = drawn(size, 4), w = drawn(static_cast<size_t>(f.taps), 5);
    const kernel::Extent e{f.length, f.channels, f.first, f.taps};
    const auto pieces = static_cast<unsigned>((f.length + kernel::kRows - 1) / kernel::kRows);
    const kernel_grid::Launch launch{
        .blocks = {pieces, static_cast<unsigned>(f.batch), 1}, .threads = 64, .shared_bytes = 8};
    const Floats y = in_every_order(size, launch, [&](float* out, void*) {
      kernel::filter_body(e, x.data(), w.data(), out, -1, same, same);
    });
    const Floats of_x = in_every_order(size, launch, [&](float* out, void*) {
      kernel::filter_body(e, g.data(), w.data(), out, +1, same, same);
    });
    const int64_t blocks = pieces * f.batch;
    const Floats partial =
        in_every_order(static_cast<size_t>(blocks * f.taps), launch, [&](float* out, void* shared) {
          kernel::weights_body(e, g.data(), x.data(), out, static_cast<float*>(shared), same);
        });
    const Floats of_w =
        in_every_order(w.size(), {.blocks = {1, 1, 1}, .threads = 32},
                       [&](float* out, void*) { kernel::weights_sum_body(e, partial.data(), blocks, out); });
    std::vector<double> wanted_y(size), wanted_x(size), wanted_w(w.size());
    for (int64_t b = 0; b < f.batch; ++b) {
      for (int64_t t = 0; t < f.length; ++t) {
        for (int64_t k = 0; k < f.taps && t - f.first - k >= 0; ++k) {
          for (int64_t c = 0; c < f.channels; ++c) {
            const auto to = static_cast<size_t>((b * f.length + t) * f.channels + c);
            const auto from = static_cast<size_t>((b * f.length + t - f.first - k) * f.channels + c);
            const auto weight = static_cast<double>(w[static_cast<size_t>(k)]);
            wanted_y[to] += weight * static_cast<double>(x[from]);
            wanted_x[from] += weight * static_cast<double>(g[to]);
            wanted_w[static_cast<size_t>(k)] += static_cast<double>(g[to]) * static_cast<double>(x[from]);
          }
        }
      }
    }
    for (size_t i = 0; i < size; ++i) CHECK(static_cast<double>(y[i]) == Approx(wanted_y[i]).margin(1e-5));
    for (size_t i = 0; i < size; ++i) CHECK(static_cast<double>(of_x[i]) == Approx(wanted_x[i]).margin(1e-5));
    for (size_t k = 0; k < w.size(); ++k)
      CHECK(static_cast<double>(of_w[k]) == Approx(wanted_w[k]).margin(1e-4));
  }
}

TEST_CASE("threads that part at a barrier are seen", "[kernels]") {
  const auto body = [](void*) {
    if (threadIdx.x < 5) __syncthreads();
  };
  CHECK_THROWS_WITH(kernel_grid::run({.blocks = {1, 1, 1}, .threads = 8}, body),
                    "kernel: some threads wait at a barrier that others do not reach");
}

TEST_CASE("what is written behind shared memory is seen, and what nobody wrote is NaN", "[kernels]") {
  const auto body = [](void* shared) {
    CHECK(std::isnan(static_cast<float*>(shared)[1]));
    static_cast<float*>(shared)[2] = 1;
  };
  CHECK_THROWS_WITH(kernel_grid::run({.blocks = {1, 1, 1}, .threads = 1, .shared_bytes = 8}, body),
                    "kernel: writes behind its 8 bytes of shared memory");
}

TEST_CASE("shuffles, votes and atomics reach the lanes that they name", "[kernels]") {
  Floats heard(40, 0), counts(2, 0);
  kernel_grid::run({.blocks = {1, 1, 1}, .threads = 40, .turns = Turns::shuffled}, [&](void*) {
    const auto own = static_cast<float>(threadIdx.x);
    heard[threadIdx.x] = __shfl_xor_sync(0xffffffffu, own, 1) + 100 * __shfl_sync(0xffffffffu, own, 2);
    if (__any_sync(0xffffffffu, threadIdx.x == 33)) atomicAdd(&counts[1], 1.0f);
    if (__ballot_sync(0xffffffffu, threadIdx.x % 2 == 1) == 0xaaaaaaaau) atomicAdd(&counts[0], 1.0f);
  });
  CHECK(heard[0] == 201);
  CHECK(heard[31] == 230);
  CHECK(heard[39] == 3400 + 38);
  CHECK(counts == Floats{32, 8});
}

}  // namespace kernels_test
