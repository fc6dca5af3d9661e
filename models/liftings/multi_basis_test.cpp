#include <cmath>

#include "core/testing/catch.h"
#include "models/lifting.h"
#include "models/testing/build.h"

using namespace subband;

namespace multi_basis_test {

constexpr int64_t kWidth = 3, kLevels = 2;

std::shared_ptr<Lifting> make(const testing::Settings& settings, bool reconstruct_only = false,
                              bool shared = false) {
  const testing::Workshop workshop;
  LiftingContext context;
  context.padded_width = kWidth;
  context.levels = kLevels;
  context.stabilizers.lifting_level = true;
  const Slot<Dilation> dilation = workshop.slot<Dilation>("crawl", {}, context);
  context.dilation = reconstruct_only ? nullptr : &dilation;
  context.shared = shared;
  return workshop.make<Lifting>("multi_basis", settings, context);
}

testing::Settings bases(const std::vector<std::string>& words) { return {{"bases", testing::words(words)}}; }

/// The wavelet `k` alone: a learned lifting with its values.
std::shared_ptr<Lifting> alone(const Lifting& several, int64_t k) {
  const testing::Workshop workshop;
  LiftingContext context;
  context.padded_width = kWidth;
  context.levels = kLevels;
  const Slot<Dilation> dilation = workshop.slot<Dilation>("crawl", {}, context);
  context.dilation = &dilation;
  const auto one = workshop.make<Lifting>("learned", {}, context);
  const at::NoGradGuard no_gradient;
  for (auto& item : one->named_parameters())
    item.value().copy_(several.named_parameters()["bases." + std::to_string(k) + "." + item.key()]);
  return one;
}

double weight(const at::Tensor& logits_KS, int64_t k, int64_t column) {
  double sum = 0;
  for (int64_t i = 0; i < logits_KS.size(0); ++i) sum += std::exp(logits_KS[i][column].item<double>());
  return std::exp(logits_KS[k][column].item<double>()) / sum;
}

}  // namespace multi_basis_test

TEST_CASE("multi_basis blends each scale of its wavelets by that scale's weights", "[multi_basis]") {
  namespace test = multi_basis_test;
  const auto lifting = test::make(test::bases({"haar", "random", "zero"}));
  testing::perturb(*lifting, 0.5);
  const at::NoGradGuard no_gradient;
  const at::Tensor logits = lifting->named_parameters()["weights"];
  REQUIRE(logits.sizes() == at::IntArrayRef({3, 3}));
  const at::Tensor h = testing::random_double({2, 7, 3}), z = lifting->decompose(h);
  at::Tensor blended = at::zeros_like(z), back = at::zeros_like(h);
  for (int64_t k = 0; k < 3; ++k) {
    const auto one = test::alone(*lifting, k);
    const at::Tensor part = one->decompose(h);
    blended[0] += part[0] * test::weight(logits, k, 0);
    for (int64_t level = 0; level < 2; ++level)  // column 1 is the finest detail, the last scale
      blended[2 - level] += part[2 - level] * test::weight(logits, k, level + 1);
    back += one->reconstruct(z) * test::weight(logits, k, 0);
  }
  CHECK(z.allclose(blended, 1e-12, 1e-12));
  CHECK(lifting->reconstruct(z).allclose(back, 1e-12, 1e-12));
  LayerState memory;  // every basis has a past of its own
  const at::Tensor first = lifting->decompose(h.narrow(1, 0, 4), &memory);
  CHECK(at::cat({first, lifting->decompose(h.narrow(1, 4, 3), &memory)}, 2).allclose(z, 1e-12, 1e-12));
}

TEST_CASE("a basis with all the weight reconstructs perfectly", "[multi_basis]") {
  namespace test = multi_basis_test;
  const auto lifting = test::make(test::bases({"haar", "random"}));
  testing::perturb(*lifting, 0.2);
  const at::NoGradGuard no_gradient;
  at::Tensor logits = lifting->named_parameters()["weights"];
  logits.zero_().select(0, 1).fill_(100);
  const at::Tensor h = testing::random_double({2, 6, 3});
  CHECK(lifting->reconstruct(lifting->decompose(h)).allclose(h, 1e-10, 1e-12));
  logits.zero_();
  CHECK_FALSE(lifting->reconstruct(lifting->decompose(h)).allclose(h, 1e-2, 1e-2));
}

TEST_CASE("the wavelets of multi_basis start as named, damped by level, and its second set undamped",
          "[multi_basis]") {
  namespace test = multi_basis_test;
  const at::Tensor one = at::eye(3, at::kDouble);
  const auto lifting = test::make({{"linear", config::Node(true)}});
  const auto values = lifting->named_parameters();
  CHECK(values["bases.0.predict.1.only.weight"].allclose(one / 1.1, 1e-6));
  CHECK(values["bases.1.predict.1.only.weight"].abs().max().item<double>() < 0.06);
  CHECK(values["bases.1.dilation.logits"].sizes() == at::IntArrayRef({2, 3}));
  CHECK(values["weights"].equal(at::tensor({10., 10., 10., 0., 0., 0.}, at::kDouble).view({2, 3})));
  const testing::Settings untied = {{"linear", config::Node(true)},
                                    {"untied_reconstruction", config::Node(true)}};
  const auto back = test::make(untied, true)->named_parameters();
  CHECK(back["bases.0.update.1.only.weight"].allclose(one / 2, 1e-12));
  CHECK_FALSE(back.contains("bases.0.dilation.logits"));
  CHECK_FALSE(back.contains("bases.0.predict.1.only.weight"));
  testing::Settings idle = untied;
  idle.emplace_back("idle_predictions", config::Node(true));
  CHECK(test::make(idle, true)->named_parameters().contains("bases.0.predict.1.only.weight"));
}

TEST_CASE("multi_basis refuses to be shared, unknown bases, and idle predictions without a second set",
          "[multi_basis]") {
  namespace test = multi_basis_test;
  CHECK_THROWS_WITH(
      test::make({}, false, true),
      "part.bases = [\"haar\", \"random\"]: cannot be shared by all blocks; set share_lifting = false");
  CHECK_THROWS_WITH(
      test::make(test::bases({"daubechies"})),
      "part.bases = [\"daubechies\"]: knows no 'daubechies'; known: haar, zero, random, uniform");
  CHECK_THROWS_WITH(test::make({{"idle_predictions", config::Node(true)}}),
                    "part.idle_predictions = true: needs untied_reconstruction");
}
