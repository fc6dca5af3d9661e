#include "core/ops/sequence/rotation.h"

#include <torch/torch.h>

#include "core/error.h"
#include "core/testing/fast_path.h"

namespace rotation_test {
using namespace subband;

struct RotationCase {
  int64_t batch, length, heads, pairs;
};

static at::Tensor drawn(const RotationCase& c) {
  return at::empty({c.batch, c.length, c.heads, 2 * c.pairs}, at::kDouble).normal_(0, 1, stream(14, "x"));
}

static testing::PathOp op_of(const RotationCase& c, Pairing pairing) {
  const at::Tensor angles = at::empty({c.length, c.pairs}, at::kDouble).normal_(0, 2, stream(14, "angles"));
  return [angles, pairing](const std::vector<at::Tensor>& in, std::string_view path) {
    const at::ScalarType type = in[0].scalar_type();
    return rotation(in[0], angles.cos().to(type), angles.sin().to(type), pairing, path);
  };
}

TEST_CASE("pairs of channels are rotated by the angles of their position", "[rotation]") {
  const at::Tensor x = at::arange(8, at::kDouble).view({1, 2, 1, 4}), angles = at::arange(4, at::kDouble).view({2, 2});
  const auto given = [&](Pairing pairing, int64_t t, int64_t i) {
    return rotation(x, angles.cos(), angles.sin(), pairing)[0][t][0][i].item<double>();
  };
  CHECK(given(Pairing::half, 0, 1) == Approx(1 * std::cos(1.0) - 3 * std::sin(1.0)));
  CHECK(given(Pairing::half, 0, 3) == Approx(3 * std::cos(1.0) + 1 * std::sin(1.0)));
  CHECK(given(Pairing::interleaved, 1, 2) == Approx(6 * std::cos(3.0) - 7 * std::sin(3.0)));
  CHECK(given(Pairing::interleaved, 1, 3) == Approx(7 * std::cos(3.0) + 6 * std::sin(3.0)));
}

TEST_CASE("the loops of a rotation have the bits of the reference, forward and backward", "[rotation]") {
  for (const RotationCase& c : {RotationCase{1, 1, 1, 1}, {2, 67, 3, 4}, {2, 9, 2, 29}, {1, 33, 1, 64}})
    for (const Pairing pairing : {Pairing::half, Pairing::interleaved}) {
      CAPTURE(c.length, c.pairs, static_cast<int>(pairing));
      const testing::PathOp op = op_of(c, pairing);
      testing::check_fast_path(op, {drawn(c)});
      const auto fast = testing::values_and_gradients(op, {drawn(c)}, at::kFloat, "loops");
      const auto plain = testing::values_and_gradients(op, {drawn(c)}, at::kFloat, "reference");
      for (size_t i = 0; i < fast.size(); ++i) CHECK(at::equal(fast[i], plain[i]));
    }
  testing::check_no_rows(op_of({2, 0, 3, 4}, Pairing::half), {drawn({2, 0, 3, 4})});
}

TEST_CASE("gradients of a rotation can be differentiated again", "[rotation]") {
  testing::check_second_derivatives(op_of({2, 3, 2, 5}, Pairing::half), {drawn({2, 3, 2, 5})});
}

TEST_CASE("a rotation refuses tables that do not fit", "[rotation]") {
  CHECK_THROWS_WITH(rotation(at::zeros({1, 3, 2, 4}), at::zeros({4, 2}), at::zeros({4, 2}), Pairing::half),
                    "rotation: cos: expected [3, *], got [4, 2]");
}

}  // namespace rotation_test
