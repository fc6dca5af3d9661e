#include "models/quantisation/rounding.h"

#include <torch/torch.h>

#include <cmath>

#include "core/testing/catch.h"
#include "models/testing/build.h"

namespace rounding_test {

using namespace subband;

// One value by the equations of rounding.h: of a group with this smallest, largest and largest absolute value.
struct Range {
  double low = 0, high = 0, size = 0;
};

static double nearest_point(double w, const Range& range, const PackedForm& form) {
  const double above = std::pow(2, form.bits - 1) - 1, count = std::pow(2, form.bits) - 1;
  const auto kept = [&](double scale) {
    const at::Tensor exact = at::full({}, scale, at::kDouble);
    return exact.to(form.has_groups() ? at::kHalf : at::kFloat).to(at::kDouble).item<double>();
  };
  if (form.symmetric) {
    const double scale = kept(std::max(range.size, 1e-8) / above);
    return std::clamp(std::nearbyint(w / scale), -above - 1, above) * scale;
  }
  const double low = std::min(range.low, 0.0), scale = kept((std::max(range.high, 0.0) - low) / count);
  const double zero = std::nearbyint(-low / scale);
  return (std::clamp(std::nearbyint(w / scale) + zero, 0.0, count) - zero) * scale;
}

static Range range_of(const at::Tensor& w) {
  return {w.min().item<double>(), w.max().item<double>(), w.abs().max().item<double>()};
}

TEST_CASE("rounding takes the nearest point of a group's grid", "[rounding]") {
  const at::Tensor w = testing::random_double({5, 70}).mul(0.1).add(0.03);
  for (const int bits : {8, 4, 3, 2}) {
    for (const bool symmetric : {true, false}) {
      for (const int64_t group : {PackedForm::kTensor, PackedForm::kRow, int64_t{32}}) {
        const PackedForm form{.rows = 5, .columns = 70, .bits = bits, .group = group, .symmetric = symmetric};
        CAPTURE(form.text());
        const at::Tensor dense = unpacked(round_to_nearest(w, form), at::kDouble);
        for (int64_t r = 0; r < 5; ++r) {
          for (int64_t c = 0; c < 70; ++c) {
            const int64_t first = c / 32 * 32;
            const Range range = range_of(group == PackedForm::kTensor ? w
                                         : group == PackedForm::kRow
                                             ? w[r]
                                             : w[r].narrow(0, first, std::min<int64_t>(32, 70 - first)));
            REQUIRE(dense[r][c].item<double>() ==
                    Approx(nearest_point(w[r][c].item<double>(), range, form)).margin(1e-12).epsilon(1e-9));
          }
        }
      }
    }
  }
}

TEST_CASE("weights that are all zero stay zero, and what is on the grid stays as it is", "[rounding]") {
  for (const int64_t group : {PackedForm::kTensor, PackedForm::kRow, int64_t{32}}) {
    for (const bool symmetric : {true, false}) {
      const PackedForm form{.rows = 3, .columns = 40, .bits = 4, .group = group, .symmetric = symmetric};
      CHECK(unpacked(round_to_nearest(at::zeros({3, 40}), form), at::kFloat).equal(at::zeros({3, 40})));
      const at::Tensor once = unpacked(round_to_nearest(testing::random_double({3, 40}), form), at::kFloat);
      CHECK(at::allclose(unpacked(round_to_nearest(once, form), at::kFloat), once, 1e-3, 1e-3));
    }
  }
  const PackedForm form{.rows = 3, .columns = 40, .bits = 8};
  const at::Tensor once = unpacked(round_to_nearest(testing::random_double({3, 40}), form), at::kFloat);
  CHECK(at::allclose(unpacked(round_to_nearest(once, form), at::kFloat), once, 1e-6, 0));
}

TEST_CASE("the more bits and the smaller the groups, the nearer the rounded weights", "[rounding]") {
  const at::Tensor w = testing::random_double({16, 256});
  const auto error = [&](int bits, int64_t group) {
    const PackedForm form{.rows = 16, .columns = 256, .bits = bits, .group = group};
    return (unpacked(round_to_nearest(w, form), at::kDouble) - w).norm().item<double>();
  };
  CHECK(error(8, PackedForm::kRow) < error(4, PackedForm::kRow) / 10);
  CHECK(error(4, PackedForm::kRow) < error(3, PackedForm::kRow));
  CHECK(error(3, PackedForm::kRow) < error(2, PackedForm::kRow));
  CHECK(error(4, 32) < error(4, 128));
  CHECK(error(4, 128) < error(4, PackedForm::kTensor));
}

}  // namespace rounding_test
