#include "models/channel_mixers/product_keys.h"

#include "core/testing/catch.h"
#include "models/channel_mixer.h"
#include "models/testing/build.h"

using namespace subband;

namespace product_keys_test {

using Config = channel_mixers::ProductKeysConfig;

struct Lookup {
  Module owner;
  std::optional<channel_mixers::ProductKeys> keys;
  explicit Lookup(const Config& config, int64_t width = 8) {
    Initializer initializer(plain_generator(1));
    keys.emplace(owner, config, BlockContext{.width = width, .initializer = &initializer});
    owner.to(at::kDouble);
    testing::perturb(owner, 0.5);
  }
};

}  // namespace product_keys_test

TEST_CASE("both ways of reading rows give the weighted sum of the chosen ones", "[product_keys]") {
  const at::NoGradGuard no_gradient;
  product_keys_test::Lookup lookup({.keys = 25, .top_k = 4, .heads = 2});
  const auto choice = lookup.keys->choose(testing::random_double({2, 3, 8}));
  REQUIRE(choice.rows_NR.sizes() == at::IntArrayRef({6, 8}));
  const at::Tensor table = lookup.keys->values();
  at::Tensor sum = at::zeros({6, 8}, at::kDouble);
  for (int64_t n = 0; n < 6; ++n)
    for (int64_t r = 0; r < 8; ++r)
      sum[n] += table[choice.rows_NR[n][r].item<int64_t>()] * choice.weights_NR[n][r].item<double>();
  CHECK(product_key_paths::gather(table, choice).allclose(sum, 1e-12, 1e-12));
  CHECK(product_key_paths::dense(table, choice).allclose(sum, 1e-12, 1e-12));
}

TEST_CASE("weights sum to one per head, rows stay within their head, and more than there are cannot be kept",
          "[product_keys]") {
  const at::NoGradGuard no_gradient;
  product_keys_test::Lookup lookup({.keys = 4, .top_k = 32, .heads = 2});
  const auto choice = lookup.keys->choose(testing::random_double({1, 5, 8}));
  REQUIRE(choice.rows_NR.size(1) == 2 * 4);
  const at::Tensor first = choice.rows_NR.narrow(1, 0, 4), second = choice.rows_NR.narrow(1, 4, 4);
  CHECK((first.ge(0) & first.lt(4) & second.ge(4) & second.lt(8)).all().item<bool>());
  CHECK(choice.weights_NR.narrow(1, 0, 4).sum(1).allclose(at::ones({5}, at::kDouble), 1e-12, 1e-12));
}

TEST_CASE("product keys refuse tables that are no square and heads that do not fit", "[product_keys]") {
  const testing::Workshop workshop;
  const auto refused = [&](const testing::Settings& settings, int64_t width) {
    workshop.make<ChannelMixer>("product_key_memory", settings, {.width = width});
  };
  CHECK_THROWS_WITH(refused({{"keys", testing::integer(24)}}, 8), "part.keys = 24: must be a square number");
  CHECK_THROWS_WITH(refused({{"heads", testing::integer(3)}}, 8), "part.heads = 3: must divide width = 8");
}

TEST_CASE("the weights of half-precision scores are computed in single", "[product_keys]") {
  const at::NoGradGuard no_gradient;
  product_keys_test::Lookup lookup({.keys = 25, .top_k = 4, .heads = 2});
  lookup.owner.to(at::kHalf);
  const auto choice = lookup.keys->choose(testing::random_double({2, 3, 8}).to(at::kHalf));
  REQUIRE(choice.weights_NR.scalar_type() == at::kFloat);
  CHECK(choice.weights_NR.sum(1).allclose(at::full({6}, 2.0), 0, 1e-6));
}
