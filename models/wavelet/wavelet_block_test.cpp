#include "models/wavelet/wavelet_block.h"

#include <algorithm>
#include <cmath>

#include "core/testing/catch.h"
#include "models/testing/build.h"
#include "models/wavelet/wavelet_net.h"

using namespace subband;

namespace wavelet_block_test {

using testing::integer;
using testing::Settings;
using Node = config::Node;

/// The identity, which keeps what went through it in either direction.
class SpyTransform final : public Transform {
 public:
  struct Config {
    void bind(Binder&) {}
  };
  SpyTransform(const Config&, const BlockContext&) {}
  int64_t padded_width(int64_t width) const override { return width; }
  at::Tensor forward(const at::Tensor& z) override { return coefficients = z; }
  at::Tensor inverse(const at::Tensor& z) override { return mixed = z; }
  double flops(int64_t) const override { return 0; }
  at::Tensor coefficients, mixed;
};

/// A net of one block whose scale mixer is exactly the identity, and the spy in it.
struct Watched {
  std::shared_ptr<Net> net;
  SpyTransform* spy = nullptr;
};

Watched make(const Settings& more) {
  Registry registry;
  register_models_parts(registry);
  registry.of<Transform>().add<SpyTransform, SpyTransform::Config>({.name = "spy"});
  Node written = Node::map(), resolved = Node::map();
  Settings settings = {{"type", Node("wavelet_lm")},
                       {"width", integer(6)},
                       {"layers", integer(1)},
                       {"block.levels", integer(2)},
                       {"block.transform", Node("spy")},
                       {"block.channel_mixers", Node::map()},
                       {"block.scale_mixer.gate", Node("none")}};
  settings.insert(settings.end(), more.begin(), more.end());
  for (const auto& [path, value] : settings) written.set_at("part." + path, value);
  BindSession session{.registry = &registry};
  Binder binder(session, written, resolved);
  Slot<Net> slot;
  Initializer initializer(plain_generator(4));
  const NetContext context{.vocabulary = 9, .initializer = &initializer};
  slot.bind(binder, "part", context, "");
  session.finish();
  Watched watched{.net = slot.make(context)};
  watched.net->to(at::kDouble);
  const at::NoGradGuard no_gradient;
  for (auto& item : watched.net->named_parameters())
    if (item.key().ends_with("mixer.weight")) item.value().copy_(at::eye(6, at::kDouble));
  for (const auto& module : watched.net->modules())
    if (auto* spy = dynamic_cast<SpyTransform*>(module.get())) watched.spy = spy;
  return watched;
}

at::Tensor ids() { return at::randint(0, 9, {2, 5}, plain_generator(2)); }

}  // namespace wavelet_block_test

TEST_CASE("a block keeps only the largest transformed coefficients of every scale and position",
          "[wavelet_block]") {
  namespace test = wavelet_block_test;
  const at::NoGradGuard no_gradient;
  for (const int64_t count : {2, 5}) {
    const auto watched = test::make({{"block.keep_largest", test::integer(count)}});
    watched.net->forward(test::ids());
    const at::Tensor z = watched.spy->coefficients, kept = watched.spy->mixed;
    REQUIRE(z.sizes() == at::IntArrayRef({3, 2, 5, 6}));
    for (int64_t s = 0; s < 3; ++s)
      for (int64_t b = 0; b < 2; ++b)
        for (int64_t t = 0; t < 5; ++t) {
          std::vector<double> sizes;
          for (int64_t c = 0; c < 6; ++c) sizes.push_back(std::abs(z[s][b][t][c].item<double>()));
          std::vector<double> sorted = sizes;
          std::ranges::sort(sorted);
          const double smallest = sorted[static_cast<size_t>(6 - count)];
          for (int64_t c = 0; c < 6; ++c)
            CHECK(kept[s][b][t][c].item<double>() ==
                  (sizes[static_cast<size_t>(c)] >= smallest ? z[s][b][t][c].item<double>() : 0));
        }
  }
}

TEST_CASE("a block that keeps all coefficients, or more than there are, changes none", "[wavelet_block]") {
  namespace test = wavelet_block_test;
  const at::NoGradGuard no_gradient;
  for (const int64_t count : {0, 6, 99}) {
    const auto watched = test::make({{"block.keep_largest", test::integer(count)}});
    watched.net->forward(test::ids());
    CHECK(watched.spy->mixed.equal(watched.spy->coefficients));
  }
}

TEST_CASE("coefficients are normed per scale before the bypass joins in, and once more on the way back",
          "[wavelet_block]") {
  namespace test = wavelet_block_test;
  const at::NoGradGuard no_gradient;
  const auto watched =
      test::make({{"block.norm_coefficients", test::Node(true)}, {"block.norm_synthesis", test::Node(true)}});
  auto values = watched.net->named_parameters();
  const at::Tensor before = watched.net->forward(test::ids());
  const at::Tensor z = watched.spy->coefficients;  // gains of the bypass are still zero
  CHECK(z.mean(-1).abs().max().item<double>() < 1e-12);
  CHECK((z.var(-1, false) - 1).abs().max().item<double>() < 0.05);
  values["blocks.0.coefficient_norms.1.bias"].fill_(3);
  values["blocks.0.bypass.gains"].fill_(0.5);
  watched.net->forward(test::ids());
  CHECK_FALSE(watched.spy->coefficients[0].allclose(z[0], 1e-3, 1e-3));
  CHECK((watched.spy->coefficients[1] - watched.spy->coefficients[0]).mean().item<double>() ==
        Approx(3).epsilon(1e-9));
  values["blocks.0.bypass.gains"].zero_();
  values["blocks.0.coefficient_norms.1.bias"].zero_();
  // The second norm undoes any scaling of what the mixer made.
  for (auto& item : values)
    if (item.key().ends_with("mixer.weight")) item.value().mul_(1000);
  CHECK(watched.net->forward(test::ids()).allclose(before, 1e-3, 1e-5));
}
