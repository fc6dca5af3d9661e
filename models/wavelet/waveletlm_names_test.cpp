#include "models/wavelet/waveletlm_names.h"

#include <set>

#include "models/testing/waveletlm.h"

using namespace subband;

namespace waveletlm_names_test {

using testing::integer;
using testing::Settings;
using testing::words;
using Node = config::Node;

Node part(const char* type, const Settings& fields) {
  Node map = Node::map();
  map.set("type", Node(type));
  for (const auto& [key, value] : fields) map.set(key, value);
  return map;
}

// Together they have every tensor that a net of WaveletLM may have.
std::vector<Settings> all_forms() {
  const Settings common = {{"width", integer(4)}, {"layers", integer(2)}, {"block.levels", integer(1)}};
  const auto with = [&](const Settings& more) { return testing::with(common, more); };
  return {with({{"block.per_layer_embedding", Node(true)},
                {"block.dilation", Node("crawl")},
                {"block.scale_mixer.routing", Node(true)},
                {"block.scale_mixer.phase", Node(true)},
                {"block.scale_mixer.widths", testing::numbers({1, 0.5})},
                {"block.channel_mixers.mlp", Node::map()},
                {"block.channel_mixers.swiglu", Node::map()},
                {"block.channel_mixers.product_key_memory", Node::map()},
                {"block.channel_mixers.fast_weight_memory", Node::map()}}),
          with({{"share_lifting", Node(false)},
                {"block.lifting", part("multi_basis", {{"untied_reconstruction", Node(true)}})},
                {"block.dilation", Node("crawl")},
                {"block.bypass", Node("ema")},
                {"block.transform", Node("butterfly")},
                {"block.scale_mixer.depth", integer(3)},
                {"block.scale_mixer.depth_stabilizers", Node(true)},
                {"block.norm_coefficients", Node(true)},
                {"block.norm_synthesis", Node(true)}}),
          with({{"block.lifting", Node("linear")}, {"stabilize", words({"all"})}}),
          with({{"block.lifting", Node("data_dependent")}, {"tie_embedding", Node(true)}})};
}

TEST_CASE("every name of a net of WaveletLM is translated and back", "[waveletlm_names]") {
  for (const Settings& form : all_forms()) {
    std::set<std::string> originals;
    const auto ours = named_tensors(*testing::make_net(form, 5, Initializer::meta()));
    for (const auto& [name, tensor] : ours) {
      CAPTURE(name);
      const std::string original = name_in_waveletlm(name);
      CHECK(name_from_waveletlm(original) == name);
      CHECK(name_from_waveletlm("cells.3." + original) == "cells.3." + name);
      CHECK(name_from_waveletlm(name) == name);  // today's names stay
      originals.insert(original);
    }
    CHECK(originals.size() == ours.size());
  }
}

TEST_CASE("names are those that the original gives", "[waveletlm_names]") {
  const std::pair<const char*, const char*> names[] = {
      {"embedding.weight", "token_embedding.weight"},
      {"cells.1.head.weight", "cells.1.lm_head.weight"},
      {"gates.0.weight", "cross_cell_gates.0.proj.weight"},
      {"norm.bias", "final_ln.bias"},
      {"blocks.1.mixer_norm.weight", "layers.1.ln1.weight"},
      {"blocks.0.lifting.dilation.logits", "layers.0.lifting_wavelet.dilation_logits"},
      {"blocks.0.lifting.bases.1.update.0.last.bias",
       "layers.0.lifting_wavelet.wavelets.1.update_nets.0.3.bias"},
      {"blocks.0.lifting.predict.2.only.weight", "layers.0.lifting_wavelet.predict_nets.2.weight"},
      {"blocks.0.bypass.mix.weight", "layers.0.cross_layer_mix.weight"},
      {"blocks.0.scale_mixer.stages.1.norms.0.bias", "layers.0.mixer_depth_norms.1.0.bias"},
      {"blocks.0.channel_gains.mlp", "layers.0.alpha_mlp"},
      {"blocks.0.channel_mixers.mlp.net.2.bias", "layers.0.ffwd.net.2.bias"},
      {"blocks.0.channel_gains.other", "layers.0.alpha_other"},
      {"blocks.0.channel_mixers.other.up.weight", "layers.0.other.up.weight"}};
  for (const auto& [ours, theirs] : names) {
    CHECK(name_in_waveletlm(ours) == theirs);
    CHECK(name_from_waveletlm(theirs) == ours);
  }
  CHECK(name_from_waveletlm("blocks.0.mixer.q.weight") == "blocks.0.mixer.q.weight");
}

TEST_CASE("a mixer of WaveletLM once bore the original's names, other mixers their own",
          "[waveletlm_names]") {
  CHECK(former_name_from_mixer("blocks.0.mixer.history_gains") == "blocks.0.mixer.bypass.gains");
  CHECK(former_name_from_mixer("blocks.0.mixer.scale_mixers_by_depth.0.1.mixer.weight") ==
        "blocks.0.mixer.scale_mixer.stages.0.scales.1.mixer.weight");
  CHECK(former_name_from_mixer("blocks.2.mixer.proj_out.bias") == "blocks.2.mixer.out.bias");
  for (const char* stays :
       {"blocks.0.mixer.out.weight", "blocks.0.mixer.q.weight", "blocks.0.mixer_norm.weight",
        "embedding.weight", "blocks.0.channel_mixers.mlp.net.0.weight",
        "blocks.0.mixer.scale_mixer.scales.0.mixer.weight"})
    CHECK(former_name_from_mixer(stays) == stays);
}

}  // namespace waveletlm_names_test
