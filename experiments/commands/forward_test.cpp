// `init`, `params` and `forward` as a user calls them.
#include <torch/torch.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/files.h"
#include "core/tensors/digest.h"
#include "core/tensors/random.h"
#include "core/tensors/safetensors.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "experiments/commands/commands.h"

using namespace subband;

namespace forward_test {

using Words = std::vector<std::string>;

constexpr const char* kRecipe = R"(defaults: [/data: tinyshakespeare, _self_]
tokenizer: bytes
net: {type: decoder_lm, width: 16, layers: 2}
trainer: {steps: 4, batch: 2, length: 16}
seed: 7
)";

// What a command prints on stdout, after its exit code.
static std::pair<int, std::string> printed_by(int (*command)(Arguments), const Words& words) {
  std::ostringstream text;
  std::streambuf* before = std::cout.rdbuf(text.rdbuf());
  const int code = command(words);
  std::cout.rdbuf(before);
  return {code, text.str()};
}

// A folder with a recipe, and the commands on it.
struct Desk {
  TestFolder folder;
  std::string recipe = (folder / "tiny.yaml").string();
  Desk() { write_file(recipe, kRecipe); }
  std::string path(const std::string& name) const { return (folder / name).string(); }

  nlohmann::json call(int (*command)(Arguments), Words words, int expected = 0) const {
    words.push_back("--json");
    const auto [code, text] = printed_by(command, words);
    CAPTURE(text);
    CHECK(code == expected);
    return nlohmann::json::parse(text);
  }
  std::string refusal(int (*command)(Arguments), const Words& words, int code) const {
    return call(command, words, code)["error"]["message"];
  }
};

static at::Tensor some_ids(int64_t length) {
  return at::empty({2, length}, at::kLong).random_(0, 256, stream(1, "ids"));
}

}  // namespace forward_test

using namespace forward_test;

TEST_CASE("params counts a recipe's parameters by group, without weights", "[commands]") {
  const Desk desk;
  const nlohmann::json table = desk.call(command_params, {desk.recipe});
  const int64_t attention = 4 * (16 * 16 + 16), mlp = 8 * 16 * 16 + 5 * 16, norm = 2 * 16;
  CHECK(table["total"] == 2 * 256 * 16 + 16 * 16 + 2 * (attention + mlp + 2 * norm) + norm);
  std::map<std::string, int64_t> groups;
  for (const nlohmann::json& row : table["groups"]) groups[row["group"]] = row["parameters"];
  CHECK(groups.at("blocks.*.mixer") == 2 * attention);
  CHECK(groups.at("embedding") == 256 * 16);
  CHECK(desk.call(command_params, {desk.recipe, "net.width=1048576", "net.layers=100"})["total"] > 1e14);
  CHECK(desk.call(command_params, {"--part", "mixer:softmax_attention", "--width", "32"})["total"] ==
        4 * 33 * 32);
}

TEST_CASE("params --flops counts what each part costs, per token and per sequence, and its decoding state",
          "[commands]") {
  const Desk desk;
  const int64_t L = 48, D = 16, layers = 2;
  const nlohmann::json table = desk.call(command_params, {desk.recipe, "--flops", "--length", std::to_string(L)});
  const int64_t attention = 8 * L * D * D + 4 * L * L * D, mlp = 16 * L * D * D, head = 2 * L * D * 256;
  CHECK(table["flops_per_sequence"] == layers * (attention + mlp) + head);
  CHECK(table["flops_per_token"] == (layers * (attention + mlp) + head) / L);
  CHECK(table["state_bytes"] == layers * 2 * L * D * 4);
  std::map<std::string, nlohmann::json> parts;
  for (const nlohmann::json& row : table["parts"]) parts[row["part"]] = row;
  CHECK(parts.at("blocks.*.mixer")["flops_per_sequence"] == layers * attention);
  CHECK(parts.at("blocks.*.mixer")["parameters"] == layers * 4 * (D * D + D));
  CHECK(parts.at("head")["flops_per_token"] == 2 * D * 256);
  const nlohmann::json part = desk.call(
      command_params, {"--part", "mixer:softmax_attention", "--width", "32", "--flops", "--length", "10"});
  CHECK(part["flops_per_sequence"] == 8 * 10 * 32 * 32 + 4 * 10 * 10 * 32);
}

TEST_CASE("init writes the same weights for the same seed, and forward answers with them", "[commands]") {
  const Desk desk;
  const nlohmann::json first = desk.call(command_init, {desk.recipe, "--out", desk.path("a")});
  CHECK(desk.call(command_init, {desk.recipe, "--out", desk.path("b"), "--seed", "7"})["digest"] ==
        first["digest"]);
  CHECK(desk.call(command_init, {desk.recipe, "--out", desk.path("c"), "--seed", "8"})["digest"] !=
        first["digest"]);

  write_safetensors(desk.path("t"), {{"ids", some_ids(12)}, {"targets", some_ids(12).flip(1)}});
  desk.call(command_forward, {desk.path("a"), "--tokens", desk.path("t"), "--out", desk.path("l"),
                              "--gradients", desk.path("g")});
  const Tensors out = read_safetensors(desk.path("l")).tensors,
                gradients = read_safetensors(desk.path("g")).tensors;
  CHECK(out.at("logits").sizes() == at::IntArrayRef({2, 12, 256}));
  const at::Tensor loss =
      at::cross_entropy_loss(out.at("logits").view({-1, 256}), some_ids(12).flip(1).flatten());
  CHECK(out.at("loss").item<float>() == Approx(loss.item<float>()).epsilon(1e-6));
  CHECK(gradients.at("blocks.1.mixer.q.weight").sizes() == at::IntArrayRef({16, 16}));
  CHECK(gradients.at("head.weight").abs().max().item<float>() > 0);

  desk.call(command_forward,
            {desk.path("a"), "--tokens", desk.path("t"), "--out", desk.path("d"), "--precision", "fp64"});
  const at::Tensor wide = read_safetensors(desk.path("d")).tensors.at("logits");
  CHECK(wide.scalar_type() == at::kDouble);
  CHECK(at::allclose(wide.to(at::kFloat), out.at("logits"), 1e-4, 1e-5));
}

TEST_CASE("numbered ids are fed in order", "[commands]") {
  const Desk desk;
  desk.call(command_init, {desk.recipe, "--out", desk.path("a")});
  write_safetensors(desk.path("t"),
                    {{"ids.0", some_ids(5)}, {"ids.1", some_ids(9)}, {"targets.1", some_ids(9)}});
  desk.call(command_forward, {desk.path("a"), "--tokens", desk.path("t"), "--out", desk.path("l")});
  const Tensors out = read_safetensors(desk.path("l")).tensors;
  CHECK(out.at("logits.0").size(1) == 5);
  CHECK(out.at("logits.1").size(1) == 9);
  CHECK(out.contains("loss.1"));
  CHECK_FALSE(out.contains("loss.0"));
}

TEST_CASE("with --continue numbered ids are one sequence in pieces, and the state's bytes are told", "[commands]") {
  const Desk desk;
  desk.call(command_init, {desk.recipe, "--out", desk.path("a"), "net.positions=none"});
  const at::Tensor ids = some_ids(14), targets = ids.flip(1).contiguous();
  write_safetensors(desk.path("whole"), {{"ids", ids}, {"targets", targets}});
  write_safetensors(desk.path("pieces"), {{"ids.0", ids.narrow(1, 0, 5).contiguous()},
                                          {"ids.1", ids.narrow(1, 5, 1).contiguous()},
                                          {"ids.2", ids.narrow(1, 6, 8).contiguous()},
                                          {"targets.2", targets.narrow(1, 6, 8).contiguous()}});
  desk.call(command_forward, {desk.path("a"), "--tokens", desk.path("whole"), "--out", desk.path("w")});
  const nlohmann::json said = desk.call(
      command_forward, {desk.path("a"), "--tokens", desk.path("pieces"), "--out", desk.path("l"), "--continue"});
  const Tensors out = read_safetensors(desk.path("l")).tensors;
  const at::Tensor wanted = read_safetensors(desk.path("w")).tensors.at("logits");
  CHECK(at::allclose(at::cat({out.at("logits.0"), out.at("logits.1"), out.at("logits.2")}, 1), wanted, 1e-5, 1e-6));
  const at::Tensor loss = at::cross_entropy_loss(wanted.narrow(1, 6, 8).reshape({-1, 256}),
                                                 targets.narrow(1, 6, 8).flatten());
  CHECK(out.at("loss.2").item<double>() == Approx(loss.item<double>()).epsilon(1e-5));
  CHECK(said["state_position"] == 14);
  CHECK(said["state_bytes"] == 2 * 2 * 2 * 16 * 14 * 4);  // rows, layers, keys and values
  CHECK(said["state_held_bytes"] >= said["state_bytes"]);
  desk.call(command_forward, {desk.path("a"), "--tokens", desk.path("pieces"), "--out", desk.path("l")});
  CHECK_FALSE(at::allclose(read_safetensors(desk.path("l")).tensors.at("logits.2"), wanted.narrow(1, 6, 8), 1e-3, 1e-3));
}

TEST_CASE("with --continue a mixer, a lifting or a bypass alone goes on from piece to piece", "[commands]") {
  const Desk desk;
  const at::Tensor x = at::empty({2, 11, 8}).normal_(0, 1, stream(1, "x"));
  write_safetensors(desk.path("whole"), {{"x", x}});
  write_safetensors(desk.path("pieces"), {{"x.0", x.narrow(1, 0, 4).contiguous()},
                                          {"x.1", x.narrow(1, 4, 1).contiguous()},
                                          {"x.2", x.narrow(1, 5, 6).contiguous()}});
  for (const char* part : {"mixer:retnet", "mixer:wavelet", "mixer:softmax_attention", "lifting:learned", "bypass:ema",
                           "dilation:crawl"}) {
    CAPTURE(part);
    desk.call(command_forward,
              {"--part", part, "--width", "8", "--input", desk.path("whole"), "--out", desk.path("y")});
    const nlohmann::json said = desk.call(command_forward,
                                {"--part", part, "--width", "8", "--input", desk.path("pieces"), "--weights",
                                 desk.path("y"), "--out", desk.path("z"), "--continue"});
    const Tensors whole = read_safetensors(desk.path("y")).tensors, pieces = read_safetensors(desk.path("z")).tensors;
    CHECK(at::allclose(at::cat({pieces.at("y.0"), pieces.at("y.1"), pieces.at("y.2")}, -2), whole.at("y"), 1e-5, 1e-6));
    CHECK(said["state_position"] == 11);
    CHECK(said["state_bytes"].get<int64_t>() > 0);
  }
  CHECK(desk.refusal(command_forward,
                     {"--part", "mixer:fnet", "--no-causal", "--width", "8", "--input", desk.path("pieces"), "--out",
                      desk.path("z"), "--continue"},
                     3) == "state: this one reads whole windows and cannot go on from a past");
  CHECK(desk.refusal(command_forward,
                     {"--part", "mixer:retnet", "--width", "8", "--input", desk.path("pieces"), "--out", desk.path("z"),
                      "--continue", "--gradients", desk.path("g")},
                     2) == "--gradients: cannot stand beside --continue of a part");
}

TEST_CASE("a part alone answers the same with the weights that it wrote", "[commands]") {
  const Desk desk;
  const Words part = {"--part", "mixer:softmax_attention", "--set", "heads=2", "--width", "8"};
  const at::Tensor x = at::empty({2, 6, 8}).normal_(0, 1, stream(1, "x"));
  write_safetensors(desk.path("x"), {{"x", x}, {"c", at::ones_like(x)}});
  Words fresh = part;
  for (const char* word : {"--input", "--out", "--seed"}) {
    fresh.push_back(word);
    fresh.push_back(word == std::string("--input") ? desk.path("x")
                    : word == std::string("--out") ? desk.path("y")
                                                   : "3");
  }
  desk.call(command_forward, fresh);
  const Tensors out = read_safetensors(desk.path("y")).tensors;
  CHECK(out.at("w/q.weight").sizes() == at::IntArrayRef({8, 8}));
  Words again = part;
  for (const std::string& word :
       {std::string("--input"), desk.path("x"), std::string("--weights"), desk.path("y"),
        std::string("--out"), desk.path("z"), std::string("--gradients"), desk.path("g")}) {
    again.push_back(word);
  }
  desk.call(command_forward, again);
  CHECK(at::equal(read_safetensors(desk.path("z")).tensors.at("y"), out.at("y")));
  CHECK(read_safetensors(desk.path("g")).tensors.at("gx").sizes() == x.sizes());
  again.push_back("--no-causal");
  desk.call(command_forward, again);
  CHECK_FALSE(at::equal(read_safetensors(desk.path("z")).tensors.at("y"), out.at("y")));
}

TEST_CASE("weights of fp64 reach an answer in fp64 whole", "[commands]") {
  const Desk desk;
  write_safetensors(desk.path("x"), {{"x", at::ones({1, 3, 8}, at::kDouble)}});
  const auto answer = [&](const Words& more) {
    Words words = {"--part",      "mixer:softmax_attention",
                   "--width",     "8",
                   "--precision", "fp64",
                   "--input",     desk.path("x"),
                   "--out",       desk.path("y")};
    words.insert(words.end(), more.begin(), more.end());
    desk.call(command_forward, words);
    return read_safetensors(desk.path("y")).tensors;
  };
  Tensors weights;
  for (const auto& [name, tensor] : answer({}))
    if (name.starts_with("w/"))
      weights[name.substr(2)] = tensor.to(at::kDouble) + 1e-10;  // less than fp32 sees
  write_safetensors(desk.path("w"), weights);
  const at::Tensor whole = answer({"--weights", desk.path("w")}).at("y");
  for (auto& [name, tensor] : weights) tensor = tensor.to(at::kFloat);
  write_safetensors(desk.path("w"), weights);
  CHECK_FALSE(at::equal(answer({"--weights", desk.path("w")}).at("y"), whole));
}

TEST_CASE("a part is fed a memory where it has one, and the gradient of the memory comes back",
          "[commands]") {
  const Desk desk;
  const at::Tensor x = at::empty({2, 6, 8}).normal_(0, 1, stream(1, "x"));
  write_safetensors(desk.path("whole"), {{"x", x}});
  write_safetensors(desk.path("rest"),
                    {{"x", x.narrow(1, 4, 2)}, {"memory", x.narrow(1, 0, 4)}, {"c", x.narrow(1, 4, 2)}});
  const auto words = [&](const char* mixer, const char* input, const char* out) {
    return Words{
        "--part",      std::string("mixer:") + mixer, "--width", "8", "--input", desk.path(input), "--out",
        desk.path(out)};
  };
  desk.call(command_forward, words("transformer_xl", "whole", "y"));
  Words rest = words("transformer_xl", "rest", "z");
  for (const std::string& word :
       {std::string("--weights"), desk.path("y"), std::string("--gradients"), desk.path("g")})
    rest.push_back(word);
  desk.call(command_forward, rest);
  const at::Tensor wanted = read_safetensors(desk.path("y")).tensors.at("y").narrow(1, 4, 2);
  CHECK(at::allclose(read_safetensors(desk.path("z")).tensors.at("y"), wanted, 0, 1e-5));
  CHECK(read_safetensors(desk.path("g")).tensors.at("gx/memory").sizes() == at::IntArrayRef({2, 4, 8}));
  CHECK(desk.refusal(command_forward, words("softmax_attention", "rest", "z"), 3) ==
        "memory: this mixer has none");
}

TEST_CASE("weights of a part may leave out its counters, nothing else", "[commands]") {
  const Desk desk;
  write_safetensors(desk.path("x"), {{"x", at::ones({1, 3, 8})}});
  const Words part = {"--part", "mixer:performer", "--width", "8", "--input", desk.path("x")};
  Words fresh = part, again = part;
  for (const std::string& word : {std::string("--out"), desk.path("y")}) fresh.push_back(word);
  desk.call(command_forward, fresh);
  Tensors weights = read_safetensors(desk.path("y")).tensors;
  weights.erase("w/calls");
  write_safetensors(desk.path("w"), weights);
  for (const std::string& word :
       {std::string("--out"), desk.path("z"), std::string("--weights"), desk.path("w")})
    again.push_back(word);
  desk.call(command_forward, again);
  CHECK(at::equal(read_safetensors(desk.path("z")).tensors.at("y"), weights.at("y")));
  weights.erase("w/projection");
  write_safetensors(desk.path("w"), weights);
  CHECK(desk.refusal(command_forward, again, 1) == "tensor 'projection': missing");
}

TEST_CASE("weights made for another length than the input's are refused with the option that helps",
          "[commands]") {
  const Desk desk;
  write_safetensors(desk.path("x"), {{"x", at::ones({1, 3, 8})}});
  const Words part = {"--part",  "mixer:linformer", "--width",      "8",    "--no-causal", "--set",
                      "slots=2", "--input",         desk.path("x"), "--out"};
  Words fresh = part, again = part;
  for (const std::string& word : {desk.path("y"), std::string("--length"), std::string("5")})
    fresh.push_back(word);
  desk.call(command_forward, fresh);
  for (const std::string& word : {desk.path("z"), std::string("--weights"), desk.path("y")})
    again.push_back(word);
  CHECK(desk.refusal(command_forward, again, 1) ==
        "tensor 'key_projection': expected [3, 2], got [5, 2]; --length says how long the input may be");
  for (const std::string& word : {std::string("--length"), std::string("5")}) again.push_back(word);
  desk.call(command_forward, again);
}

TEST_CASE("the probe refuses with file, name and rule", "[commands]") {
  const Desk desk;
  desk.call(command_init, {desk.recipe, "--out", desk.path("a")});
  write_safetensors(desk.path("bad"), {{"ids", at::full({1, 3}, 256, at::kLong)}});
  CHECK(desk.refusal(command_forward, {desk.path("a"), "--tokens", desk.path("bad"), "--out", desk.path("l")},
                     1) == "ids = 256: must be 0 to 255");
  write_safetensors(desk.path("none"), {{"x", at::zeros({1, 3, 4})}});
  CHECK(desk.refusal(command_forward,
                     {desk.path("a"), "--tokens", desk.path("none"), "--out", desk.path("l")},
                     1) == "tensor 'ids.0': missing");
  const Words part = {"--input", desk.path("none"), "--out", desk.path("l"), "--width", "8", "--part"};
  Words shape = part, kind = part;
  shape.push_back("mixer:softmax_attention");
  kind.push_back("tokenizer:bytes");
  CHECK(desk.refusal(command_forward, shape, 3) == "x: expected [*, *, 8], got [1, 3, 4]");
  CHECK(desk.refusal(command_forward, kind, 2) ==
        "--part tokenizer:bytes: must be KIND:NAME, KIND one of bypass, channel_mixer, dilation, lifting, mixer, "
        "scale_mixer, transform");
  CHECK(desk.refusal(command_params, {}, 2) == "expected either RECIPE or --part KIND:NAME");
  CHECK_FALSE(std::filesystem::exists(desk.path("l")));
}
