#include "core/testing/kernel_orders.h"
// What it gives a meaning to
#include "core/ops/features/gated_haar.cuh"
#include "core/ops/features/random_features.cuh"

#include <cmath>

namespace feature_kernels_test {

using namespace kernel_grid;

static double gelu(double x) { return x * 0.5 * (1 + std::erf(x / std::sqrt(2.0))); }
static double gelu_slope(double x) {
  return 0.5 * (1 + std::erf(x / std::sqrt(2.0))) + x * std::exp(-x * x / 2) / std::sqrt(2 * M_PI);
}

TEST_CASE("the bodies of the Haar bands' kernels are the definition, forward and backward", "[kernels]") {
  namespace kernel = subband::gated_haar_kernel;
  for (const kernel::Extent& e : {kernel::Extent{1, 1, 1, 0, true, false}, {2, 7, 5, 2, true, true},
                                  {2, 35, 33, 4, false, true}, {1, 67, 3, 6, true, false}}) {
    CAPTURE(e.length, e.channels, e.levels);
    const auto rows = static_cast<size_t>(e.batch * e.length), C = static_cast<size_t>(e.channels),
               S = static_cast<size_t>(e.levels + 1), L = static_cast<size_t>(e.length), size = rows * C;
    const Floats x = drawn(size, 1), g = drawn(size, 2),
                 gains = drawn((e.per_token ? rows : static_cast<size_t>(e.batch)) * S, 3);
    const auto blocks = [](size_t count) { return static_cast<unsigned>((count + 31) / 32); };
    const Launch each{.blocks = {blocks(size), 1, 1}, .threads = 32};
    const Floats y =
        in_every_order(size, each, [&](float* out, void*) { kernel::bands_body(e, x.data(), gains.data(), out); });
    const Floats of_x = in_every_order(
        size, each, [&](float* out, void*) { kernel::inputs_body(e, x.data(), gains.data(), g.data(), out); });
    const Launch each_row{.blocks = {static_cast<unsigned>(rows), 1, 1}, .threads = 64, .shared_bytes = 8};
    const Floats of_gains = in_every_order(rows * S, each_row, [&](float* out, void* shared) {
      kernel::gains_body(e, x.data(), g.data(), out, static_cast<float*>(shared));
    });
    std::vector<double> wanted(size), wanted_x(size), wanted_gains(rows * S);
    const auto f = [&](size_t at) { return e.gelu ? gelu(static_cast<double>(x[at])) : static_cast<double>(x[at]); };
    for (size_t row = 0; row < rows; ++row)
      for (size_t c = 0; c < C; ++c) {
        const size_t t = row % L, own = (e.per_token ? row : row / L) * S, at = row * C + c;
        std::vector<double> means(S);
        for (size_t level = 0; level < S; ++level)
          for (size_t j = 0; j < (size_t{1} << level) && j <= t; ++j)
            means[level] += f(at - j * C) / static_cast<double>(size_t{1} << level);
        for (size_t band = 0; band < S; ++band) {
          const double value = band + 1 < S ? means[band] - means[band + 1] : means[band];
          const auto gain = static_cast<double>(gains[own + band]), of_y = static_cast<double>(g[at]);
          wanted[at] += gain * value;
          wanted_gains[row * S + band] += of_y * value;
          for (size_t level = band; level < S && level <= band + 1; ++level)
            for (size_t j = 0; j < (size_t{1} << level) && j <= t; ++j)
              wanted_x[at - j * C] +=
                  (level == band ? 1 : -1) * of_y * gain / static_cast<double>(size_t{1} << level);
        }
      }
    for (size_t at = 0; at < size; ++at)
      if (e.gelu) wanted_x[at] *= gelu_slope(static_cast<double>(x[at]));
    check_near(y, wanted, 1e-5);
    check_near(of_x, wanted_x, 2e-5);
    check_near(of_gains, wanted_gains, 1e-4);
  }
}

TEST_CASE("the bodies of the features' kernels are the definition, forward and backward", "[kernels]") {
  namespace kernel = subband::random_features_kernel;
  for (const kernel::Rows& r :
       {kernel::Rows{1, 1, 1, 1}, {6, 5, 33, 0.7f}, {10, 67, 130, 0.3f}}) {
    CAPTURE(r.count, r.features);
    const auto N = static_cast<size_t>(r.count), K = static_cast<size_t>(r.width), M = static_cast<size_t>(r.features);
    const Floats x = drawn(N * K, 1), p = drawn(N * M, 2), g = drawn(N * M, 3), c = drawn(N, 4);
    const auto blocks = [](size_t count) { return static_cast<unsigned>((count + 31) / 32); };
    const Launch each_row{.blocks = {static_cast<unsigned>(N), 1, 1}, .threads = 64, .shared_bytes = 8};
    const Launch each{.blocks = {blocks(N * M), 1, 1}, .threads = 32};
    for (const bool with_norm : {true, false}) {
      // The logarithms, and behind them the largest of every row.
      const Floats logs = in_every_order(N * M + N, each_row, [&](float* out, void* shared) {
        float* const own = out + blockIdx.x * M;
        if (threadIdx.x == 0) std::copy_n(p.begin() + static_cast<std::ptrdiff_t>(blockIdx.x * M), M, own);
        __syncthreads();
        kernel::logarithms_body(r, with_norm ? x.data() : nullptr, out, out + N * M, static_cast<float*>(shared));
      });
      std::vector<double> wanted(N * M + N, -1e30);
      for (size_t n = 0; n < N; ++n) {
        double norm = 0;
        for (size_t k = 0; with_norm && k < K; ++k)
          norm += 0.5 * std::pow(static_cast<double>(r.scale * x[n * K + k]), 2);
        for (size_t m = 0; m < M; ++m) {
          wanted[n * M + m] = static_cast<double>(r.scale) * static_cast<double>(p[n * M + m]) - norm;
          wanted[N * M + n] = std::max(wanted[N * M + n], wanted[n * M + m]);
        }
      }
      check_near(logs, wanted, 1e-4);
    }
    const auto in_place = [&](const std::function<void(float*)>& body) {
      return in_every_order(N * M, each, [&](float* out, void*) {
        const size_t at = blockIdx.x * 32 + threadIdx.x;
        if (at < N * M) out[at] = p[at];
        body(out);
      });
    };
    const Floats relu = in_place([&](float* out) { kernel::rectify_body(r, out); });
    const Floats exponentials = in_place([&](float* out) { kernel::exponentiate_body(r, c.data(), out); });
    std::vector<double> wanted_relu(N * M), wanted_exponentials(N * M);
    for (size_t at = 0; at < N * M; ++at) {
      const auto own = static_cast<double>(p[at]);
      wanted_relu[at] = std::max(0.0, own) * static_cast<double>(r.scale);
      wanted_exponentials[at] = std::exp(own - static_cast<double>(c[at / M]));
    }
    check_near(relu, wanted_relu, 1e-6);
    check_near(exponentials, wanted_exponentials, 1e-4);
    for (const bool rectified : {true, false}) {
      const Floats back = in_every_order(N * M + N, each_row, [&](float* out, void* shared) {
        const auto run = rectified ? kernel::backward_body<true> : kernel::backward_body<false>;
        run(r, p.data(), g.data(), out, out + N * M, static_cast<float*>(shared));
      });
      std::vector<double> wanted(N * M + N);
      for (size_t at = 0; at < N * M; ++at) {
        const auto f = static_cast<double>(p[at]), scaled = static_cast<double>(r.scale * g[at]);
        wanted[at] = rectified ? (f > 0 ? scaled : 0) : f * scaled;
        wanted[N * M + at / M] += wanted[at];
      }
      check_near(back, wanted, 1e-4);
    }
    const Floats norms = in_every_order(N * K, {.blocks = {blocks(N * K), 1, 1}, .threads = 32}, [&](float* out, void*) {
      const size_t at = blockIdx.x * 32 + threadIdx.x;
      if (at < N * K) out[at] = 1;
      kernel::norms_body(r, x.data(), c.data(), out);
    });
    std::vector<double> wanted_norms(N * K);
    for (size_t at = 0; at < N * K; ++at)
      wanted_norms[at] = 1 - static_cast<double>(r.scale) * static_cast<double>(x[at]) * static_cast<double>(c[at / K]);
    check_near(norms, wanted_norms, 1e-5);
  }
}

TEST_CASE("the body of the peaks' kernel follows the largest so far", "[kernels]") {
  namespace kernel = subband::random_features_kernel;
  const int64_t B = 2, L = 7, G = 3;
  const auto N = static_cast<size_t>(B * L * G);
  const Floats largest = drawn(N, 5), before = drawn(static_cast<size_t>(B * G), 6);
  for (const bool goes_on : {true, false}) {
    const Floats both = in_every_order(2 * N, {.blocks = {1, 1, 1}, .threads = 32}, [&](float* out, void*) {
      kernel::peaks_body(B, L, G, {goes_on ? before.data() : nullptr, largest.data(), out, out + N});
    });
    for (int64_t b = 0; b < B; ++b)
      for (int64_t g = 0; g < G; ++g) {
        float c = goes_on ? before[static_cast<size_t>(b * G + g)] : largest[static_cast<size_t>(b * L * G + g)];
        for (int64_t t = 0; t < L; ++t) {
          const auto at = static_cast<size_t>((b * L + t) * G + g);
          const float next = std::max(c, largest[at]);
          CHECK(both[at] == next);
          CHECK(both[N + at] == c - next);
          c = next;
        }
      }
  }
}

}  // namespace feature_kernels_test
