// One file is a model: copied away from everything that it was made with, every command that takes a checkpoint takes it.
#include <ATen/ATen.h>

#include "core/files.h"
#include "core/tensors/safetensors.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "experiments/commands/commands.h"
#include "runs/commands/commands.h"
#include "runs/testing/answer.h"

namespace one_file_test {

using namespace subband;
using testing::Answer;
using testing::answer_of;
using Words = std::vector<std::string>;
namespace fs = std::filesystem;

static int run_once(Arguments arguments) {
  ChangedStore changed;
  return command_run(arguments, changed);
}

// A folder with the one file, after the recipe, its text and its tokeniser's model are gone.
struct FarAway {
  TestFolder origin, folder;
  std::string file = path("model.safetensors"), text = path("text.txt");

  FarAway() {
    fs::copy_file(program_root() / "experiments/testdata/small_pieces.model", origin / "pieces.model");
    write_file(origin / "own.txt", std::string(2000, 'a') + "\n");
    write_file(origin / "tiny.yaml", "data: {type: own_text, files: [" + (origin / "own.txt").string() + "]}\n" +
                                         "tokenizer: {type: sentencepiece, model: " + (origin / "pieces.model").string() +
                                         "}\nnet: {type: wavelet_lm, width: 32, layers: 1, block: {levels: 2}}\n"
                                         "trainer: {steps: 2, batch: 2, length: 16}\nsamples: {prompt: of, tokens: 4}\n");
    REQUIRE(answer_of(run_once, {(origin / "tiny.yaml").string(), "--store", (origin / "logs").string(), "--quiet", "--json"}).code == 0);
    for (const auto& entry : fs::recursive_directory_iterator(origin / "logs"))
      if (entry.path().filename().string().starts_with("step-")) fs::copy_file(entry.path(), file);
    for (const char* name : {"logs", "own.txt", "pieces.model", "tiny.yaml"}) fs::remove_all(origin / name);
    write_file(text, "One may see the sea from there, and the ships upon it, at all hours of the day.\n");
    write_safetensors(path("ids"), {{"ids", at::arange(16, at::kLong).view({1, 16})}});
  }
  std::string path(const std::string& name) const { return (folder / name).string(); }
  void expect(int (*command)(Arguments), Words words) const {
    words.insert(words.end(), {"--store", path("logs"), "--quiet", "--json"});
    const Answer answer = answer_of(command, words);
    CAPTURE(words, answer.err);
    CHECK(answer.code == 0);
  }
  std::string refusal(int (*command)(Arguments), Words words) const {
    words.insert(words.end(), {"--store", path("logs"), "--quiet"});
    const Answer answer = answer_of(command, words);
    CHECK(answer.code != 0);
    return answer.err;
  }
  // What takes a model, dense or packed.
  void expect_taken(const std::string& model) const {
    expect(command_generate, {model, "of the", "--tokens", "6"});
    expect(command_generate, {model});
    expect(command_eval, {model, "--text", text});
    expect(command_forward, {model, "--tokens", path("ids"), "--out", path("logits")});
    expect(command_export, {"safetensors", model, "--out", path("weights")});
    expect(command_export, {"waveletlm", model, "--out", path("theirs")});
    expect(command_params, {model});
    expect(command_compose, {model});
    expect(command_init, {model, "--out", path("fresh"), "--seed", "3"});
  }
};

TEST_CASE("one file away from all that it was made with is a model for every command", "[one_file]") {
  const FarAway away;
  away.expect_taken(away.file);
  const std::string packed = away.path("packed.safetensors"), fed_back = away.path("fed_back.safetensors");
  away.expect(command_quantize, {away.file, "--out", packed, "--bits", "4"});
  away.expect(command_quantize, {away.file, "--out", fed_back, "--bits", "3", "--method", "gptq", "--calibration", away.text});
  away.expect_taken(packed);
  away.expect_taken(fed_back);
  const Words one_step = {"tinyshakespeare/wavelet", "trainer.steps=1", "trainer.batch=1", "trainer.length=16",
                          "trainer.evaluate_tokens=32", "samples.tokens=0"};
  const auto from = [&](const std::string& model) {
    Words words = one_step;
    words.insert(words.end(), {"--from", model});
    return words;
  };
  away.expect(run_once, from(away.file));
  CHECK(away.refusal(run_once, from(packed)) ==
        "trainer.weights = " + packed +
            ": checkpoint: packed 'blocks.0.bypass.mix.weight' (4 bits, a scale a row): packed weights are not trained; go on "
            "from the checkpoint that they were made of\n");
}

}  // namespace one_file_test
