#include "experiments/training/recipe_remarks.h"

#include "core/config/yaml.h"
#include "core/error.h"
#include "core/testing/catch.h"
#include "experiments/parts.h"

namespace recipe_remarks_test {

using namespace subband;

static Recipe recipe_of(const std::string& more) {
  static const Registry registry = [] {
    Registry made;
    register_parts(made);
    return made;
  }();
  return bind_recipe(
      registry, "tried",
      config::parse_yaml(
          "data: {type: text, name: none, splits: {train: {files: [none.txt]}, valid: {files: [none.txt]}}}\n"
          "net: {type: decoder_lm, width: 16, layers: 1}\n" +
              more,
          "tried.yaml"));
}

static std::string complaint(const std::string& more) {
  try {
    check_prompt(recipe_of("trainer: {steps: 1, length: 8}\n" + more));
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "none";
}

TEST_CASE("a prompt of which the tokeniser makes no token is refused before anything is trained",
          "[recipe_remarks]") {
  const std::string pieces =
      "tokenizer: {type: sentencepiece, model: experiments/testdata/small_pieces.model}\n";
  CHECK(
      complaint(pieces + "samples: {tokens: 8, prompt: ' '}\n") ==
      "tried.yaml:5:30: samples.prompt = \" \": tokenizer sentencepiece makes no token of it; give words, or "
      "samples.tokens=0 for no sample text");
  CHECK(complaint(pieces + "samples: {tokens: 8, prompt: To be}\n") == "none");
  CHECK(complaint(pieces) == "none");
  CHECK(complaint("samples: {tokens: 8}\n") == "none");
  CHECK(complaint("samples: {tokens: 8, prompt: ''}\n") ==
        "tried.yaml:4:30: samples.prompt = '': must not be empty");
  CHECK(complaint(
            "tokenizer: {type: sentencepiece, model: not/there.model, pieces: 9}\nsamples: {tokens: 8}\n") ==
        "none");
}

TEST_CASE("a net in which nothing tells positions apart is remarked on", "[recipe_remarks]") {
  using Lines = std::vector<std::string>;
  const auto remarks = [](const std::string& net) {
    static Registry registry;
    if (registry.kinds().empty()) register_parts(registry);
    return recipe_remarks(
        bind_recipe(registry, "tried",
                    config::parse_yaml(
                        "data: {type: text, name: none, splits: {train: {files: [none.txt]}, valid: {files: "
                        "[none.txt]}}}\nnet: {type: decoder_lm, width: 16, layers: 1, " +
                            net + "}\ntrainer: {steps: 1, length: 8}\n",
                        "tried.yaml")));
  };
  CHECK(remarks("positions: none, mixer: {type: softmax_attention, heads: 2}") ==
        Lines{"tried.yaml:2:58: net.positions = none: and net.mixer.rope = none; nothing tells positions "
              "apart but "
              "what the mixer does by itself"});
  CHECK(remarks("positions: none, mixer: {type: softmax_attention, heads: 2, rope: half}").empty());
  CHECK(remarks("mixer: {type: softmax_attention, heads: 2}").empty());
}

TEST_CASE("a warm-up that lasts as long as the run is remarked on", "[recipe_remarks]") {
  using Lines = std::vector<std::string>;
  const auto remarks = [](const std::string& warmup) {
    return recipe_remarks(recipe_of(
        "trainer: {steps: 40, batch: 4, length: 64}\nschedule: {type: cosine, warmup: " + warmup + "}\n"));
  };
  CHECK(remarks("40") ==
        Lines{"tried.yaml:4:34: schedule.warmup = 40 steps: the run has 40, so the rate never "
              "stops rising"});
  CHECK(remarks("1e5") ==
        Lines{"tried.yaml:4:34: schedule.warmup = 100000 steps: the run has 40, so the rate "
              "never stops rising"});
  CHECK(remarks("39").empty());
  CHECK(remarks("0.9").empty());
}

TEST_CASE("what the machine cannot do is said, by bounds that no machine beats", "[recipe_remarks]") {
  using Lines = std::vector<std::string>;
  const Recipe recipe = recipe_of("trainer: {steps: 100000, batch: 64, length: 64}\n");
  const Machine small{.cores = 2, .memory_bytes = 8.0 * (1 << 30)};
  CHECK(cost_remarks(recipe, {.parameters = 1'000'000, .flops = 1e9}, small).empty());
  CHECK(
      cost_remarks(recipe, {.parameters = 883'000'000, .flops = 1e9}, small) ==
      Lines{"tried: 883,000,000 parameters need about 9.9 GiB for weights, gradients and the optimiser; this "
            "machine has 8.0 GiB"});
  CHECK(cost_remarks(recipe, {.parameters = 1'000'000, .flops = 1e12}, small) ==
        Lines{"tried: takes more than 1111 days on the CPU of this machine, 2 cores, however fast they are; "
              "it is "
              "meant for trainer.device=cuda"});
  CHECK(cost_remarks(recipe_of("trainer: {steps: 100000, batch: 64, length: 64, device: cuda}\n"),
                     {.parameters = 883'000'000, .flops = 1e12}, small)
            .empty());
  CHECK(this_machine().cores >= 1);
  CHECK(this_machine().memory_bytes > 1e8);
}

}  // namespace recipe_remarks_test
