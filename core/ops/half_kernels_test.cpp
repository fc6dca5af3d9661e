#include "core/testing/kernel_orders.h"
// What it gives a meaning to
#include "core/ops/hadamard/fwht.cuh"
#include "core/ops/products/linear_cross_entropy.cuh"
#include "core/ops/products/packed_product.cuh"
#include "core/ops/sequence/causal_filter.cuh"
#include "core/ops/sequence/running_mean.cuh"
#include "core/ops/sequence/token_attention.cuh"

#include <algorithm>
#include <cmath>

// Half precision is read, computed in fp32 and written: what a body makes of bf16 is, bit for bit, what it makes of the same
// values in fp32, cut at the end.
namespace half_kernels_test {

using namespace kernel_grid;
using Halves = std::vector<uint16_t>;

static Halves drawn_halves(size_t count, unsigned seed) {
  Halves values;
  for (const float value : drawn(count, seed)) values.push_back(to_bf16(value));
  return values;
}
static Floats wide(const Halves& values) {
  Floats all;
  for (const uint16_t value : values) all.push_back(from_bf16(value));
  return all;
}
static Halves cut(const Floats& values) {
  Halves all;
  for (const float value : values) all.push_back(to_bf16(value));
  return all;
}

using HalfBody = std::function<void(uint16_t* out, void* shared)>;
static Halves halves_in_every_order(size_t count, Launch launch, const HalfBody& body) {
  constexpr uint16_t kNotANumber = 0x7fff;
  std::vector<Halves> results;
  for (const Turns turns : {Turns::rising, Turns::falling, Turns::shuffled}) {
    launch.turns = turns;
    Halves& out = results.emplace_back(count, kNotANumber);
    run(launch, [&](void* shared) { body(out.data(), shared); });
  }
  for (const Halves& other : results) CHECK(other == results[0]);
  return results[0];
}

TEST_CASE("the Hadamard kernel's body on half precision is the one on fp32, cut", "[kernels]") {
  namespace kernel = subband::fwht_kernel;
  for (const int n : {1, 8, 256, 4096}) {
    CAPTURE(n);
    const Halves x = drawn_halves(static_cast<size_t>(2 * n), 1);
    const Floats same_x = wide(x);
    const Launch launch{.blocks = {2, 1, 1}, .threads = kernel::threads_for(n), .shared_bytes = static_cast<size_t>(n) * 4};
    const Floats y = in_every_order(x.size(), launch, [&](float* out, void* shared) {
      kernel::row_body(same_x.data(), out, n, 0.5f, static_cast<float*>(shared), same, same);
    });
    CHECK(halves_in_every_order(x.size(), launch, [&](uint16_t* out, void* shared) {
            kernel::row_body(x.data(), out, n, 0.5f, static_cast<float*>(shared), from_bf16, to_bf16);
          }) == cut(y));
  }
}

TEST_CASE("the causal filter's bodies on half precision are those on fp32, cut", "[kernels]") {
  namespace kernel = subband::causal_filter_kernel;
  const kernel::Extent e{67, 33, 2, 3};
  const auto size = static_cast<size_t>(2 * e.length * e.channels);
  const Halves x = drawn_halves(size, 2), g = drawn_halves(size, 3);
  const Floats same_x = wide(x), same_g = wide(g), w = drawn(3, 4);
  const auto pieces = static_cast<unsigned>((e.length + kernel::kRows - 1) / kernel::kRows);
  const Launch launch{.blocks = {pieces, 2, 1}, .threads = 64, .shared_bytes = 8};
  for (const int direction : {-1, 1}) {
    const Floats y = in_every_order(size, launch, [&](float* out, void*) {
      kernel::filter_body(e, same_x.data(), w.data(), out, direction, same, same);
    });
    CHECK(halves_in_every_order(size, launch, [&](uint16_t* out, void*) {
            kernel::filter_body(e, x.data(), w.data(), out, direction, from_bf16, to_bf16);
          }) == cut(y));
  }
  const auto sums = static_cast<size_t>(2 * pieces * e.taps);
  const Floats partial = in_every_order(sums, launch, [&](float* out, void* shared) {
    kernel::weights_body(e, same_g.data(), same_x.data(), out, static_cast<float*>(shared), same);
  });
  CHECK(in_every_order(sums, launch, [&](float* out, void* shared) {
          kernel::weights_body(e, g.data(), x.data(), out, static_cast<float*>(shared), from_bf16);
        }) == partial);
}

TEST_CASE("the running mean's bodies on half precision are those on fp32, cut", "[kernels]") {
  namespace kernel = subband::running_mean_kernel;
  const int64_t length = 67, channels = 33;
  const auto size = static_cast<size_t>(2 * length * channels);
  const Halves x = drawn_halves(size, 5);
  const Floats same_x = wide(x);
  const Launch launch{.blocks = {2, 2, 1}, .threads = 32};
  const Floats m = in_every_order(size, launch, [&](float* out, void*) {
    kernel::mean_body(length, channels, same_x.data(), out, same);
  });
  CHECK(in_every_order(size, launch, [&](float* out, void*) {
          kernel::mean_body(length, channels, x.data(), out, from_bf16);
        }) == m);
  const Floats of_x = in_every_order(size, launch, [&](float* out, void*) {
    kernel::backward_body(length, channels, m.data(), out, same);
  });
  CHECK(halves_in_every_order(size, launch, [&](uint16_t* out, void*) {
          kernel::backward_body(length, channels, m.data(), out, to_bf16);
        }) == cut(of_x));
}

TEST_CASE("the body for a token's attention on half precision is the one on fp32, cut", "[kernels]") {
  const int64_t rows = 6, keys = 65, key_width = 33, value_width = 83;
  const Halves q = drawn_halves(static_cast<size_t>(rows * key_width), 6),
               k = drawn_halves(static_cast<size_t>(2 * keys * key_width), 7),
               v = drawn_halves(static_cast<size_t>(2 * keys * value_width), 8);
  const Floats same_q = wide(q), same_k = wide(k), same_v = wide(v);
  const SubbandTokenAttention a{.sequences = 1,
                                .groups = 2,
                                .queries = 3,
                                .keys = keys,
                                .key_width = key_width,
                                .value_width = value_width,
                                .k_strides = {0, keys * key_width},
                                .v_strides = {0, keys * value_width},
                                .scale = 0.3f,
                                .type = 0,
                                .stream = nullptr};
  const Launch launch{.blocks = {6, 1, 1},
                      .threads = 128,
                      .shared_bytes = 4 * static_cast<size_t>(value_width + 2) * sizeof(float)};
  const auto size = static_cast<size_t>(rows * value_width);
  const Floats y = in_every_order(size, launch, [&](float* out, void* shared) {
    subband::token_attention_kernel::attention_body(a, same_q.data(), same_k.data(), same_v.data(), out,
                                                    static_cast<float*>(shared), same, same);
  });
  CHECK(halves_in_every_order(size, launch, [&](uint16_t* out, void* shared) {
          subband::token_attention_kernel::attention_body(a, q.data(), k.data(), v.data(), out,
                                                          static_cast<float*>(shared), from_bf16, to_bf16);
        }) == cut(y));
}

TEST_CASE("the cross-entropy's body on half precision is the one on fp32, its gradient cut", "[kernels]") {
  namespace kernel = subband::linear_cross_entropy_kernel;
  const int64_t vocabulary = 151;
  const auto size = static_cast<size_t>(3 * vocabulary);
  const Halves logits = drawn_halves(size, 9);
  const Floats same_logits = wide(logits);
  const std::vector<int64_t> targets = {150, kernel::kLeftOut, 0};
  const float factor = 0.5f;
  const Launch launch{.blocks = {3, 1, 1}, .threads = 64, .shared_bytes = 8};
  // Losses lie behind the gradients; a row is brought in by its first thread.
  const auto brought = [&](auto* out, const auto& from) {
    if (threadIdx.x == 0)
      std::copy_n(from.begin() + blockIdx.x * vocabulary, vocabulary, out + blockIdx.x * vocabulary);
    __syncthreads();
  };
  const Floats all = in_every_order(size + 3, launch, [&](float* out, void* shared) {
    brought(out, same_logits);
    kernel::row_body(vocabulary, targets.data(), &factor, out, out + size, static_cast<float*>(shared), same, same);
  });
  Floats losses(3);
  const Halves gradients = halves_in_every_order(size, launch, [&](uint16_t* out, void* shared) {
    brought(out, logits);
    kernel::row_body(vocabulary, targets.data(), &factor, out, losses.data(), static_cast<float*>(shared), from_bf16,
                     to_bf16);
  });
  CHECK(gradients == cut({all.begin(), all.begin() + static_cast<int64_t>(size)}));
  CHECK(losses == Floats(all.begin() + static_cast<int64_t>(size), all.end()));
}

TEST_CASE("the body for weights of few bits on half precision is the one on fp32, cut", "[kernels]") {
  const int64_t rows = 5, columns = 77, inputs = 2;
  const std::vector<uint8_t> codes = [&] {
    std::mt19937 draws(10);
    std::vector<uint8_t> bytes(static_cast<size_t>(rows) * 3 * 16);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(draws());
    return bytes;
  }();
  const Floats scales = drawn(static_cast<size_t>(rows), 11);
  const SubbandPackedProduct product{.rows = rows,
                                     .columns = columns,
                                     .inputs = inputs,
                                     .bits = 4,
                                     .group = 0,
                                     .groups = 1,
                                     .one_scale = false,
                                     .codes = codes.data(),
                                     .scales = scales.data(),
                                     .group_scales = nullptr,
                                     .zeros = nullptr,
                                     .type = 0,
                                     .stream = nullptr};
  const Halves x = drawn_halves(static_cast<size_t>(inputs * columns), 12);
  const Floats same_x = wide(x);
  const Launch launch{.blocks = {3, static_cast<unsigned>(inputs), 1}, .threads = 64};
  const Floats y = in_every_order(static_cast<size_t>(inputs * rows), launch, [&](float* out, void*) {
    subband::packed_product_kernel::product_body(product, same_x.data(), out, same, same, from_bf16);
  });
  CHECK(halves_in_every_order(y.size(), launch, [&](uint16_t* out, void*) {
          subband::packed_product_kernel::product_body(product, x.data(), out, from_bf16, to_bf16, from_bf16);
        }) == cut(y));
}

}  // namespace half_kernels_test
