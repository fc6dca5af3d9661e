#include "core/tensors/kept_memory.h"

#include <torch/torch.h>

#include <cstdint>
#include <thread>

#include "core/tensors/memory_counter.h"
#include "core/testing/catch.h"

using namespace subband;

TEST_CASE("memory that a tensor gives back is the next one's of its size", "[kept_memory]") {
  keep_tensor_memory();
  release_tensor_memory();
  at::Tensor first = at::empty({1 << 20});
  const void* const place = first.data_ptr();
  CHECK(reinterpret_cast<uintptr_t>(place) % 64 == 0);
  first = at::Tensor();
#if !defined(__SANITIZE_ADDRESS__)
  CHECK(at::empty({1 << 20}).data_ptr() == place);
#endif
}

TEST_CASE("the bytes of tensors are counted as asked for, and their peak from where it is reset",
          "[kept_memory]") {
  keep_tensor_memory();
  const int64_t before = tensor_memory().used_bytes;
  {
    const at::Tensor small = at::empty({100}, at::kByte), large = at::empty({1000}, at::kByte);
    CHECK(tensor_memory().used_bytes - before == 1100);
  }
  CHECK(tensor_memory().used_bytes == before);
  CHECK(tensor_memory().peak_bytes >= before + 1100);
  reset_tensor_peak();
  CHECK(tensor_memory().peak_bytes == before);
  const MemoryCounter counter;  // which the allocator tells of it
  const at::Tensor counted = at::empty({77}, at::kByte);
  CHECK(counter.held_bytes() == 77);
}

TEST_CASE("what is kept stays below five quarters of the peak and 64 MiB, whatever sizes come",
          "[kept_memory]") {
  keep_tensor_memory();
  release_tensor_memory();
  int64_t peak = tensor_memory().peak_bytes;
  for (int64_t mib = 1; mib < 200; mib += 3) {  // every size once: nothing fits what was kept
    const at::Tensor held = at::empty({mib << 20}, at::kByte);
    peak = std::max(peak, tensor_memory().peak_bytes);
    const double rounding = 1.125 * static_cast<double>(mib << 20);
    CHECK(static_cast<double>(tensor_memory().held_bytes) <=
          1.25 * static_cast<double>(peak) + rounding - static_cast<double>(mib << 20) + (64 << 20));
  }
  release_tensor_memory();
  CHECK(tensor_memory().held_bytes < tensor_memory().used_bytes * 2 + (1 << 20));
}

TEST_CASE("a size is rounded up by at most an eighth, and every size has room", "[kept_memory]") {
  keep_tensor_memory();
  for (int64_t bytes = 1; bytes < 5'000'000; bytes = bytes * 9 / 8 + 1) {
    release_tensor_memory();
    const TensorMemory before = tensor_memory();
    at::Tensor tensor = at::empty({bytes}, at::kByte);
    tensor.fill_(7);
    const int64_t held = tensor_memory().held_bytes - before.held_bytes;
    CAPTURE(bytes, held);
    CHECK(held >= bytes);
    CHECK(held <= std::max<int64_t>(64, bytes * 9 / 8) + 64);
  }
}

TEST_CASE("tensors may end on another thread than the one they began on", "[kept_memory]") {
  keep_tensor_memory();
  const int64_t before = tensor_memory().used_bytes;
  for (int round = 0; round < 20; ++round) {
    at::Tensor tensor = at::ones({1000});
    std::thread([moved = std::move(tensor)]() mutable { moved = at::Tensor(); }).join();
  }
  CHECK(tensor_memory().used_bytes == before);
}

TEST_CASE("a tensor larger than the machine is refused in one line", "[kept_memory]") {
  keep_tensor_memory();
  CHECK_THROWS_AS(at::empty({int64_t{1} << 55}, at::kByte), c10::OutOfMemoryError);
}

TEST_CASE("poisoned memory shows values that nobody wrote", "[kept_memory]") {
  const PoisonedMemory poisoned;
  CHECK(at::empty({3}).isnan().all().item<bool>());
}
