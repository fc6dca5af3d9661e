#include "models/layers/positions/rope.h"

#include <torch/torch.h>

#include "core/testing/catch.h"
#include "models/testing/parts.h"

using namespace subband;

TEST_CASE("rotary positions turn each pair by position times rate", "[rope]") {
  const at::Tensor x = testing::random({1, 5, 1, 6}, at::kDouble);
  const at::Tensor half = Rope("half", 100).rotate(x), interleaved = Rope("interleaved", 100).rotate(x);
  for (int64_t p = 0; p < 5; ++p) {
    for (int64_t i = 0; i < 3; ++i) {
      const double angle = static_cast<double>(p) * std::pow(100.0, -2.0 * static_cast<double>(i) / 6);
      const auto value = [&](const at::Tensor& of, int64_t channel) {
        return of[0][p][0][channel].item<double>();
      };
      const auto check = [&](const at::Tensor& rotated, int64_t first, int64_t second) {
        const double a = value(x, first), b = value(x, second);
        CHECK(value(rotated, first) == Approx(a * std::cos(angle) - b * std::sin(angle)).margin(1e-6));
        CHECK(value(rotated, second) == Approx(b * std::cos(angle) + a * std::sin(angle)).margin(1e-6));
      };
      check(half, i, i + 3);
      check(interleaved, 2 * i, 2 * i + 1);
    }
  }
}

TEST_CASE("rotated queries and keys see only their distance, and keep their lengths", "[rope]") {
  for (const char* pairing : {"half", "interleaved"}) {
    Rope rope(pairing, 10000);
    const at::Tensor x = testing::random({1, 4, 2, 8}), y = testing::random({1, 4, 2, 8}, at::kFloat, "y");
    const at::Tensor near = at::matmul(rope.rotate(x).transpose(1, 2), rope.rotate(y).permute({0, 2, 3, 1}));
    const at::Tensor far =
        at::matmul(rope.rotate(x, 1000).transpose(1, 2), rope.rotate(y, 1000).permute({0, 2, 3, 1}));
    CHECK(at::allclose(near, far, 0, 1e-3));
    CHECK_FALSE(at::allclose(near, at::matmul(x.transpose(1, 2), y.permute({0, 2, 3, 1})), 0, 0.1));
    CHECK(at::allclose(rope.rotate(x).norm(2, -1), x.norm(2, -1), 1e-6, 1e-6));
    CHECK(at::allclose(rope.rotate(x, 2).narrow(1, 0, 2),
                       rope.rotate(at::cat({x, x}, 1).narrow(1, 2, 4), 2).narrow(1, 2, 2)) == false);
  }
}

TEST_CASE("narrow inputs are rotated in fp32", "[rope]") {
  const at::Tensor x = testing::random({1, 3, 1, 8}).to(at::kBFloat16);
  const at::Tensor rotated = Rope("half", 10000).rotate(x, 5000);
  CHECK(rotated.scalar_type() == at::kBFloat16);
  CHECK(at::equal(rotated, Rope("half", 10000).rotate(x.to(at::kFloat), 5000).to(at::kBFloat16)));
}

TEST_CASE("rotary positions of some channels leave the others alone", "[rope]") {
  for (const char* pairing : {"half", "interleaved"}) {
    const at::Tensor x = testing::random({1, 5, 2, 10}, at::kDouble);
    const at::Tensor rotated = Rope(pairing, 100, 4).rotate(x, 3);
    CHECK(at::equal(rotated.narrow(-1, 4, 6), x.narrow(-1, 4, 6)));
    CHECK(at::equal(rotated.narrow(-1, 0, 4), Rope(pairing, 100).rotate(x.narrow(-1, 0, 4), 3)));
  }
}
