// What every registered part of a WaveletLM block is asked, inside a whole net.
#include <set>

#include "core/testing/catch.h"
#include "models/testing/waveletlm.h"
#include "models/wavelet/wavelet_net.h"

namespace subband {
void register_models_parts(Registry& registry);
}

using namespace subband;

namespace wavelet_parts_test {

using testing::integer;
using testing::Settings;
using Node = config::Node;

template <class Interface>
std::vector<std::string> names() {
  Registry registry;
  register_models_parts(registry);
  return registry.of<Interface>().names();
}

/// Every part of every kind once, the rest of the block at its defaults; and switches that stand in no slot.
std::vector<Settings> all_swaps() {
  std::vector<Settings> swaps;
  const auto add = [&](const std::string& slot, const std::vector<std::string>& parts) {
    for (const std::string& part : parts) swaps.push_back({{"block." + slot, Node(part)}});
  };
  add("lifting", names<Lifting>());
  add("dilation", names<Dilation>());
  add("transform", names<Transform>());
  add("bypass", names<Bypass>());
  add("scale_mixer", names<ScaleMixer>());
  for (const std::string& part : names<ChannelMixer>())
    swaps.push_back({{"block.channel_mixers." + part, Node::map()}});
  swaps.push_back({{"block.keep_largest", integer(3)}});
  swaps.push_back({{"block.norm_coefficients", Node(true)}, {"block.norm_synthesis", Node(true)}});
  swaps.push_back(
      {{"block.scale_mixer.depth", integer(3)}, {"block.scale_mixer.depth_stabilizers", Node(true)}});
  swaps.push_back({{"block.scale_mixer.phase", Node(true)}, {"block.scale_mixer.routing", Node(true)}});
  swaps.push_back({{"block.scale_mixer.exponential", Node(true)}, {"block.scale_mixer.bias", Node(true)}});
  swaps.push_back({{"block.dilation.type", Node("crawl")}, {"block.dilation.taps", integer(33)}});
  swaps.push_back({{"block.transform", Node("identity")},
                   {"block.channel_mixers", Node::map()},
                   {"block.skip_projection", Node(true)}});
  swaps.push_back({{"stabilize", testing::words({"all"})}});
  return swaps;
}

std::string text(const Settings& settings) {
  std::string text;
  for (const auto& [path, value] : settings) text += path + "=" + config::brief(value) + " ";
  return text;
}

std::shared_ptr<Net> make(const Settings& swap) {
  Settings settings = {{"width", integer(12)},
                       {"layers", integer(2)},
                       {"share_lifting", Node(false)},
                       {"block.levels", integer(3)},
                       {"block.per_layer_embedding", Node(true)}};
  settings.insert(settings.end(), swap.begin(), swap.end());
  const auto net = testing::make_net(settings, 11, Initializer(plain_generator(2)));
  net->to(at::kDouble);
  testing::perturb(*net, 0.1);
  net->eval();
  return net;
}

}  // namespace wavelet_parts_test

TEST_CASE("whatever part is swapped in, later tokens do not touch earlier logits, bit for bit",
          "[wavelet_parts]") {
  namespace test = wavelet_parts_test;
  const at::NoGradGuard no_gradient;
  const at::Tensor ids = at::randint(0, 11, {2, 21}, plain_generator(6));
  at::Tensor edited = ids.clone();
  edited.narrow(1, 13, 8).copy_((ids.narrow(1, 13, 8) + 1).remainder(11));
  for (const auto& swap : test::all_swaps()) {
    INFO(test::text(swap));
    const auto net = test::make(swap);
    const at::Tensor before = net->forward(ids), after = net->forward(edited);
    CHECK(before.narrow(1, 0, 13).equal(after.narrow(1, 0, 13)));
    CHECK_FALSE(before.select(1, 13).equal(after.select(1, 13)));
    CHECK_FALSE(before.select(1, 20).equal(after.select(1, 20)));
  }
}

TEST_CASE("whatever part is swapped in, every gradient is finite and every parameter is reached",
          "[wavelet_parts]") {
  namespace test = wavelet_parts_test;
  const at::Tensor ids = at::randint(0, 11, {2, 20}, plain_generator(6));
  for (const auto& swap : test::all_swaps()) {
    INFO(test::text(swap));
    const auto net = test::make(swap);
    net->loss(ids.narrow(1, 0, 19), ids.narrow(1, 1, 19)).backward();
    for (const auto& item : net->named_parameters()) {
      INFO(item.key());
      // The first block has nobody before it, and channel_norm idles where there are no channel mixers.
      const bool may_idle =
          item.key() == "blocks.0.bypass.mix.weight" ||
          (!item.value().grad().defined() && item.key().find(".channel_norm.") != std::string::npos);
      if (may_idle) continue;
      REQUIRE(item.value().grad().defined());
      CHECK(item.value().grad().isfinite().all().item<bool>());
      CHECK(item.value().grad().abs().max().item<double>() > 0);
    }
  }
}

TEST_CASE("every lifting but a blend reconstructs perfectly with every dilation", "[wavelet_parts]") {
  namespace test = wavelet_parts_test;
  const testing::Workshop workshop;
  const at::NoGradGuard no_gradient;
  const at::Tensor h = testing::random_double({2, 14, 5});
  for (const std::string& type : test::names<Lifting>())
    for (const std::string& dilation_type : test::names<Dilation>()) {
      INFO(type << " with " << dilation_type);
      LiftingContext context;
      context.width = context.padded_width = 5;
      context.levels = 4;
      const Slot<Dilation> dilation = workshop.slot<Dilation>(dilation_type, {}, context);
      context.dilation = &dilation;
      const auto lifting = workshop.make<Lifting>(type, {}, context);
      testing::perturb(*lifting, 0.2);
      const at::Tensor z = lifting->decompose(h);
      CHECK(z.sizes() == at::IntArrayRef({5, 2, 14, 5}));
      CHECK((type == "multi_basis" || lifting->reconstruct(z).allclose(h, 1e-9, 1e-9)));
    }
}

TEST_CASE("every transform is undone by its inverse at the width that it asks for", "[wavelet_parts]") {
  namespace test = wavelet_parts_test;
  for (const std::string& type : test::names<Transform>())
    for (const int64_t width : {1, 2, 7, 12, 16}) {
      INFO(type << " at " << width);
      const auto asked = testing::Workshop().make<Transform>(type, {}, {.padded_width = width});
      const int64_t padded = asked->padded_width(width);
      CHECK((padded >= width && padded < 2 * width + 1));
      const at::Tensor z = testing::random_double({3, 2, padded});
      CHECK(asked->inverse(asked->forward(z)).allclose(z, 1e-10, 1e-10));
    }
}

TEST_CASE("every dropout is drawn in training, from the net's generator, and in training only",
          "[wavelet_parts]") {
  namespace test = wavelet_parts_test;
  using test::Node;
  const at::NoGradGuard no_gradient;
  const std::vector<std::pair<std::string, test::Settings>> cases = {
      {"dropout.embedding", {}},
      {"dropout.projection", {}},
      {"dropout.mixer", {}},
      {"dropout.lm_head", {}},
      {"dropout.mlp", {{"block.channel_mixers.mlp", Node::map()}}},
      {"dropout.mlp", {{"block.channel_mixers.swiglu", Node::map()}}},
      {"block.lifting.dropout", {{"block.lifting.type", Node("learned")}}},
      {"block.lifting.dropout", {{"block.lifting.type", Node("multi_basis")}}},
      {"block.lifting.dropout", {{"block.lifting.type", Node("packet")}}}};
  const at::Tensor ids = at::randint(0, 11, {2, 6}, plain_generator(6));
  for (const auto& [rate, settings] : cases) {
    test::Settings dropping = settings;
    dropping.emplace_back(rate, testing::number(0.5));
    INFO(test::text(dropping));
    const auto net = test::make(dropping);
    const at::Tensor expected = test::make(settings)->forward(ids);
    CHECK(net->forward(ids).equal(expected));
    net->train();
    net->set_generator(plain_generator(1));
    const at::Tensor first = net->forward(ids);
    CHECK_FALSE(first.equal(expected));
    CHECK_FALSE(net->forward(ids).equal(first));
    net->set_generator(plain_generator(1));
    CHECK(net->forward(ids).equal(first));
  }
}

TEST_CASE("an untied way back answers as the tied one where its networks are the same, and only there",
          "[wavelet_parts]") {
  namespace test = wavelet_parts_test;
  using test::Node;
  const at::NoGradGuard no_gradient;
  const at::Tensor ids = at::randint(0, 11, {2, 9}, plain_generator(6));
  for (const char* type : {"learned", "linear", "multi_basis"}) {
    for (const bool idle : {false, true}) {
      INFO(type << (idle ? " with idle predictions" : ""));
      const auto tied = test::make({{"block.lifting.type", Node(type)}});
      const auto untied = test::make({{"block.lifting.type", Node(type)},
                                      {"block.lifting.untied_reconstruction", Node(true)},
                                      {"block.lifting.idle_predictions", Node(idle)}});
      const auto values = tied->named_parameters();
      const std::string second = "reconstruction.";
      int64_t second_set = 0, predictions = 0;
      for (auto& item : untied->named_parameters()) {
        std::string name = item.key();
        if (const size_t at = name.find(second); at != std::string::npos) {
          name.replace(at, second.size(), "lifting.");
          ++second_set;
          predictions += name.find("predict") != std::string::npos;
        }
        item.value().copy_(values[name]);
      }
      CHECK(second_set > 0);
      CHECK((predictions > 0) == idle);
      CHECK(untied->forward(ids).allclose(tied->forward(ids), 1e-12, 1e-12));
      for (auto& item : untied->named_parameters())
        if (item.key().find(second + "update.0") != std::string::npos ||
            item.key().find(second + "bases.0.update.0") != std::string::npos)
          item.value().add_(0.1);
      CHECK_FALSE(untied->forward(ids).allclose(tied->forward(ids), 1e-6, 1e-6));
    }
  }
}
