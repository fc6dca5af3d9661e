#include "runs/perform.h"

#include "core/testing/catch.h"
#include "experiments/load_recipe.h"
#include "experiments/parts.h"
#include "runs/identity.h"

namespace perform_test {
using namespace subband;

struct Known {
  const char* recipe;
  std::vector<std::string> overrides;
  const char* id;
};

// As they were on 2026-11-30, when every part but the mixer `wavelet` had version 1.
static const Known kKnown[] = {
    {"induction/attention", {}, "8d7019bbc73450807e932f2c2664f6fec3d057ace943e4155c47b4ce8a3bceb2"},
    {"listops/attention", {}, "2a2893d2531b9a50d7d54ed8ac0e33a844080263f033a42a8a874b26b9d4de8a"},
    {"mqar/attention", {}, "9f5d6c16d9a5568003f0da508fe55ede61261ea4c996f8ba0dadc5941f8ec9be"},
    {"selective_copy/attention", {}, "f3a96316a731db0b9a6de0b7266be8e80fd5c0e720957ffa49afde10f8e2860f"},
    {"tinyshakespeare/attention", {}, "88d3594f483530388d26c222b8d1359f0661d72513cac3ceec0df1f7b496b129"},
    {"tinyshakespeare/gpt2", {}, "987534fb47792ad5288651b2415a0dd1c2e37287dff48887bf5b19973125d79f"},
    {"tinyshakespeare/llama", {}, "8698a48ae2a4a0b57ee516f5f44bd2adfa48821f15f774fc4032091e9c0f5417"},
    {"tinyshakespeare/wavelet", {}, "bd03b41323fb04ddc94e5a9e6d7c37767da82c83e1b0b8fc68a1c9bbaa5f7b7d"},
    {"wikitext_2/gpt2", {}, "045666d4f35fad8b59b6ea32e68f43e4ff8068d5e06234a5793e35f4e12df8ab"},
    {"wikitext_2/qwen2", {}, "27f667b1e91ea1136f49837ee9479492bfa68e5ebdfa06be40727a34182126ed"},
    {"wikitext_2/spectral", {}, "9243cd5d4b828b19a1ee2c70bcbe05c2b828c10422759a509c77289662cd5163"},
    {"wikitext_2/wavelet", {}, "3b2d1402870bb17dfcd2744f837731491bdbbbe1ef079fcb5d240eb75483baf9"},
    {"wikitext_2/waveletlm_small", {}, "0981018ca26bbcc34c3c24a6fb2327836a3303acef41afc227a076bb1e15813b"},
    {"tinyshakespeare/attention",
     {"task.windows=sequential", "net.carry_memory=true", "net.mixer=transformer_xl", "net.positions=none",
      "net.mixer.memory=128"},
     "849b89b24bf904ace71b5520aa45e92acac230b8efd8997610512bf0e09b0a72"},
    {"tinyshakespeare/attention",
     {"task.windows=sequential"},
     "f16b77f7e0f838c0991877903d8128048989a2312c88143183e09f4ef390bc05"},
    {"tinyshakespeare/attention",
     {"trainer.save_best=true"},
     "4cfb8a9f489b97292150bab4224b5fa76e6012e00100b8be60f0d4b748dda364"},
    {"wikitext_2/wavelet",
     {"tokenizer=bytes", "trainer.steps=200", "trainer.evaluate_every=50", "trainer.evaluate_tokens=65536",
      "samples.tokens=0"},
     "45e78a7eb1a4c4baccf455eedcf9883f243e6bac670a4ca4457fbc758e637042"},
    {"wikitext_2/wavelet",
     {"tokenizer=bytes", "trainer.steps=200", "trainer.evaluate_every=50", "trainer.evaluate_tokens=65536",
      "samples.tokens=0", "net.block.scale_mixer.gate=none"},
     "aac6264af60b3bd40b04d4e6042c5996cbb26d5310241254e48be17afe13822a"},
    {"wikitext_2/wavelet",
     {"tokenizer=bytes", "trainer.steps=200", "trainer.evaluate_every=50", "trainer.evaluate_tokens=65536",
      "samples.tokens=0", "~net.block.channel_mixers.product_key_memory"},
     "367a985cd9e3120fce91f409bb486a35d9504a1ba3a4c4b4013d4a0296fd2ed2"},
    {"mqar/attention",
     {"trainer.steps=600", "net.mixer=fnet"},
     "1be54fa3bed211ac34f382f2d38def56b2d99d3cf3f7ed797ad7de21cf3af651"},
    {"mqar/attention",
     {"trainer.steps=600", "net.mixer=wersa"},
     "e8cdcd91976316cf18aaed1567a3a9193179ee36c9801846a95f28983e151f4e"},
};

// A part whose version has risen since then renames runs, and should; nothing else may.
static std::map<std::string, int> versions_of_then(const Recipe& recipe) {
  std::map<std::string, int> versions;
  for (const auto& [part, version] : recipe.parts) {
    if (part.starts_with("procedure:")) continue;
    versions[part] = part == "mixer:wavelet" ? 2 : 1;
  }
  return versions;
}

TEST_CASE("runs that were stored keep their identities, whatever fields came since", "[identity]") {
  Registry registry;
  register_parts(registry);
  for (const Known& known : kKnown) {
    CAPTURE(known.recipe, known.overrides);
    const Recipe recipe = load_recipe(registry, {.name = known.recipe, .overrides = known.overrides});
    CHECK(run_identity(recipe.identity, versions_of_then(recipe), data_manifest(recipe)) == known.id);
  }
}

TEST_CASE("auto is the device that it stands for here", "[identity]") {
  Registry registry;
  register_parts(registry);
  const auto id = [&](const std::string& device) {
    const Recipe recipe =
        load_recipe(registry, {.name = "mqar/attention", .overrides = {"trainer.device=" + device}});
    return run_plan(recipe).start.id;
  };
  const Recipe recipe =
      load_recipe(registry, {.name = "mqar/attention", .overrides = {"trainer.device=auto"}});
  CHECK(id("auto") == id(recipe.trainer.device));
  CHECK(recipe.trainer.device != "auto");
  CHECK_THAT(recipe.device_note, Catch::StartsWith("device: " + recipe.trainer.device));
  CHECK(recipe.resolved.at("trainer.device")->string() == "auto");  // as written, for whoever copies it
}

TEST_CASE("a forced operation is another run, a limit of time is not", "[identity]") {
  Registry registry;
  register_parts(registry);
  const auto id = [&](const std::string& change) {
    return run_plan(load_recipe(registry, {.name = "mqar/attention", .overrides = {change}})).start.id;
  };
  const std::string plain = id("seed=1");
  CHECK(id("ops.fwht=auto") == plain);
  CHECK(id("ops.fwht=reference") != plain);
  CHECK(id("trainer.time_limit=5") == plain);
}

TEST_CASE("a record names the version of every part and procedure", "[identity]") {
  Registry registry;
  register_parts(registry);
  const RunPlan plan = run_plan(load_recipe(registry, {.name = "mqar/attention"}));
  for (const char* part : {"task:mqar", "procedure:training", "procedure:evaluation", "procedure:reading",
                           "procedure:initialization"})
    CHECK(plan.start.parts.contains(part));
  CHECK(plan.start.provenance.contains("instructions"));
}

}  // namespace perform_test
