// `subband generate` as a whole, in this process.
#include <ATen/ATen.h>

#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/json.h"
#include "core/testing/catch.h"
#include "core/text.h"
#include "experiments/load_recipe.h"
#include "experiments/parts.h"
#include "experiments/training/checkpoints/checkpoint.h"
#include "runs/commands/commands.h"
#include "runs/perform.h"
#include "runs/testing/answer.h"
#include "runs/testing/scratch.h"

namespace generate_test {
using namespace subband;
using testing::Answer;
using testing::answer_of;
using testing::Scratch;
using Words = std::vector<std::string>;
namespace fs = std::filesystem;

static Answer generated(const Words& words) { return answer_of(command_generate, words); }

static Recipe small_recipe(Words changes = {}) {
  static const Registry registry = [] {  // it outlives every recipe
    Registry all;
    register_parts(all);
    return all;
  }();
  changes.insert(changes.begin(), {"net.width=16", "net.layers=1", "net.block.levels=3", "trainer.steps=2", "trainer.batch=2",
                                   "trainer.length=32", "trainer.evaluate_tokens=64", "trainer.evaluate_every=0"});
  return load_recipe(registry, {.name = "tinyshakespeare/wavelet", .overrides = changes});
}

// A checkpoint of weights that were never trained; they write wild text.
static std::string checkpoint_of(const Scratch& scratch, const Words& changes = {}, const std::string& name = "net.safetensors") {
  const Recipe recipe = small_recipe(changes);
  const auto net = make_net(recipe);
  const c10::NoGradGuard no_gradient;
  for (at::Tensor& parameter : net->parameters()) parameter.mul_(3);  // far from uniform
  write_checkpoint(scratch / name, fresh_checkpoint(recipe, model_tensors(*net)));
  return (scratch / name).string();
}

static std::vector<Json> lines_of(const Answer& answer) {
  INFO(answer.err);
  REQUIRE(answer.code == 0);
  std::vector<Json> lines;
  for (const std::string& line : split(answer.out, '\n'))
    if (!line.empty()) lines.push_back(read_json(line, "line"));
  return lines;
}

TEST_CASE("generate writes a line of JSON for each sample of each prompt", "[generate]") {
  const Scratch scratch;
  const std::string model = checkpoint_of(scratch);
  std::ofstream(scratch / "prompt.txt") << "ROMEO:\nwhere";
  const auto lines = lines_of(generated({model, "a", "[b, c]", "--prompt-file", (scratch / "prompt.txt").string(), "--tokens",
                                         "20", "--samples", "2", "--json", "--quiet"}));
  REQUIRE(lines.size() == 6);
  const Words prompts = {"a", "a", "[b, c]", "[b, c]", "ROMEO:\nwhere", "ROMEO:\nwhere"};
  for (size_t i = 0; i < 6; ++i) {
    CHECK(lines[i]["prompt"] == prompts[i]);
    CHECK(lines[i]["sample"] == i % 2);
    CHECK(lines[i]["tokens"] == 20);
    CHECK(lines[i]["ended"] == "length");
    CHECK(lines[i]["metrics"]["mean_entropy"].get<double>() > 0);
  }
  CHECK(lines[0]["text"] != lines[1]["text"]);
}

TEST_CASE("in fp64 text does not depend on the batch, nor on the window while it fits", "[generate]") {
  const Scratch scratch;
  const std::string model = checkpoint_of(scratch);
  const auto texts = [&](Words more) {
    Words words = {model, "a", "bc", "def", "--tokens", "24", "--precision", "fp64", "--json", "--quiet"};
    words.insert(words.end(), more.begin(), more.end());
    Words all;
    for (const Json& line : lines_of(generated(words))) all.push_back(line["text"].get<std::string>());
    return all;
  };
  const Words together = texts({});
  CHECK(texts({"--batch", "1"}) == together);
  CHECK(texts({"--window", "original"}) == together);
  CHECK(texts({"--seed", "3"}) != together);
  CHECK(texts({"--standard"}) != together);
}

TEST_CASE("a finished run is asked for its own sample and for new ones", "[generate]") {
  const Scratch scratch;
  const Store store(scratch.path() / "logs");
  const Recipe recipe = small_recipe({"samples.tokens=40", "samples.temperature=0.7", "samples.strategies.top_k.k=20"});
  const RunResult run = perform(recipe, store, {});
  REQUIRE(run.outcome.done());
  const RunRecord record = read_record(run.folder / kRecordName);
  REQUIRE(record.samples.size() == 1);
  const auto of = [&](Words words) {
    for (const char* word : {"--store", "", "--quiet", "--json"}) words.emplace_back(*word ? word : store.root().string());
    const Json line = lines_of(generated(words)).at(0);
    return line["prompt"].get<std::string>() + line["text"].get<std::string>();
  };
  const std::string own = record.samples[0].text, id = run.id.substr(0, 8);
  CHECK(of({id}) == own);
  CHECK(of({run.folder.string()}) == own);
  CHECK(of({id, "JULIET:", "--tokens", "5"}).starts_with("JULIET:"));
  CHECK(of({id, "--seed", "9"}) != own);
}

TEST_CASE("generate says when it goes past what the model was measured on", "[generate]") {
  const Scratch scratch;
  const std::string model = checkpoint_of(scratch);
  CHECK(generated({model, "abc", "--tokens", "29"}).err.empty());
  const Words past = {model, "abc", "--tokens", "30"};
  CHECK(generated(past).err ==
        "generate: up to 33 tokens with the prompt, and this model was measured on 32; past them only `--window original` keeps "
        "to what was measured\n");
  CHECK(generated({model, "abc", "--tokens", "30", "--window", "original"}).err.empty());
}

TEST_CASE("fast-weight updates change the text once a change is due", "[generate]") {
  const Scratch scratch;
  const Words memory = {"+net.block.channel_mixers.fast_weight_memory.keys=25"};
  const std::string model = checkpoint_of(scratch, memory);
  const auto text = [&](const std::string& checkpoint, Words more) {
    Words words = {checkpoint, "abcd", "--tokens", "60", "--standard", "--precision", "fp64", "--json", "--quiet"};
    words.insert(words.end(), more.begin(), more.end());
    return lines_of(generated(words))[0]["text"].get<std::string>();
  };
  const std::string plain = text(model, {});
  const Words updates = {"--with", "fast_weight_updates.rate=50", "--with", "fast_weight_updates.every=16"};
  const std::string learnt = text(model, updates);
  CHECK(learnt != plain);
  CHECK(learnt.substr(0, 12) == plain.substr(0, 12));  // with the prompt's four the first sixteen
  Words own = memory;
  own.push_back("net.block.channel_mixers.fast_weight_memory.update_rate=50");
  own.push_back("net.block.channel_mixers.fast_weight_memory.update_every=16");
  CHECK(text(checkpoint_of(scratch, own, "own.safetensors"), {}) == learnt);
  CHECK(generated({model, "a", "--window", "original", "--with", "fast_weight_updates"}).err ==
        "command line: --window = original: fast_weight_updates keeps what it learns in a state, which there is none of\n");
}

TEST_CASE("metrics and cleaned text of the preset with strategies", "[generate]") {
  const Scratch scratch;
  const std::string model = checkpoint_of(scratch);
  const Answer answer = generated({model, "ab", "--tokens", "40", "--strategies", "--quiet"});
  CHECK(answer.code == 0);
  CHECK(answer.out.starts_with("ab"));
  for (const char* name : {"MeanLogP ", "MeanH ", "D1 ", "D2 ", "D3 ", "Rep4 "}) CHECK(answer.err.find(name) != std::string::npos);
  const Answer drifting = generated({model, "a prompt of more than sixteen letters", "--tokens", "40", "--strategies", "--with",
                                     "coherence", "--quiet"});
  CHECK(drifting.err.find("WavDrift ") != std::string::npos);
}

TEST_CASE("bad input of generate is refused in one line, with its exit code", "[generate]") {
  const Scratch scratch;
  const std::string model = checkpoint_of(scratch);
  std::ofstream(scratch / "empty.txt").flush();
  std::ofstream(scratch / "long.txt") << std::string(10'000'000, 'a');
  std::ofstream(scratch / "latin.txt") << "caf\xE9";
  const std::string empty = (scratch / "empty.txt").string(), longest = (scratch / "long.txt").string(),
                    latin = (scratch / "latin.txt").string(), none = (scratch / "none").string();
  struct Case {
    Words words;
    int code;
    std::string line;
  };
  const std::vector<Case> cases = {
      {{model, "a", "--encoding", "utf-61"}, 2,
       "command line: --encoding = utf-61: unknown encoding; did you mean 'utf-8'? known: bytes, latin-1, utf-8"},
      {{model, ""}, 2, "command line: PROMPT 1: prompt: is empty"},
      {{model, "--prompt-file", empty}, 2, empty + ": prompt: is empty"},
      {{model, "--prompt-file", longest}, 2, longest + ": prompt: has more than 8.0 MiB; give its end"},
      {{model, "--prompt-file", latin}, 2,
       latin + ": prompt: is no UTF-8; --encoding latin-1 reads it as that, --encoding bytes as it is"},
      {{model, "a", "--temperature", "-1"}, 2, "command line: strategies.temperature.value = -1.0: must be 0 to 100"},
      {{model, "a", "--top-p", "1.5"}, 2, "command line: strategies.nucleus.top_p = 1.5: must be above 0 and at most 1"},
      {{model, "a", "--interactive"}, 2, "command line: --interactive: takes its prompts from lines; leave the others out"},
      {{none, "a", "--store", none}, 1,
       none + ": cannot be read: No such file or directory"}};
  for (const Case& each : cases) {
    const Answer answer = generated(each.words);
    CHECK(answer.err == each.line + "\n");
    CHECK(answer.code == each.code);
    CHECK(answer.out.empty());
  }
  const Answer zero = generated({model, "a", "--tokens", "0"});
  CHECK(zero.code == 2);
  CHECK(zero.err == "command line: --tokens: 0: must be a number above 0; see subband generate --help\n");
  CHECK(generated({model, "a", "--tokens", "5", "--temperature", "0", "--quiet"}).code == 0);
}

TEST_CASE("packed files that are cut or lie are refused by generate in one line", "[generate]") {
  const Scratch scratch;
  const std::string model = checkpoint_of(scratch), file = (scratch / "packed.safetensors").string();
  REQUIRE(answer_of(command_quantize, {model, "--out", file, "--bits", "4", "--quiet"}).code == 0);
  CHECK(generated({file, "a", "--tokens", "3", "--quiet"}).code == 0);
  const auto refusal = [&](const std::string& broken) {
    const Answer answer = generated({broken, "a", "--tokens", "3", "--quiet"});
    CHECK(answer.code == 1);
    CHECK(answer.out.empty());
    CHECK(split(answer.err, '\n').size() == 2);
    return answer.err;
  };
  const std::string cut = (scratch / "cut.safetensors").string();
  const auto size = fs::file_size(file);
  for (const uintmax_t kept : {uintmax_t{0}, uintmax_t{5}, size / 3, size - 1}) {
    fs::copy_file(file, cut, fs::copy_options::overwrite_existing);
    fs::resize_file(cut, kept);
    CHECK(refusal(cut).starts_with(cut + ": "));
  }
  Checkpoint lies = read_checkpoint(file);
  lies.packed.at("head.weight").rows = 1 << 30;
  write_checkpoint(cut, lies);
  CHECK(refusal(cut) == cut + ": packed \"head.weight\": codes: expected U8 [1073741824, 16], got U8 [256, 16]\n");
}

TEST_CASE("a checkpoint of another version of the program is refused in one line", "[generate]") {
  const Scratch scratch;
  checkpoint_of(scratch);
  Checkpoint other = read_checkpoint(scratch / "net.safetensors");
  other.config.set_at("net.block.of_tomorrow", config::Node(true));
  const std::string file = (scratch / "other.safetensors").string();
  write_checkpoint(file, other);
  const Answer answer = generated({file, "a"});
  CHECK(answer.code == 1);
  CHECK(answer.err.starts_with(file + ": checkpoint: recipe tinyshakespeare/wavelet: written by another version of the program: "
                                      "net.block.of_tomorrow: unknown key"));
  CHECK(split(answer.err, '\n').size() == 2);
}

}  // namespace generate_test
