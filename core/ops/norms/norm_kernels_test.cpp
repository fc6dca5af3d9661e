#include "core/testing/kernel_orders.h"
// What it gives a meaning to
#include "core/ops/norms/residual_norm.cuh"

#include <cmath>

namespace norm_kernels_test {

using namespace kernel_grid;
namespace kernel = subband::residual_norm_kernel;

struct NormCase {
  int64_t rows, columns;
  bool subtracts_mean, normed;
};
static const NormCase kNormCases[] = {{1, 1, true, true}, {3, 7, true, true}, {67, 70, false, true}, {130, 33, true, false}};

// The stream with one factor, a branch as it is, and one with a factor for each channel.
struct NormProblem {
  size_t size, columns;
  Floats x, y, u, a = {0.7f}, b, weight, bias, g, g_sum;
  explicit NormProblem(const NormCase& c)
      : size(static_cast<size_t>(c.rows * c.columns)),
        columns(static_cast<size_t>(c.columns)),
        x(drawn(size, 1)),
        y(drawn(size, 2)),
        u(drawn(size, 3)),
        b(drawn(columns, 4)),
        weight(drawn(columns, 5)),
        bias(drawn(columns, 6)),
        g(drawn(size, 7)),
        g_sum(drawn(size, 8)) {}
  SubbandResidualNorm described(const NormCase& c) const {
    return {.rows = c.rows,
            .columns = c.columns,
            .terms = 3,
            .term = {{x.data(), a.data(), 0}, {y.data(), nullptr, 0}, {u.data(), b.data(), 1}},
            .weight = c.normed ? weight.data() : nullptr,
            .bias = c.normed && c.subtracts_mean ? bias.data() : nullptr,
            .subtracts_mean = c.subtracts_mean ? 1 : 0,
            .epsilon = 1e-3f,
            .type = 0,
            .stream = nullptr};
  }
};

static double wide(float value) { return static_cast<double>(value); }

// In double: what comes out of both ways, value by value.
struct NormWanted {
  std::vector<double> z, n, d, of_weight, of_bias, of_b, of_a;
  NormWanted(const NormCase& c, const NormProblem& p)
      : z(p.size), n(p.size), d(p.size), of_weight(p.columns), of_bias(p.columns), of_b(p.columns), of_a(1) {
    const auto C = p.columns;
    for (size_t row = 0; row < p.size; row += C) {
      double mean = 0, square = 0, of_mean = 0, of_flat = 0;
      for (size_t i = row; i < row + C; ++i) {
        z[i] = wide(p.a[0]) * wide(p.x[i]) + wide(p.y[i]) + wide(p.b[i - row]) * wide(p.u[i]);
        if (c.subtracts_mean) mean += z[i] / static_cast<double>(C);
      }
      for (size_t i = row; i < row + C; ++i) square += (z[i] - mean) * (z[i] - mean) / static_cast<double>(C);
      const double factor = 1 / std::sqrt(square + 1e-3);
      for (size_t i = row; i < row + C; ++i) {
        const double flat = (z[i] - mean) * factor, up = wide(p.g[i]) * wide(p.weight[i - row]);
        n[i] = flat * wide(p.weight[i - row]) + (c.subtracts_mean ? wide(p.bias[i - row]) : 0);
        of_mean += up / static_cast<double>(C), of_flat += up * flat / static_cast<double>(C);
        of_weight[i - row] += wide(p.g[i]) * flat, of_bias[i - row] += wide(p.g[i]);
      }
      for (size_t i = row; i < row + C; ++i) {
        const double flat = (z[i] - mean) * factor, up = wide(p.g[i]) * wide(p.weight[i - row]);
        d[i] = wide(p.g_sum[i]);
        if (c.normed) d[i] += (up - (c.subtracts_mean ? of_mean : 0) - flat * of_flat) * factor;
        of_b[i - row] += d[i] * wide(p.u[i]), of_a[0] += d[i] * wide(p.x[i]);
      }
    }
  }
};

TEST_CASE("the bodies of the kernels of a residual sum and its norm are the definition, forward and backward",
          "[kernels]") {
  for (const NormCase& c : kNormCases) {
    CAPTURE(c.rows, c.columns, c.subtracts_mean, c.normed);
    const NormProblem p(c);
    const NormWanted wanted(c, p);
    const SubbandResidualNorm a = p.described(c);
    const Launch rows{.blocks = {static_cast<unsigned>(c.rows), 1, 1}, .threads = 64, .shared_bytes = 8};
    const auto kept_at = [&](float* out) { return out + 2 * p.size; };
    const size_t kept_count = 2 * static_cast<size_t>(c.rows);
    Floats forward = in_every_order(2 * p.size + kept_count, rows, [&](float* out, void* shared) {
      kernel::forward_body(a, out, out + p.size, kept_at(out), static_cast<float*>(shared), same, same);
      if (!c.normed && threadIdx.x == 0)  // what nobody writes is not compared
        for (size_t i = p.size + blockIdx.x; i < 2 * p.size + kept_count; i += static_cast<size_t>(c.rows)) out[i] = 0;
    });
    check_near({forward.begin(), forward.begin() + static_cast<int64_t>(p.size)}, wanted.z, 1e-5);
    if (c.normed)
      check_near({forward.begin() + static_cast<int64_t>(p.size), forward.begin() + static_cast<int64_t>(2 * p.size)},
                 wanted.n, 2e-4);
    // d, gradients of x and u, dots of three terms
    const size_t dots = 3 * p.size;
    const auto back_in = [&](float* out, float* partial) {
      return SubbandResidualBack{.sum = forward.data(),
                                 .kept = kept_at(forward.data()),
                                 .g = c.normed ? p.g.data() : nullptr,
                                 .g_sum = p.g_sum.data(),
                                 .d = out,
                                 .of_y = {out + p.size, nullptr, out + 2 * p.size},
                                 .dots = out + dots,
                                 .partial = partial};
    };
    Floats back = in_every_order(dots + static_cast<size_t>(c.rows), rows, [&](float* out, void* shared) {
      kernel::backward_body<float>(a, back_in(out, nullptr), static_cast<float*>(shared), same, same);
    });
    check_near({back.begin(), back.begin() + static_cast<int64_t>(p.size)}, wanted.d, 2e-4);
    double of_a = 0;
    for (size_t i = dots; i < back.size(); ++i) of_a += wide(back[i]);
    CHECK(of_a == Approx(wanted.of_a[0]).margin(2e-3));
    for (size_t i = 0; i < p.size; ++i) {
      CHECK(back[p.size + i] == Approx(0.7f * back[i]));
      CHECK(back[2 * p.size + i] == Approx(p.b[i % p.columns] * back[i]));
    }
    const int64_t chunks = (c.rows + SubbandResidualNorm::kRows - 1) / SubbandResidualNorm::kRows;
    const size_t each = static_cast<size_t>(chunks) * p.columns;
    const Launch columns{
        .blocks = {static_cast<unsigned>((c.columns + 31) / 32), static_cast<unsigned>(chunks), 1}, .threads = 32};
    const Floats partial = in_every_order(5 * each, columns, [&](float* out, void*) {
      if (blockIdx.x == 0 && threadIdx.x == 0)  // what nobody writes is not compared
        for (size_t i = blockIdx.y; i < 4 * each; i += static_cast<size_t>(chunks))
          if (i >= 2 * each || !c.normed) out[i] = 0;
      kernel::columns_body<float>(a, back_in(back.data(), out), same);
    });
    const auto total = [&](size_t which) {
      Floats sums(p.columns);
      for (size_t i = 0; i < each; ++i) sums[i % p.columns] += partial[which * each + i];
      return sums;
    };
    if (c.normed) check_near(total(0), wanted.of_weight, 1e-3);
    if (c.normed) check_near(total(1), wanted.of_bias, 1e-3);
    check_near(total(4), wanted.of_b, 2e-3);
  }
}

}  // namespace norm_kernels_test
