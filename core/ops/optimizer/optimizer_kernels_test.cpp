#include "core/testing/kernel_orders.h"
// What it gives a meaning to
#include "core/ops/optimizer/clipped_update.cuh"

#include <algorithm>
#include <cmath>

namespace optimizer_kernels_test {

using namespace kernel_grid;
namespace kernel = subband::clipped_update_kernel;

// Two tensors of odd sizes, their state behind their values.
struct Problem {
  Floats gradients = drawn(50, 1);
  Floats start = drawn(150, 2);
  float norm = 2;
  Problem() {
    for (size_t i = 50; i < 150; ++i) start[i] = std::abs(start[i]);
  }
};

static constexpr float kNoNumber = -1e6;  // for what is not a number, which is unlike itself

static Floats after_step(const Problem& problem, SubbandUpdate update, void (*body)(const SubbandUpdate&)) {
  return in_every_order(150, {.blocks = {2, 1, 1}, .threads = 32}, [&](float* out, void*) {
    const size_t first = blockIdx.x == 0 ? 0 : 13, count = blockIdx.x == 0 ? 13 : 37;
    if (threadIdx.x == 0)
      for (const size_t part : {0u, 50u, 100u})
        std::copy_n(problem.start.begin() + static_cast<int64_t>(part + first), count, out + part + first);
    __syncthreads();
    const float three = 3, one = 1;
    const SubbandUpdatePiece pieces[] = {
        {out, problem.gradients.data(), out + 50, out + 100, 13, &three},
        {out + 13, problem.gradients.data() + 13, out + 63, out + 113, 37, &one}};
    update.pieces = pieces;
    body(update);
    __syncthreads();
    if (threadIdx.x == 0)
      for (float* const own : {out + first, out + 50 + first, out + 100 + first})
        std::replace_if(own, own + count, [](float p) { return std::isnan(p); }, kNoNumber);
  });
}

static SubbandUpdate drawn_update(const Problem& problem, float clip_norm) {
  return {.pieces = nullptr,
          .piece_count = 2,
          .norm = &problem.norm,
          .clip_norm = clip_norm,
          .rate = 0.1f,
          .weight_decay = 0.03f,
          .eps = 1e-3f,
          .beta1 = 0.9f,
          .beta2 = 0.99f,
          .stream = nullptr};
}

TEST_CASE("the bodies of the optimisers' kernels clip and follow their definitions", "[kernels]") {
  const Problem problem;
  for (const float limit : {0.0f, 0.5f, 9.0f}) {
    CAPTURE(limit);
    const double f = limit > 0 && limit < 2 ? 0.5 / (2 + 1e-6) : 1;
    const Floats adagrad = after_step(problem, drawn_update(problem, limit), kernel::adagrad_body);
    const Floats adamw = after_step(problem, drawn_update(problem, limit), kernel::adamw_body);
    for (size_t i = 0; i < 50; ++i) {
      const auto p = static_cast<double>(problem.start[i]), g = f * static_cast<double>(problem.gradients[i]);
      const double decayed = g + 0.03 * p, sum = static_cast<double>(problem.start[50 + i]) + decayed * decayed;
      CHECK(static_cast<double>(adagrad[i]) == Approx(p - 0.1 * decayed / (std::sqrt(sum) + 1e-3)).margin(1e-6));
      CHECK(static_cast<double>(adagrad[50 + i]) == Approx(sum).margin(1e-6));
      CHECK(adagrad[100 + i] == problem.start[100 + i]);
      const double steps = i < 13 ? 3 : 1;
      const double m = 0.9 * static_cast<double>(problem.start[50 + i]) + 0.1 * g;
      const double v = 0.99 * static_cast<double>(problem.start[100 + i]) + 0.01 * g * g;
      const double moved = m / (1 - std::pow(0.9, steps)) / (std::sqrt(v / (1 - std::pow(0.99, steps))) + 1e-3);
      CHECK(static_cast<double>(adamw[i]) == Approx(p - 0.1 * 0.03 * p - 0.1 * moved).margin(1e-5));
      CHECK(static_cast<double>(adamw[50 + i]) == Approx(m).margin(1e-6));
      CHECK(static_cast<double>(adamw[100 + i]) == Approx(v).margin(1e-6));
    }
  }
}

TEST_CASE("a norm that is not a number leaves no parameter one, as LibTorch's clipping does", "[kernels]") {
  Problem problem;
  problem.norm = NAN;
  for (const auto body : {kernel::adagrad_body, kernel::adamw_body}) {
    const Floats all = after_step(problem, drawn_update(problem, 0.5f), body);
    for (size_t i = 0; i < 50; ++i) CHECK(all[i] == kNoNumber);
  }
}

}  // namespace optimizer_kernels_test
