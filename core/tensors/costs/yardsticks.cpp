#include "core/tensors/costs/yardsticks.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros_like.h>
#include <ATen/core/Tensor.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/tensors/random.h"

namespace subband {

template <class Work>
static double best_seconds(int rounds, const Work& work) {
  double best = 1e30;
  for (int round = 0; round < rounds; ++round) {
    const auto start = std::chrono::steady_clock::now();
    work();
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

Yardsticks measure_yardsticks() {
  constexpr int kRounds = 5;
  constexpr int64_t kSide = 2048, kValues = 1 << 24;
  const at::Tensor a = at::empty({kSide, kSide}).normal_(0, 1, stream(1, "yardstick.a")), b = a.t().contiguous();
  at::Tensor c = at::empty({kSide, kSide});
  const at::Tensor from = at::ones({kValues});
  at::Tensor to = at::zeros_like(from);
  const double product = best_seconds(kRounds, [&] { at::mm_out(c, a, b); });
  const double copy = best_seconds(kRounds, [&] { to.copy_(from); });
  return {.gflops = 2 * std::pow(static_cast<double>(kSide), 3) / product / 1e9,
          .gib_per_s = 2 * static_cast<double>(from.nbytes()) / copy / std::pow(2.0, 30)};
}

}  // namespace subband
