#include "core/ops/hadamard/biased_fwht.h"

#include <torch/torch.h>

#include "core/error.h"
#include "core/ops/hadamard/fwht.h"
#include "core/ops/sequence/running_mean.h"
#include "core/testing/fast_path.h"

namespace biased_fwht_test {
using namespace subband;

static at::Tensor drawn(at::IntArrayRef shape, const std::string& name) {
  return at::empty(shape, at::kDouble).normal_(0, 1, stream(13, name));
}

struct Form {
  int64_t scales, batch, length, n, columns;
};
static const Form kForms[] = {{1, 1, 1, 1, 1}, {3, 2, 35, 8, 5}, {6, 1, 130, 64, 64}, {2, 3, 43, 32, 17}};

static at::Tensor with_bias(const std::vector<at::Tensor>& in, std::string_view path) {
  return biased_fwht(in[0], in[1], in[2], path);
}
static at::Tensor with_gains(const std::vector<at::Tensor>& in, std::string_view path) {
  return scaled_fwht(in[0], in[1], path);
}
static at::Tensor mean(const std::vector<at::Tensor>& in, std::string_view path) {
  return running_mean(in[0], path);
}

TEST_CASE("the transform of coefficients with their bias, and with factors behind it, is what it says",
          "[biased_fwht]") {
  const at::Tensor z = drawn({2, 1, 3, 4}, "z"), context = drawn({1, 3, 3}, "c"), gains = drawn({2, 3}, "g");
  const at::Tensor y = biased_fwht(z, context, gains), scaled = scaled_fwht(z, gains.select(1, 0));
  for (int64_t s = 0; s < 2; ++s) {
    for (int64_t t = 0; t < 3; ++t) {
      at::Tensor row = z[s][0][t].clone();
      row.narrow(0, 0, 3).add_(context[0][t] * gains[s]);
      CHECK(at::allclose(y[s][0][t], fwht(row), 1e-12, 1e-12));
      CHECK(at::allclose(scaled[s][0][t], fwht(z[s][0][t]) * gains[s][0], 1e-12, 1e-12));
    }
  }
}

TEST_CASE("the loops of the transform with its neighbours equal the reference, forward and backward",
          "[biased_fwht]") {
  for (const Form& f : kForms) {
    CAPTURE(f.scales, f.length, f.n, f.columns);
    const at::Tensor z = drawn({f.scales, f.batch, f.length, f.n}, "z"), gains = drawn({f.scales}, "s");
    const std::vector<at::Tensor> in = {z, drawn({f.batch, f.length, f.columns}, "c"),
                                        drawn({f.scales, f.columns}, "g")};
    testing::check_fast_path(with_bias, in);
    testing::check_fast_path(with_gains, {z, gains});
  }
  const at::Tensor z = drawn({2, 1, 3, 4}, "z");
  testing::check_second_derivatives(with_bias, {z, drawn({1, 3, 3}, "c"), drawn({2, 3}, "g")});
  testing::check_second_derivatives(with_gains, {z, drawn({2}, "s")});
  const at::Tensor none = drawn({2, 1, 0, 4}, "z");
  testing::check_no_rows(with_bias, {none, drawn({1, 0, 3}, "c"), drawn({2, 3}, "g")});
  testing::check_no_rows(with_gains, {none, drawn({2}, "s")});
}

TEST_CASE("a bias of other shape is refused", "[biased_fwht]") {
  const at::Tensor z = at::zeros({2, 1, 3, 4});
  CHECK_THROWS_WITH(biased_fwht(z, at::zeros({1, 2, 4}), at::zeros({2, 4})),
                    "biased_fwht: context: expected [1, 3, *], got [1, 2, 4]");
  CHECK_THROWS_WITH(biased_fwht(z, at::zeros({1, 3, 5}), at::zeros({2, 5})),
                    "biased_fwht: context: expected at most 4 columns, as z has, got 5");
}

TEST_CASE("the running mean is the mean of all positions so far", "[running_mean]") {
  const at::Tensor x = drawn({2, 9, 3}, "x"), m = running_mean(x);
  for (int64_t t = 0; t < 9; ++t)
    CHECK(at::allclose(m.select(1, t), x.narrow(1, 0, t + 1).mean(1), 1e-12, 1e-12));
}

TEST_CASE("the loops of the running mean equal the reference, forward and backward", "[running_mean]") {
  for (const auto& shape : std::vector<std::vector<int64_t>>{{1, 1, 1}, {3, 67, 5}, {2, 130, 33}})
    testing::check_fast_path(mean, {drawn(shape, "x")});
  testing::check_second_derivatives(mean, {drawn({1, 5, 3}, "x")});
  testing::check_no_rows(mean, {drawn({0, 5, 3}, "x")});
  testing::check_no_rows(mean, {drawn({2, 0, 3}, "x")});
}

}  // namespace biased_fwht_test
