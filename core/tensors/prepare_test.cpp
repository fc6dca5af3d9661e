#include "core/tensors/prepare.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <atomic>
#include <limits>
#include <set>
#include <thread>

#include "core/testing/catch.h"

using namespace subband;

TEST_CASE("denormal numbers are zero in every thread of the pool", "[prepare]") {
  const int before = at::get_num_threads();
  prepare_tensors(3);
  CHECK(at::get_num_threads() == 3);
  std::atomic<int> asked = 0, kept = 0;
  at::parallel_for(0, 3, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      volatile float smallest = std::numeric_limits<float>::min();
      const volatile float half = smallest * 0.5f;
      ++asked;
      if (half != 0) ++kept;
    }
  });
  CHECK(asked == 3);
  CHECK(kept == 0);
  at::set_num_threads(before);
  at::globalContext().setFlushDenormal(false);
}
