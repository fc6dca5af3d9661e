// Parameter counts that WaveletLM published, from specs: nothing is allocated.
#include "core/files.h"
#include "core/testing/catch.h"
#include "core/text.h"
#include "experiments/load_recipe.h"
#include "experiments/parts.h"

namespace waveletlm_counts_test {
using namespace subband;
using Words = std::vector<std::string>;

struct Count {
  Words overrides;
  int64_t parameters;
};

Words with(Words base, const Words& more) {
  base.insert(base.end(), more.begin(), more.end());
  return base;
}

void check(const std::string& recipe, const std::vector<Count>& counts) {
  Registry registry;
  register_parts(registry);
  for (const Count& each : counts) {
    INFO(recipe << " " << join(each.overrides, " "));
    const Recipe bound = load_recipe(registry, {.name = recipe, .overrides = each.overrides});
    CHECK(parameter_count(*make_meta_net(bound)) == each.parameters);
  }
}

const std::string kMixers = "net.block.channel_mixers.";
std::string mlp(int64_t expansion) { return kMixers + "mlp.expansion=" + std::to_string(expansion); }
std::string product_keys(int64_t keys) { return kMixers + "product_key_memory.keys=" + std::to_string(keys); }
std::string fast_weights(int64_t keys) { return kMixers + "fast_weight_memory.keys=" + std::to_string(keys); }
std::string depth(int64_t maps) { return "net.block.scale_mixer.depth=" + std::to_string(maps); }
std::string levels(int64_t levels) { return "net.block.levels=" + std::to_string(levels); }
std::string layers(int64_t layers) { return "net.layers=" + std::to_string(layers); }
std::string width(int64_t width) { return "net.width=" + std::to_string(width); }
const std::string kEmbedding = "net.block.per_layer_embedding=true", kTied = "net.tie_embedding=true",
                  kShared = "net.share_lifting=true", kLinear = "net.block.lifting=linear",
                  kRouting = "net.block.scale_mixer.routing=true",
                  kStabilizers = "net.block.scale_mixer.depth_stabilizers=true",
                  kIdle = "net.block.lifting.idle_predictions=true",
                  kUntied = "net.block.lifting.untied_reconstruction=true";

TEST_CASE("the headline recipe and its relatives have the published parameters", "[waveletlm_counts]") {
  const Words t1 = {layers(1), mlp(10), "~" + kMixers + "product_key_memory", fast_weights(8281), kTied};
  const Words t2 = with(t1, {levels(7), "net.block.scale_mixer.widths=[1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5]"});
  check("wikitext_103/waveletlm_883m", {{{}, 882511981},
                                        {{"net.block.bypass=ema"}, 890904685},
                                        {{layers(1)}, 586147902},
                                        {t1, 344633405},
                                        {t2, 392912993},
                                        {with(t2, {"net.block.dilation=dyadic"}), 392912972}});
  check("pg19/waveletlm_808m", {{{}, 807731309}});
}

TEST_CASE("twenty blocks of width 512 have the published parameters with every switch",
          "[waveletlm_counts]") {
  check("wikitext_103/waveletlm_run_4",
        {{{}, 366579972},
         {{width(64)}, 11416324},
         {{width(128)}, 32662788},
         {{width(256)}, 104646916},
         {{width(1024)}, 1362305284},
         {{"net.block.bypass=none"}, 361234692},
         {{"net.block.scale_mixer.gate=none"}, 314151172},
         {{"net.block.skip_projection=true"}, 361326852},
         {{kShared}, 186923268},
         {{kLinear}, 272023812},
         {{kTied}, 340848388},
         {{"~" + kMixers + "mlp"}, 356073712},
         {{mlp(2)}, 377075972},
         {{mlp(10)}, 461043972},
         {{mlp(20)}, 566003972},
         {{mlp(50)}, 880883972},
         {{product_keys(529)}, 377475352},
         {{product_keys(16384)}, 540905752},
         {{product_keys(529), fast_weights(529)}, 388370732},
         {{product_keys(16384), fast_weights(16384)}, 715231532},
         {{fast_weights(1681)}, 389456152},
         {{kEmbedding}, 366590212},
         {{"net.block.scale_mixer.low_rank=4"}, 367399172},
         {{"net.block.scale_mixer.low_rank=16"}, 369856772},
         {{"net.block.scale_mixer.low_rank=64"}, 379687172},
         {{"net.block.lifting.hidden_multiplier=2"}, 555507972},
         {{width(2048), layers(1), mlp(20)}, 617046029},
         {{width(2048), layers(1), mlp(20), "net.block.lifting.hidden_multiplier=2"}, 768077837},
         {{width(4096), layers(1), mlp(20)}, 2056175629},
         {{layers(2), width(2048), mlp(20), kEmbedding, product_keys(16384), fast_weights(16384)},
          1180282910}});
}

TEST_CASE("numbers of levels and blocks give the published parameters", "[waveletlm_counts]") {
  std::vector<Count> counts;
  const std::pair<int64_t, int64_t> of_levels[] = {{1, 114511972}, {2, 146020472}, {3, 177528972},
                                                   {4, 209037472}, {5, 240545972}, {6, 272054472},
                                                   {11, 429596972}};
  const std::pair<int64_t, int64_t> of_layers[] = {{1, 67219981},   {4, 114487348},  {10, 209022082},
                                                   {15, 287801027}, {18, 335068394}, {30, 524137862}};
  for (const auto& [number, parameters] : of_levels) counts.push_back({{levels(number)}, parameters});
  for (const auto& [number, parameters] : of_layers) counts.push_back({{layers(number)}, parameters});
  check("wikitext_103/waveletlm_run_4", counts);
}

TEST_CASE("mixers in a row have the published parameters", "[waveletlm_counts]") {
  check("wikitext_103/waveletlm_run_4", {{{depth(2)}, 471744772},
                                         {{depth(2), kStabilizers}, 471744812},
                                         {{depth(3)}, 576909572},
                                         {{depth(5)}, 787239172},
                                         {{depth(10)}, 1313063172}});
}

TEST_CASE("two wide blocks have the published parameters with every wavelet", "[waveletlm_counts]") {
  const Words wide = {layers(2), width(2048), levels(5), "net.block.scale_mixer.low_rank=4",
                      mlp(20),   kEmbedding};
  const Words narrow = with(wide, {"net.block.scale_mixer.widths=[1, 1, 1, 0.5, 0.5, 0.5]"});
  check(
      "wikitext_103/waveletlm_run_4",
      {{wide, 827027474},
       {with(wide, {kUntied, kIdle}), 994881554},
       {with(wide, {kRouting}), 827027546},
       {with(wide, {"net.block.lifting=multi_basis"}), 994881578},
       {narrow, 814395410},
       {with(narrow, {"net.loop_block=8"}), 510126089},
       {with(narrow, {"net.block.dilation=crawl"}), 814395440},
       {with(narrow, {kShared}), 730468370},
       {with(narrow, {kLinear}), 730468370},
       {with(narrow, {kShared, kLinear}), 688504850}});
}

}  // namespace waveletlm_counts_test
