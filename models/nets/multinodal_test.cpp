#include <cmath>

#include "core/testing/catch.h"
#include "models/testing/build.h"
#include "models/testing/waveletlm.h"

using namespace subband;

namespace multinodal_test {

using testing::integer;
using testing::number;
using testing::Settings;
using Node = config::Node;

Settings small(const Settings& more = {}) {
  Settings all = {{"width", integer(8)},
                  {"cell.block.levels", integer(2)},
                  {"cell.block.channel_mixers.mlp.expansion", integer(2)}};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}
Settings seeds(const std::vector<int64_t>& values) {
  Node list = Node::list();
  for (const int64_t value : values) list.items().emplace_back(value);
  return {{"seeds", list}};
}
std::shared_ptr<Net> make(const Settings& settings) {
  return testing::make_net(settings, 13, Initializer(plain_generator(5)), "multinodal");
}
at::Tensor ids() { return at::randint(0, 13, {2, 7}, plain_generator(8)); }

/// One cell alone, with the values that it has in the net.
std::shared_ptr<Net> cell_of(Net& net, int64_t c, const Settings& settings) {
  Settings own;
  for (const auto& [path, value] : settings) {
    if (path.starts_with("cell.")) own.emplace_back(path.substr(5), value);
    if (path == "width") own.emplace_back(path, value);
  }
  const auto cell = testing::make_net(own, 13, Initializer(plain_generator(1)));
  const at::NoGradGuard no_gradient;
  for (auto& item : cell->named_parameters())
    item.value().copy_(net.named_parameters()["cells." + std::to_string(c) + "." + item.key()]);
  return cell;
}

}  // namespace multinodal_test

TEST_CASE("two cells in lockstep answer as the original, and so do their gradients", "[multinodal]") {
  namespace test = multinodal_test;
  const auto file = testing::recorded_waveletlm("G_multinodal");
  if (!file) return;
  const test::Settings settings = {{"width", test::integer(16)},
                                   {"gating", test::Node(true)},
                                   {"lockstep", test::Node("bare")},
                                   {"scale_loss", test::Node(true)},
                                   {"features", test::integer(12)},
                                   {"cell.block.levels", test::integer(3)},
                                   {"cell.block.dilation", test::Node("crawl")},
                                   {"cell.block.bypass.cross_window", test::Node(true)},
                                   {"cell.block.scale_mixer.low_rank", test::integer(2)},
                                   {"cell.block.scale_mixer.routing", test::Node(true)},
                                   {"cell.block.scale_mixer.widths", testing::numbers({1, 1, 0.5, 0.5})},
                                   {"cell.block.channel_mixers.mlp.expansion", test::integer(3)},
                                   {"cell.block.channel_mixers.product_key_memory.keys", test::integer(25)},
                                   {"cell.block.channel_mixers.product_key_memory.top_k", test::integer(4)},
                                   {"cell.block.channel_mixers.fast_weight_memory.keys", test::integer(16)},
                                   {"cell.block.channel_mixers.fast_weight_memory.top_k", test::integer(32)},
                                   {"cell.block.per_layer_embedding", test::Node(true)}};
  const auto net = testing::make_net(settings, 37, Initializer(plain_generator(5)), "multinodal");
  // In fp64: the gradient of alpha_fwpkm is a sum that nearly cancels, and fp32 loses 1.1e-5 of it, fp64 4e-6 against
  // the recorded fp32.
  net->to(at::kDouble);
  testing::check_recorded(*net, *file);
  CHECK(net->carries() == Carry::nothing);
}

TEST_CASE("without gates the cells' logits are averaged, or summed", "[multinodal]") {
  namespace test = multinodal_test;
  const at::NoGradGuard no_gradient;
  const at::Tensor ids = test::ids();
  for (const char* combination : {"average", "sum"}) {
    const auto settings =
        test::small({{"cells", test::integer(3)}, {"combination", test::Node(combination)}});
    const auto net = test::make(settings);
    testing::perturb(*net, 0.1);
    at::Tensor sum = at::zeros({2, 7, 13});
    for (int64_t c = 0; c < 3; ++c) sum += test::cell_of(*net, c, settings)->forward(ids);
    const double share = std::string(combination) == "average" ? 3 : 1;
    CHECK(net->forward(ids).allclose(sum / share, 1e-5, 1e-6));
  }
}

TEST_CASE(
    "gates that are zero leave the cells alone, per-layer embeddings, loops and carried states included",
    "[multinodal]") {
  namespace test = multinodal_test;
  const at::Tensor ids = test::ids();
  const test::Settings cell = {{"cell.block.per_layer_embedding", test::Node(true)},
                               {"cell.block.bypass.cross_window", test::Node(true)},
                               {"cell.loop_iterations", test::integer(2)},
                               {"cell.layers", test::integer(3)}};
  test::Settings gated = test::small(cell);
  gated.emplace_back("gating", test::Node(true));
  gated.emplace_back("gate_interval", test::integer(2));
  const auto apart = test::make(test::small(cell)), together = test::make(gated);
  CHECK(together->named_parameters().contains("gates.1.weight"));
  const at::NoGradGuard no_gradient;
  testing::perturb(*apart, 0.1);
  const auto plain = apart->named_parameters();
  for (auto& item : together->named_parameters())
    if (const at::Tensor* value = plain.find(item.key())) item.value().copy_(*value);
  SequenceState state, other;
  at::Tensor third;
  for (int call = 0; call < 3; ++call) {
    state.next_window(), other.next_window();
    third = together->forward(ids, {.state = &state});
    CHECK(third.allclose(apart->forward(ids, {.state = &other}), 1e-5, 1e-6));
    CHECK(third.allclose(together->forward(ids), 1e-5, 1e-6) == (call == 0));
  }
  together->named_parameters()["gates.0.weight"].fill_(0.3);
  state.next_window();
  CHECK_FALSE(together->forward(ids, {.state = &state}).allclose(third, 1e-3, 1e-3));
}

TEST_CASE("each cell's initial weights are those of its own seed, and bagged channels start at epsilon",
          "[multinodal]") {
  namespace test = multinodal_test;
  test::Settings settings = test::small(test::seeds({42, 137}));
  settings.emplace_back("features", test::integer(3));
  settings.emplace_back("bagged_epsilon", test::number(1e-6));
  const auto net = test::make(settings);
  const auto alone = testing::make_net({{"width", test::integer(8)},
                                        {"block.levels", test::integer(2)},
                                        {"block.channel_mixers.mlp.expansion", test::integer(2)}},
                                       13, Initializer(plain_generator(137)));
  for (const auto& item : alone->named_parameters()) {
    INFO(item.key());
    const at::Tensor mine = net->named_parameters()["cells.1." + item.key()];
    if (item.key() != "embedding.weight") CHECK(mine.equal(item.value()));
  }
  // random.Random(137).shuffle(list(range(8))) of CPython
  const std::vector<int64_t> order = {4, 5, 0, 6, 2, 3, 7, 1};
  const at::Tensor table = net->named_parameters()["cells.1.embedding.weight"].detach();
  const at::Tensor usual = alone->named_parameters()["embedding.weight"].detach();
  for (size_t i = 0; i < 8; ++i) {
    const at::Tensor column = table.select(1, order[i]);
    CHECK(column.equal(i < 5 ? at::full({13}, 1e-6f) : usual.select(1, order[i])));
  }
}

TEST_CASE("the loss is that of the combined logits, over the root of the cells where asked", "[multinodal]") {
  namespace test = multinodal_test;
  const at::NoGradGuard no_gradient;
  const at::Tensor ids = test::ids();
  const auto plain = test::make(test::small()),
             scaled = test::make(test::small({{"scale_loss", test::Node(true)}}));
  CHECK(scaled->loss(ids, ids).item<double>() ==
        Approx(plain->loss(ids, ids).item<double>() / std::sqrt(2.0)).epsilon(1e-6));
}

TEST_CASE("multinodal refuses too few seeds and a width of the cell's own", "[multinodal]") {
  namespace test = multinodal_test;
  CHECK_THROWS_WITH(test::make(test::small(test::seeds({1}))),
                    "part.seeds = [1]: must have one number per cell, cells = 2");
  CHECK_THROWS_WITH(test::make(test::small({{"cell.width", test::integer(8)}})),
                    Catch::ContainsSubstring("part.cell.width: unknown key"));
}

TEST_CASE("bare lockstep goes through the blocks once and carries nothing, whatever the cells would do",
          "[multinodal]") {
  namespace test = multinodal_test;
  const at::NoGradGuard no_gradient;
  const test::Settings bare = {{"gating", test::Node(true)}, {"lockstep", test::Node("bare")}};
  const auto answer = [&](const test::Settings& loops) {
    test::Settings settings = test::small(bare);
    settings.insert(settings.end(), loops.begin(), loops.end());
    const auto net = test::make(settings);
    testing::perturb(*net, 0.1);
    return net->forward(test::ids());
  };
  const at::Tensor one = answer({{"cell.layers", test::integer(1)}});
  CHECK(answer({{"cell.layers", test::integer(1)}, {"cell.loop_iterations", test::integer(3)}}).equal(one));
  CHECK(answer({{"cell.layers", test::integer(1)}, {"cell.loop_block", test::integer(3)}}).equal(one));

  test::Settings crossing = test::small(bare);
  crossing.emplace_back("cell.block.bypass.cross_window", test::Node(true));
  const auto net = test::make(crossing);
  testing::perturb(*net, 0.1);
  SequenceState state;  // there is nothing to carry
  const at::Tensor first = net->forward(test::ids(), {.state = &state});
  state.next_window();
  CHECK(net->forward(test::ids(), {.state = &state}).equal(first));
}

// Two gates stand for three blocks, but only after the second one do the cells see each other.
TEST_CASE("cells see each other after every gate_interval blocks", "[multinodal]") {
  namespace test = multinodal_test;
  const at::NoGradGuard no_gradient;
  const auto net = test::make(test::small({{"gating", test::Node(true)},
                                           {"gate_interval", test::integer(2)},
                                           {"cell.layers", test::integer(3)}}));
  testing::perturb(*net, 0.2);
  auto values = net->named_parameters();
  values["cells.0.head.weight"].zero_();  // cell 1 alone is heard
  const auto is_heard = [&](const std::string& name) {
    const at::Tensor before = net->forward(test::ids());
    values[name].add_(0.3);
    return !net->forward(test::ids()).equal(before);
  };
  CHECK(is_heard("cells.0.blocks.0.channel_norm.bias"));
  CHECK(is_heard("cells.0.blocks.1.channel_norm.bias"));
  CHECK_FALSE(is_heard("cells.0.blocks.2.channel_norm.bias"));
  CHECK(is_heard("cells.1.blocks.2.channel_norm.bias"));
  CHECK(is_heard("gates.0.weight"));
  CHECK_FALSE(is_heard("gates.1.weight"));
}
