#include <cmath>

#include "core/testing/catch.h"
#include "models/dilation.h"
#include "models/testing/build.h"

using namespace subband;

TEST_CASE("the crawl mixes neighbouring distances by a softmax; fine levels move their window up",
          "[crawl]") {
  const auto crawl =
      testing::Workshop().make<Dilation>("crawl", {{"taps", testing::integer(3)}}, {.levels = 4});
  testing::perturb(*crawl, 1.0);
  const at::NoGradGuard no_gradient;
  const at::Tensor logits = crawl->named_parameters()["logits"], c = testing::random_double({2, 9, 3});
  const int64_t first[] = {1, 1, 3, 7};
  for (int64_t level = 0; level < 4; ++level) {
    double sum = 0;
    for (int64_t k = 0; k < 3; ++k) sum += std::exp(logits[level][k].item<double>());
    at::Tensor expected = at::zeros_like(c);
    for (int64_t k = 0; k < 3; ++k)
      for (int64_t t = first[level] + k; t < 9; ++t)
        expected.select(1, t).add_(c.select(1, t - first[level] - k),
                                   std::exp(logits[level][k].item<double>()) / sum);
    CHECK(crawl->past(c, level).allclose(expected, 1e-12, 1e-12));
  }
}

TEST_CASE("the crawl starts with 0.98670 on the dyadic distance", "[crawl]") {
  const auto crawl = testing::Workshop().make<Dilation>("crawl", {}, {.levels = 3});
  const at::Tensor weights = crawl->named_parameters()["logits"].detach().softmax(1);
  const int64_t dyadic[] = {0, 1, 1};
  for (int64_t level = 0; level < 3; ++level)
    CHECK(weights[level][dyadic[level]].item<double>() == Approx(0.98670).epsilon(1e-5));
}

TEST_CASE("the crawl refuses an even number of taps", "[crawl]") {
  CHECK_THROWS_WITH(testing::Workshop().make<Dilation>("crawl", {{"taps", testing::integer(4)}}, {}),
                    "part.taps = 4: must be odd, so that the dyadic distance stands in the middle");
}
