#include "core/tensors/memory_counter.h"

#include <torch/torch.h>

#include "core/testing/catch.h"

using namespace subband;

TEST_CASE("the memory counter knows what tensors hold and the most that they held at once",
          "[memory_counter]") {
  const at::Tensor before = at::zeros({1000});
  const MemoryCounter counter;
  CHECK(counter.peak_bytes() == 0);
  const at::Tensor kept = at::zeros({256, 4});
  {
    const at::Tensor passing = at::zeros({1024, 4});
    CHECK(counter.held_bytes() == 5 * 4096);
  }
  CHECK(counter.held_bytes() == 4096);
  CHECK(counter.peak_bytes() == 5 * 4096);
}
