// `quantize` as a user calls it, and other commands on what it writes.
#include <torch/torch.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/files.h"
#include "core/tensors/safetensors.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "experiments/commands/commands.h"
#include "runs/commands/commands.h"

namespace quantize_command_test {

using namespace subband;
using Words = std::vector<std::string>;

constexpr const char* kRecipe = R"(defaults: [/data: tinyshakespeare, _self_]
tokenizer: bytes
net: {type: wavelet_lm, width: 32, layers: 1, block: {levels: 2}}
trainer: {steps: 4, batch: 2, length: 32}
seed: 7
)";

// A folder with a checkpoint of that recipe, and the commands on it.
struct QuantizeDesk {
  TestFolder folder;
  std::string recipe = (folder / "tiny.yaml").string(), dense = (folder / "dense").string();

  QuantizeDesk() {
    write_file(recipe, kRecipe);
    call(command_init, {recipe, "--out", dense});
  }
  std::string path(const std::string& name) const { return (folder / name).string(); }

  nlohmann::json call(int (*command)(Arguments), Words words, int expected = 0) const {
    words.insert(words.end(), {"--json", "--store", path("logs")});
    std::ostringstream text;
    std::streambuf* before = std::cout.rdbuf(text.rdbuf());
    const int code = command(words);
    std::cout.rdbuf(before);
    CAPTURE(text.str());
    CHECK(code == expected);
    return nlohmann::json::parse(text.str());
  }
  std::string refusal(int (*command)(Arguments), const Words& words, int code) const {
    return call(command, words, code)["error"]["message"];
  }
};

TEST_CASE("a quantised file is taken by the commands that take a checkpoint", "[quantize]") {
  const QuantizeDesk desk;
  const std::string file = desk.path("small.safetensors");
  const auto sizes = desk.call(command_quantize, {desk.dense, "--out", file, "--bits", "4", "--method",
                                                  "gptq", "--calibration-tokens", "128"});
  CHECK(sizes["size"]["dense_bytes"].get<double>() > 3 * sizes["size"]["bytes"].get<double>());
  CHECK(sizes["file_bytes"] == std::filesystem::file_size(file));
  write_safetensors(desk.path("ids"), {{"ids", at::arange(32, at::kLong).view({1, 32})},
                                       {"targets", at::arange(32, at::kLong).view({1, 32})}});
  desk.call(command_forward, {file, "--tokens", desk.path("ids"), "--out", desk.path("packed")});
  desk.call(command_export, {"safetensors", file, "--out", desk.path("exported")});
  CHECK(read_safetensors(desk.path("exported")).tensors.at("head.weight").sizes() ==
        at::IntArrayRef({256, 32}));
  desk.call(command_eval, {file, "--split", "valid"});
  CHECK(desk.refusal(
                command_forward,
                {file, "--tokens", desk.path("ids"), "--out", desk.path("o"), "--gradients", desk.path("g")},
                1)
            .find("packed weights are not trained") != std::string::npos);
  CHECK(desk.refusal(command_quantize, {file, "--out", desk.path("twice")}, 1).find("is packed already") !=
        std::string::npos);
}

TEST_CASE("the tiers of the original, its accounting and each tier alone are told", "[quantize]") {
  const QuantizeDesk desk;
  const auto honest = desk.call(command_quantize, {desk.dense, "--out", desk.path("a")});
  const auto original =
      desk.call(command_quantize, {desk.dense, "--out", desk.path("a"), "--accounting", "original"});
  CHECK(original["size"]["bytes"].get<double>() > honest["size"]["bytes"].get<double>());
  const auto each =
      desk.call(command_quantize, {desk.dense, "--each", "--bits", "4", "--tokens", "128"})["variants"];
  std::vector<std::string> told;
  for (const auto& variant : each) told.push_back(variant["packed"]);
  CHECK(told == std::vector<std::string>{"nothing", "mixer_coarse", "mlp", "lifting", "embedding", "all",
                                         "original tiers"});
  CHECK(each[0]["same_top"] == 1.0);
  CHECK(each[5]["kl"].get<double>() > 0);
}

TEST_CASE("what quantize cannot do is refused by name", "[quantize]") {
  const QuantizeDesk desk;
  const auto refusal = [&](Words words, int code = 2) {
    words.insert(words.begin(), desk.dense);
    return desk.refusal(command_quantize, words, code);
  };
  const std::string out = desk.path("a");
  CHECK(refusal({}) == "--out: missing; the file to write, or --measure or --each");
  CHECK(refusal({"--out", out, "--tier", "mpl=4"}) ==
        "--tier = mpl=4: unknown tier; did you mean 'mlp'? known: embedding, lifting, mixer_coarse, "
        "mixer_fine, mixer_mid, mlp");
  CHECK(refusal({"--out", out, "--tier", "mlp=5"}) ==
        "--tier = mlp=5: must be NAME=BITS, BITS 16, 8, 4, 3 or 2");
  CHECK(refusal({"--out", out, "--group", "48"}) == "--group = 48: must be tensor, row, 32, 64, 128 or 256");
  CHECK(refusal({"--out", out, "--bits", "4,3"}) ==
        "--bits, --group, --method: take one value each, several only with --each");
  CHECK(refusal({"--out", out, "--each"}) ==
        "--each: measures each tier by itself; leave out --out and --tier");
  CHECK(refusal({"--out", out, "--tier", "mixer_coarse=16,mlp=16,embedding=16"}) ==
        "--tier: this net has nothing that these tiers pack");
  CHECK_FALSE(std::filesystem::exists(out));
}

}  // namespace quantize_command_test
