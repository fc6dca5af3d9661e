// The published configurations of models/nets, by their published sizes, without a byte of weights.
#include <torch/torch.h>

#include "core/files.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "experiments/load_recipe.h"
#include "experiments/parts.h"

using namespace subband;

namespace published_nets_test {

struct Published {
  const char* name;
  int64_t vocabulary, length, parameters;
};

static int64_t parameters_of(const Published& published) {
  const TestFolder folder;
  write_file(folder / "recipe.yaml",
             "defaults: [/data: tinyshakespeare, /net: " + std::string(published.name) +
                 ", _self_]\ntrainer: {steps: 1, length: " + std::to_string(published.length) + "}\n");
  Registry registry;
  register_parts(registry);
  Recipe recipe = load_recipe(registry, {.name = (folder / "recipe.yaml").string()});
  recipe.vocabulary = published.vocabulary;
  return parameter_count(*make_meta_net(recipe));
}

}  // namespace published_nets_test

using namespace published_nets_test;

// Beside an attention of the same maps (8B: 7.72 billion), WERSA's gates are D²/4 and a little a layer; the announced
// sizes are 0.6 and 8 billion.
TEST_CASE("WERSA's nets have the parameters of their formula", "[published_nets]") {
  const auto formula = [](int64_t V, int64_t D, int64_t layers, int64_t heads, int64_t F, int64_t bands) {
    const int64_t maps = 4 * D * D + 3 * D, swiglu = 3 * D * F, norms = 2 * D, hidden = D / 4;
    const int64_t gates = hidden * (D + 1) + bands * (hidden + 1) + bands;
    const int64_t head_norm = 2 * D / heads, bandwidth = 1;
    return 2 * V * D + layers * (maps + swiglu + norms + gates + head_norm + bandwidth) + D;
  };
  CHECK(parameters_of({"wersa_readme", 50257, 512, 0}) == formula(50257, 768, 6, 12, 2048, 5));
  CHECK(parameters_of({"wersa_0_6b", 151646, 1024, 0}) == 625'295'528);
  CHECK(formula(151646, 1024, 24, 16, 2816, 3) == 625'295'528);
  CHECK(parameters_of({"wersa_1b", 151646, 1024, 0}) == formula(151646, 1536, 20, 12, 4096, 3));
  CHECK(parameters_of({"wersa_8b", 151646, 4096, 0}) == 7'853'306'080);
}

TEST_CASE("the published nets have their published numbers of parameters", "[published_nets]") {
  for (const Published& each : {Published{"gpt2", 50257, 1024, 124'439'808},
                                {"gpt2_medium", 50257, 1024, 354'823'168},
                                {"gpt2_xl", 50257, 1024, 1'557'611'200},
                                {"qwen2_0_5b", 151936, 131072, 494'032'768},
                                {"llama2_7b", 32000, 4096, 6'738'415'616},
                                {"llama3_2_1b", 128256, 131072, 1'235'814'400},
                                {"tinyllama_1_1b", 32000, 2048, 1'100'048'384}}) {
    CAPTURE(each.name);
    CHECK(parameters_of(each) == each.parameters);
  }
}
