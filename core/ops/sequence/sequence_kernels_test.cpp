#include "core/testing/kernel_orders.h"
// What it gives a meaning to
#include "core/ops/sequence/gated_scan.cuh"
#include "core/ops/sequence/running_mean.cuh"
#include "core/ops/sequence/token_attention.cuh"

#include <cmath>

namespace sequence_kernels_test {

using namespace kernel_grid;

struct Form {
  int64_t batch, length, channels;
  size_t size() const { return static_cast<size_t>(batch * length * channels); }
  Launch launch() const {
    return {.blocks = {static_cast<unsigned>((channels + 31) / 32), static_cast<unsigned>(batch), 1}, .threads = 32};
  }
  size_t at(int64_t b, int64_t t, int64_t c) const { return static_cast<size_t>((b * length + t) * channels + c); }
};
static const Form kForms[] = {{1, 1, 1}, {2, 7, 5}, {3, 67, 33}};

TEST_CASE("the bodies of the running mean's kernels are the definition, forward and backward", "[kernels]") {
  namespace kernel = subband::running_mean_kernel;
  for (const Form& f : kForms) {
    CAPTURE(f.length, f.channels);
    const Floats x = drawn(f.size(), 1), g = drawn(f.size(), 2);
    const Floats m = in_every_order(f.size(), f.launch(), [&](float* out, void*) {
      kernel::mean_body(f.length, f.channels, x.data(), out, same);
    });
    const Floats of_x = in_every_order(f.size(), f.launch(), [&](float* out, void*) {
      kernel::backward_body(f.length, f.channels, g.data(), out, same);
    });
    std::vector<double> wanted_m(f.size()), wanted_x(f.size());
    for (int64_t b = 0; b < f.batch; ++b)
      for (int64_t t = 0; t < f.length; ++t)
        for (int64_t c = 0; c < f.channels; ++c)
          for (int64_t u = 0; u <= t; ++u) {
            wanted_m[f.at(b, t, c)] += static_cast<double>(x[f.at(b, u, c)]) / static_cast<double>(t + 1);
            wanted_x[f.at(b, u, c)] += static_cast<double>(g[f.at(b, t, c)]) / static_cast<double>(t + 1);
          }
    check_near(m, wanted_m, 1e-5);
    check_near(of_x, wanted_x, 1e-5);
  }
}

TEST_CASE("the running mean of half precision is added up in fp32", "[kernels]") {
  std::vector<uint16_t> x(3 * 50);
  for (size_t i = 0; i < x.size(); ++i) x[i] = to_bf16(1.0f + static_cast<float>(i % 3) / 4);
  const Floats m = in_every_order(x.size(), {.blocks = {1, 1, 1}, .threads = 32}, [&](float* out, void*) {
    subband::running_mean_kernel::mean_body(50, 3, x.data(), out, from_bf16);
  });
  for (size_t i = 0; i < m.size(); ++i) CHECK(m[i] == Approx(1.0f + static_cast<float>(i % 3) / 4));
}

TEST_CASE("the bodies of the gated scan's kernels are the recurrence, forward and backward", "[kernels]") {
  namespace kernel = subband::gated_scan_kernel;
  for (const Form& f : kForms) {
    CAPTURE(f.length, f.channels);
    const Floats u = drawn(f.size(), 3), g = drawn(f.size(), 4);
    Floats a = drawn(f.size(), 5);
    for (float& each : a) each = 1 / (1 + std::exp(-each));
    const Floats y = in_every_order(f.size(), f.launch(), [&](float* out, void*) {
      kernel::scan_body(f.length, f.channels, a.data(), u.data(), out);
    });
    const Floats both = in_every_order(2 * f.size(), f.launch(), [&](float* out, void*) {
      kernel::backward_body(f.length, f.channels, a.data(), y.data(), g.data(), {out, out + f.size()});
    });
    std::vector<double> wanted_y(f.size()), wanted(2 * f.size());
    for (int64_t b = 0; b < f.batch; ++b)
      for (int64_t c = 0; c < f.channels; ++c) {
        for (int64_t t = 0; t < f.length; ++t)
          wanted_y[f.at(b, t, c)] = (t > 0 ? static_cast<double>(a[f.at(b, t, c)]) * wanted_y[f.at(b, t - 1, c)] : 0) +
                                    static_cast<double>(u[f.at(b, t, c)]);
        double d = 0;
        for (int64_t t = f.length - 1; t >= 0; --t) {
          d = static_cast<double>(g[f.at(b, t, c)]) +
              (t + 1 < f.length ? static_cast<double>(a[f.at(b, t + 1, c)]) * d : 0);
          wanted[f.at(b, t, c)] = t > 0 ? d * wanted_y[f.at(b, t - 1, c)] : 0;
          wanted[f.size() + f.at(b, t, c)] = d;
        }
      }
    check_near(y, wanted_y, 1e-5);
    check_near(both, wanted, 1e-5);
  }
}

TEST_CASE("the body of the kernel for a token's attention is the definition, also on the front of a longer buffer",
          "[kernels]") {
  struct Case {
    int64_t queries, keys, key_width, value_width;
  };
  for (const Case& f : {Case{1, 1, 1, 1}, {3, 7, 5, 3}, {2, 65, 33, 83}}) {
    CAPTURE(f.keys, f.value_width);
    const int64_t B = 2, G = 2, kept = f.keys + 3;  // rows of each buffer
    const Floats q = drawn(static_cast<size_t>(B * G * f.queries * f.key_width), 6),
                 k = drawn(static_cast<size_t>(B * G * kept * f.key_width), 7),
                 v = drawn(static_cast<size_t>(B * G * kept * f.value_width), 8);
    const SubbandTokenAttention a{.sequences = B,
                                  .groups = G,
                                  .queries = f.queries,
                                  .keys = f.keys,
                                  .key_width = f.key_width,
                                  .value_width = f.value_width,
                                  .k_strides = {G * kept * f.key_width, kept * f.key_width},
                                  .v_strides = {G * kept * f.value_width, kept * f.value_width},
                                  .scale = 0.3f,
                                  .type = 0,
                                  .stream = nullptr};
    const unsigned threads = 128;
    const Launch launch{.blocks = {static_cast<unsigned>(B * G * f.queries), 1, 1},
                        .threads = threads,
                        .shared_bytes = threads / 32 * static_cast<size_t>(f.value_width + 2) * sizeof(float)};
    const auto size = static_cast<size_t>(B * G * f.queries * f.value_width);
    const Floats y = in_every_order(size, launch, [&](float* out, void* shared) {
      subband::token_attention_kernel::attention_body(a, q.data(), k.data(), v.data(), out, static_cast<float*>(shared),
                                                      same, same);
    });
    std::vector<double> wanted(size);
    for (int64_t row = 0; row < B * G * f.queries; ++row) {
      const int64_t group = row / f.queries;
      double weights = 0;
      for (int64_t t = 0; t < f.keys; ++t) {
        double score = 0;
        for (int64_t c = 0; c < f.key_width; ++c)
          score += static_cast<double>(q[static_cast<size_t>(row * f.key_width + c)]) *
                   static_cast<double>(k[static_cast<size_t>((group * kept + t) * f.key_width + c)]);
        const double weight = std::exp(0.3 * score);
        weights += weight;
        for (int64_t c = 0; c < f.value_width; ++c)
          wanted[static_cast<size_t>(row * f.value_width + c)] +=
              weight * static_cast<double>(v[static_cast<size_t>((group * kept + t) * f.value_width + c)]);
      }
      for (int64_t c = 0; c < f.value_width; ++c) wanted[static_cast<size_t>(row * f.value_width + c)] /= weights;
    }
    check_near(y, wanted, 1e-5);
  }
}

}  // namespace sequence_kernels_test
