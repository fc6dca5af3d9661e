#include "experiments/quantisation/packed_run.h"

#include <torch/torch.h>

#include <cmath>

#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "experiments/parts.h"
#include "experiments/quantisation/packing.h"
#include "experiments/testing/tiny.h"
#include "experiments/training/experiment.h"

namespace packed_run_test {

using namespace subband;
using config::Node;

static const Registry& packed_run_parts() {
  static const Registry registry = [] {
    Registry made;
    made.of<Data>().add<testing::TinyData, testing::TinyData::Config>({.name = "tiny", .summary = "for tests"});
    made.of<Tokenizer>().add<testing::LetterTokenizer, testing::LetterTokenizer::Config>(
        {.name = "letters", .summary = "for tests"});
    register_parts(made);
    return made;
  }();
  return registry;
}

static Recipe packed_recipe(const std::vector<std::pair<std::string, Node>>& changes) {
  Node config = testing::tiny_config();
  config.set_at("net.type", Node("wavelet_lm"));
  config.set_at("net.width", Node(int64_t{32}));
  config.set_at("net.block.levels", Node(int64_t{2}));
  config.set_at("trainer.steps", Node(int64_t{3}));
  config.set_at("trainer.protocols", Node::list({Node("blocks")}));
  for (const auto& [path, value] : changes) config.set_at(path, value);
  return bind_recipe(packed_run_parts(), "tiny", config);
}

static const std::vector<std::pair<std::string, Node>> kTwoBits = {{"quantisation.mlp", Node(int64_t{2})},
                                                                    {"quantisation.embedding", Node(int64_t{3})},
                                                                    {"quantisation.group", Node("32")}};

// The same weights by the two ways: `quantize` on the checkpoint of a dense run, and a run that packs at its end.
TEST_CASE("a run that packs is measured as its dense twin's weights packed afterwards", "[packed_run]") {
  const TestFolder folder;
  const Recipe dense = packed_recipe({}), packed = packed_recipe(kTwoBits);
  const Outcome before = run_experiment(dense, {.checkpoints = folder / "dense", .cache = folder / "cache"});
  const Outcome after = run_experiment(packed, {.checkpoints = folder / "packed", .cache = folder / "cache"});
  REQUIRE((before.done() && after.done()));
  CHECK(after.metrics.at("train.loss") == before.metrics.at("train.loss"));
  Packing packing(packed_run_parts(), read_checkpoint(folder / "dense"), folder / "cache");
  packing.open_text({.split = "valid"});
  const PackedMatrices matrices = packing.pack(packed.quantisation.plan(), false);
  const Agreement wanted = packing.compare(matrices);
  CHECK(after.metrics.at("valid.loss") == Approx(wanted.loss).epsilon(1e-6));
  CHECK(std::abs(after.metrics.at("valid.loss") - before.metrics.at("valid.loss")) > 1e-4);
  CHECK(after.metrics.at("valid.kl_to_dense") == Approx(wanted.kl));
  CHECK(after.metrics.at("valid.same_top_as_dense") == wanted.same_top);
  CHECK(after.metrics.at("model.parameters") == before.metrics.at("model.parameters"));
  CHECK(after.metrics.at("model.packed_mib") < after.metrics.at("model.dense_mib"));
  const Checkpoint kept = read_checkpoint(folder / "packed");  // what was measured
  CHECK(kept.packed.size() == matrices.size());
  for (const auto& [name, matrix] : packed_weights(kept)) CHECK(matrix.codes.equal(matrices.at(name).codes));
  for (const MetricInfo& each : packed_metrics(packed)) CHECK(after.metrics.contains(each.name));
  CHECK(packed_metrics(dense).empty());
}

TEST_CASE("a run that packs goes on from its dense checkpoints, and its weights are trained no further", "[packed_run]") {
  const TestFolder folder;
  const Recipe recipe = packed_recipe(kTwoBits);
  const ExperimentOptions options{.checkpoints = folder / "run", .cache = folder / "cache"};
  const Metrics once = run_experiment(recipe, options).metrics, again = run_experiment(recipe, options).metrics;
  CHECK(again.at("valid.loss") == once.at("valid.loss"));
  const std::string file = (folder / "run" / kPackedCheckpoint).string();
  CHECK_THROWS_WITH(packed_recipe({{"trainer.weights", Node(file)}}),
                    "trainer.weights = " + file +
                        ": checkpoint: packed 'blocks.0.bypass.mix.weight' (2 bits, groups of 32): packed weights "
                        "are not trained; go on from the checkpoint that they were made of");
}

TEST_CASE("error feedback of a run is made for its training batches", "[packed_run]") {
  const TestFolder folder;
  auto changes = kTwoBits;
  changes.emplace_back("quantisation.method", Node("gptq"));
  changes.emplace_back("quantisation.calibration_tokens", Node(int64_t{48}));
  const Recipe recipe = packed_recipe(changes);
  const Outcome outcome = run_experiment(recipe, {.checkpoints = folder / "run", .cache = folder / "cache"});
  REQUIRE(outcome.done());
  CHECK(read_checkpoint(folder / "run").about.at("quantisation") == "gptq");
  Packing packing(packed_run_parts(), read_checkpoint(folder / "run" / checkpoint_name(3)), folder / "cache");
  packing.calibrate({.tokens = 48});
  const PackedMatrices wanted = packing.pack(recipe.quantisation.plan(), true),
                       nearest = packing.pack(recipe.quantisation.plan(), false);
  bool differs = false;
  for (const auto& [name, matrix] : packed_weights(read_checkpoint(folder / "run"))) {
    CHECK(matrix.codes.equal(wanted.at(name).codes));
    differs = differs || !matrix.codes.equal(nearest.at(name).codes);
  }
  CHECK(differs);
}

TEST_CASE("few bits of a recipe count for its identity, and no bits do not", "[packed_run]") {
  CHECK(packed_recipe({{"quantisation.mlp", Node(int64_t{16})}}).identity.at("quantisation") == nullptr);
  CHECK_FALSE(packed_recipe(kTwoBits).identity == packed_recipe({}).identity);
  CHECK_THROWS_WITH(packed_recipe({{"quantisation.mlp", Node(int64_t{5})}}), "quantisation.mlp = 5: must be 16, 8, 4, 3 or 2");
  CHECK_THROWS_WITH(expect_packable(*make_net(packed_recipe({})), packed_recipe({{"quantisation.mixer_fine", Node(int64_t{4})}})),
                    "quantisation: this net has nothing that these tiers pack");
}

}  // namespace packed_run_test
