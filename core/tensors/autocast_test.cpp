#include "core/tensors/autocast.h"

#include <ATen/Context.h>
#include <ATen/autocast_mode.h>

#include "core/testing/catch.h"

namespace autocast_test {
using namespace subband;

TEST_CASE("tf32 alone lets products of fp32 be short; fp32 takes it back", "[autocast]") {
  const auto are_short = [] {
    return at::globalContext().allowTF32CuBLAS() && at::globalContext().allowTF32CuDNN();
  };
  const auto are_whole = [] {
    return !at::globalContext().allowTF32CuBLAS() && !at::globalContext().allowTF32CuDNN();
  };
  for (const char* precision : {"fp32", "fp16", "bf16"}) {
    set_fp32_products("tf32");
    CHECK(are_short());
    set_fp32_products(precision);
    CHECK(are_whole());
  }
}

TEST_CASE("autocast is on for half precisions, while it lives", "[autocast]") {
  for (const auto& [precision, type] : {std::pair{"fp16", at::kHalf}, {"bf16", at::kBFloat16}}) {
    const Autocast on(precision);
    CHECK(at::autocast::is_autocast_enabled(at::kCUDA));
    CHECK(at::autocast::get_autocast_dtype(at::kCUDA) == type);
  }
  for (const char* precision : {"fp32", "tf32"}) {
    const Autocast off(precision);
    CHECK_FALSE(at::autocast::is_autocast_enabled(at::kCUDA));
  }
}

}  // namespace autocast_test
