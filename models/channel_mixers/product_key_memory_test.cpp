#include <algorithm>
#include <cmath>

#include "core/testing/catch.h"
#include "models/channel_mixer.h"
#include "models/channel_mixers/product_keys.h"
#include "models/testing/build.h"

using namespace subband;

namespace product_key_memory_test {

/// One position by full search: the score of every row is known, the best ones are kept.
at::Tensor looked_up(const torch::OrderedDict<std::string, at::Tensor>& values, const at::Tensor& x,
                     int64_t top_k) {
  const at::Tensor a = values["keys_a"], b = values["keys_b"], table = values["values.weight"];
  const int64_t heads = a.size(0), side = a.size(1), half = a.size(2), keys = side * side;
  const at::Tensor q = values["query_proj.weight"].mv(x);
  at::Tensor y = at::zeros({table.size(1)}, at::kDouble);
  for (int64_t h = 0; h < heads; ++h) {
    std::vector<std::pair<double, int64_t>> scored;
    for (int64_t i = 0; i < side; ++i)
      for (int64_t j = 0; j < side; ++j)
        scored.emplace_back(a[h][i].dot(q.narrow(0, 2 * half * h, half)).item<double>() +
                                b[h][j].dot(q.narrow(0, 2 * half * h + half, half)).item<double>(),
                            i * side + j);
    std::sort(scored.rbegin(), scored.rend());
    scored.resize(std::min<size_t>(scored.size(), static_cast<size_t>(std::pow(std::min(top_k, side), 2))));
    scored.resize(std::min(scored.size(), static_cast<size_t>(top_k)));
    double sum = 0;
    for (const auto& [score, row] : scored) sum += std::exp(score);
    for (const auto& [score, row] : scored) y += table[row + h * keys] * (std::exp(score) / sum);
  }
  return y;
}

}  // namespace product_key_memory_test

TEST_CASE("the product-key memory finds what a full search finds", "[product_key_memory]") {
  for (const auto& [keys, top_k, heads] : {std::tuple{25, 4, 1}, {16, 32, 2}, {49, 7, 3}, {1, 1, 1}}) {
    INFO(keys << " keys, top " << top_k << ", heads " << heads);
    const testing::Settings settings = {{"keys", testing::integer(keys)},
                                        {"top_k", testing::integer(top_k)},
                                        {"heads", testing::integer(heads)}};
    const auto memory = testing::Workshop().make<ChannelMixer>("product_key_memory", settings, {.width = 12});
    testing::perturb(*memory, 0.5);
    const at::NoGradGuard no_gradient;
    const at::Tensor x = testing::random_double({2, 5, 12}), y = memory->forward(x);
    for (int64_t b = 0; b < 2; ++b)
      for (int64_t t = 0; t < 5; ++t)
        CHECK(y[b][t].allclose(product_key_memory_test::looked_up(memory->named_parameters(), x[b][t], top_k),
                               1e-11, 1e-12));
  }
}

TEST_CASE("gathering rows and multiplying with the whole table agree, gradients too",
          "[product_key_memory]") {
  using namespace channel_mixers;
  at::Generator generator = plain_generator(2);
  const at::Tensor rows = at::randperm(40, generator).view({8, 5});
  const auto gradients = [&](auto&& read) {
    const at::Tensor table = testing::random_double({40, 6}).requires_grad_();
    const at::Tensor weights = testing::random_double({8, 5}, 4).requires_grad_();
    const at::Tensor y = read(table, ProductKeys::Choice{rows, weights});
    (y * testing::random_double({8, 6}, 5)).sum().backward();
    return std::vector<at::Tensor>{y.detach(), table.grad(), weights.grad()};
  };
  const auto gathered = gradients(product_key_paths::gather), dense = gradients(product_key_paths::dense);
  for (size_t i = 0; i < gathered.size(); ++i) CHECK(gathered[i].allclose(dense[i], 1e-12, 1e-12));
}

TEST_CASE("the product-key memory refuses keys and heads that do not fit", "[product_key_memory]") {
  const auto make = [](int64_t keys, int64_t heads) {
    return testing::Workshop().make<ChannelMixer>(
        "product_key_memory", {{"keys", testing::integer(keys)}, {"heads", testing::integer(heads)}},
        {.width = 12});
  };
  CHECK_THROWS_WITH(make(24, 1), "part.keys = 24: must be a square number");
  CHECK_THROWS_WITH(make(25, 5), "part.heads = 5: must divide width = 12");
  CHECK_THROWS_WITH(make(25, 4), "part.heads = 4: must leave an even width per head, width = 12");
}
