// Folders of `transformers`: in, and its own logits; out, and the same folder.
#include <torch/torch.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/files.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "core/text.h"
#include "experiments/commands/commands.h"
#include "experiments/interchange/exchange.h"
#include "experiments/interchange/huggingface/weights.h"

using namespace subband;

namespace huggingface_test {

using HubJson = nlohmann::ordered_json;
using Words = std::vector<std::string>;
namespace fs = std::filesystem;

static fs::path recorded_folder(const std::string& name) {
  return program_root() / "experiments/interchange/huggingface/testdata" / name;
}

static double relative_error(const at::Tensor& ours, const at::Tensor& theirs) {
  const at::Tensor wanted = theirs.to(at::kDouble);
  return (ours.to(at::kDouble) - wanted).norm().item<double>() / wanted.norm().item<double>();
}

static HubJson answer_of(int (*command)(Arguments), Words words, int code = 0) {
  words.push_back("--json");
  std::ostringstream text, aside;
  std::streambuf *before = std::cout.rdbuf(text.rdbuf()), *before_aside = std::cerr.rdbuf(aside.rdbuf());
  const int got = command(words);
  std::cout.rdbuf(before);
  std::cerr.rdbuf(before_aside);
  CAPTURE(text.str(), aside.str());
  CHECK(got == code);
  return HubJson::parse(text.str());
}

// All lines of a refusal, without the warnings before it.
static std::string refusal(int (*command)(Arguments), Words words, int code) {
  std::ostringstream text;
  std::streambuf* before = std::cerr.rdbuf(text.rdbuf());
  const int got = command(words);
  std::cerr.rdbuf(before);
  CHECK(got == code);
  std::string kept;
  for (const std::string& line : split(text.str(), '\n')) {
    if (!line.empty() && !line.starts_with("warning:")) kept += line + "\n";
  }
  return kept;
}

// A folder to work in, and a copy of a recorded one that may be changed.
struct Bench {
  TestFolder folder;
  HubJson config;
  Tensors tensors;

  explicit Bench(const std::string& name)
      : config(HubJson::parse(read_file(recorded_folder(name) / "config.json"))),
        tensors(read_safetensors(recorded_folder(name) / "model.safetensors").tensors) {}
  std::string path(const std::string& name) const { return (folder / name).string(); }
  void write(const std::string& name) const {
    write_file(folder / name / "config.json", config.dump());
    write_safetensors(folder / name / "model.safetensors", tensors);
  }
  void import(const std::string& from, const std::string& to) const {
    answer_of(import_hf, {from, "--out", path(to)});
  }
  Tensors forward(const std::string& checkpoint, const Tensors& input, const Words& more = {}) const {
    write_safetensors(path("t"), input);
    Words words = {path(checkpoint), "--tokens", path("t"), "--out", path("l")};
    words.insert(words.end(), more.begin(), more.end());
    answer_of(command_forward, words);
    return read_safetensors(path("l")).tensors;
  }
  std::string complaint(int code) const {
    write("bad");
    std::string text = refusal(import_hf, {path("bad"), "--out", path("none")}, code);
    const std::string place = path("bad/config.json");
    for (size_t at = text.find(place); at != std::string::npos; at = text.find(place))
      text.replace(at, place.size(), "config.json");
    return text;
  }
};

}  // namespace huggingface_test

using namespace huggingface_test;

TEST_CASE("an imported folder gives the logits, hidden states, loss and gradients of transformers",
          "[huggingface]") {
  for (const char* name : {"gpt2", "qwen2_untied"}) {
    CAPTURE(name);
    const Bench bench(name);
    const Tensors recorded = read_safetensors(recorded_folder(name) / "io.safetensors").tensors;
    bench.import(recorded_folder(name).string(), "in");
    const at::Tensor ids = recorded.at("input_ids");
    const at::Tensor targets =
        at::cat({ids.narrow(1, 1, ids.size(1) - 1), at::full({ids.size(0), 1}, -100, at::kLong)}, 1);
    const Tensors out = bench.forward("in", {{"ids", ids}, {"targets", targets}},
                                      {"--hidden", "--gradients", bench.path("g"), "--names", "hf"});
    CHECK(relative_error(out.at("logits"), recorded.at("logits")) < 1e-5);
    CHECK(out.at("loss").item<double>() == Approx(recorded.at("loss").item<double>()).epsilon(1e-6));
    for (const char* hidden : {"hidden_0", "hidden_1", "hidden_2"})
      CHECK(relative_error(out.at(hidden), recorded.at(hidden)) < 1e-5);
    const Tensors gradients = read_safetensors(bench.path("g")).tensors;
    int compared = 0;
    for (const auto& [key, theirs] : recorded) {
      if (!key.starts_with("g/")) continue;
      CAPTURE(key);
      CHECK(relative_error(gradients.at(key.substr(2)), theirs) < 1e-4);
      ++compared;
    }
    CHECK(compared == 3);
    const Tensors wide = bench.forward("in", {{"ids", ids}}, {"--precision", "fp64"});
    CHECK(relative_error(wide.at("logits"), recorded.at("logits64")) < 1e-6);
  }
}

TEST_CASE("export writes the folder that import read", "[huggingface]") {
  for (const char* name : {"gpt2", "qwen2_untied"}) {
    const Bench bench(name);
    bench.import(recorded_folder(name).string(), "in");
    answer_of(export_hf, {bench.path("in"), "--out", bench.path("out")});
    const Tensors written = read_safetensors(bench.folder / "out/model.safetensors").tensors;
    CHECK(written.size() == bench.tensors.size());
    for (const auto& [key, tensor] : bench.tensors) CHECK(at::equal(written.at(key), tensor));
    const HubJson config = HubJson::parse(read_file(bench.folder / "out/config.json"));
    for (const char* key :
         {"vocab_size", "n_embd", "activation_function", "hidden_size", "num_key_value_heads",
          "rope_parameters", "tie_word_embeddings", "model_type", "architectures"}) {
      if (bench.config.contains(key)) CHECK(config.at(key) == bench.config.at(key));
    }
    bench.import(bench.path("out"), "again");
    const Tensors input = {{"ids", at::arange(20).view({2, 10})}};
    CHECK(at::equal(bench.forward("again", input).at("logits"), bench.forward("in", input).at("logits")));
  }
}

TEST_CASE("both spellings of the rotary base are read, and a contradiction is refused", "[huggingface]") {
  Bench bench("qwen2_untied");
  const HubJson old = HubJson::parse(read_file(recorded_folder("qwen2_untied") / "config.v4.json"));
  std::vector<std::string> remarks;
  const auto one = huggingface::decoder_of_json(bench.config, "one", remarks);
  const auto other = huggingface::decoder_of_json(old, "other", remarks);
  CHECK(one.rope_base == 1e6);
  CHECK(other.rope_base == 1e6);
  CHECK(remarks.empty());
  bench.config["rope_theta"] = 10000.0;
  CHECK(bench.complaint(2) ==
        "config.json: rope_parameters.rope_theta = 1000000.0: differs from rope_theta outside\n");
  bench.config.erase("rope_theta");
  bench.config["rope_scaling"] = {{"rope_type", "linear"}, {"factor", 2.0}};
  CHECK(bench.complaint(2).starts_with("config.json: rope_scaling = "));
  bench.config["rope_scaling"]["rope_type"] = "default";
  bench.config["rope_scaling"].erase("factor");
  CHECK(huggingface::decoder_of_json(bench.config, "both", remarks).rope_base == 1e6);
}

TEST_CASE("shards, half precision, buffers and a missing prefix are read", "[huggingface]") {
  Bench bench("gpt2");
  bench.write("whole");
  bench.import(bench.path("whole"), "a");
  Tensors first, second;
  HubJson map = HubJson::object();
  for (const auto& [name, tensor] : bench.tensors) {
    const std::string bare = name.substr(std::string("transformer.").size());
    const bool early = first.size() < 10;
    (early ? first : second)[bare] = tensor.to(at::kBFloat16);
    map[bare] = early ? "model-00001-of-00002.safetensors" : "model-00002-of-00002.safetensors";
  }
  second["h.0.attn.bias"] = at::ones({1, 1, 40, 40}, at::kBool);
  map["h.0.attn.bias"] = "model-00002-of-00002.safetensors";
  const fs::path folder = bench.folder / "shards";
  write_file(folder / "config.json", bench.config.dump());
  write_safetensors(folder / "model-00001-of-00002.safetensors", first);
  write_safetensors(folder / "model-00002-of-00002.safetensors", second);
  write_file(folder / "model.safetensors.index.json", HubJson{{"weight_map", map}}.dump());
  bench.import(folder.string(), "b");
  const Tensors input = {{"ids", at::arange(20).view({2, 10})}};
  const double error =
      relative_error(bench.forward("b", input).at("logits"), bench.forward("a", input).at("logits"));
  CHECK(error < 0.02);
  CHECK(error > 1e-5);
  fs::remove(folder / "model-00002-of-00002.safetensors");
  CHECK(refusal(import_hf, {folder.string(), "--out", bench.path("none")}, 1).find("model-00002-of-00002") !=
        std::string::npos);
}

TEST_CASE("pytorch_model.bin is read without executing anything, whole or in shards", "[huggingface]") {
  const Bench bench("gpt2");
  const fs::path recorded = recorded_folder("gpt2_bin");
  bench.import(recorded.string(), "in");
  const Tensors theirs = read_safetensors(recorded / "io.safetensors").tensors;
  const Tensors ours = bench.forward("in", {{"ids", theirs.at("input_ids")}});
  CHECK(relative_error(ours.at("logits"), theirs.at("logits")) < 1e-5);
  const fs::path half = bench.folder / "half";
  write_file(half / "config.json", read_file(recorded / "config.json"));
  write_file(half / "pytorch_model.bin", read_file(recorded / "pytorch_model-00001-of-00002.bin"));
  const std::string said = refusal(import_hf, {half.string(), "--out", bench.path("none")}, 1);
  CHECK(said.find(half.string() + ": tensor 'transformer.ln_f.weight': missing") != std::string::npos);
  write_file(half / "pytorch_model.bin", "\x80\x02cposix\nsystem\n");
  CHECK(refusal(import_hf, {half.string(), "--out", bench.path("none")}, 1).find("pytorch_model.bin") !=
        std::string::npos);
  fs::remove(half / "pytorch_model.bin");
  CHECK(refusal(import_hf, {half.string(), "--out", bench.path("none")}, 1) ==
        half.string() +
            ": has no model.safetensors and no pytorch_model.bin, nor shards with the index of either\n");
}

TEST_CASE("missing, unknown and misshapen tensors are listed together", "[huggingface]") {
  Bench bench("gpt2");
  bench.tensors["transformer.h.0.attn.extra"] = at::zeros({2});
  bench.tensors.erase("transformer.h.1.attn.c_attn.weight");
  bench.tensors["transformer.wpe.weight"] = at::zeros({3, 48});
  CHECK(bench.complaint(1) ==
        bench.path("bad") + ": tensor 'transformer.wpe.weight': expected [40, 48], got [3, 48]\n" +
            bench.path("bad") + ": tensor 'transformer.h.1.attn.c_attn.weight': missing\n" + bench.path("bad") +
            ": tensor 'transformer.h.0.attn.extra': unknown to this net\n" + bench.path("bad") +
            ": the net is that of config.json in this folder\n");
}

TEST_CASE("a tied head that differs from its embedding is refused, an equal one is not", "[huggingface]") {
  Bench bench("gpt2");
  bench.tensors["lm_head.weight"] = bench.tensors.at("transformer.wte.weight").clone();
  bench.write("same");
  bench.import(bench.path("same"), "in");
  bench.tensors["lm_head.weight"] += 1;
  CHECK(bench.complaint(1) ==
        bench.path("bad") +
            ": tensor 'lm_head.weight': differs from the embedding that config.json ties it to; set "
            "tie_word_embeddings to false\n" +
            bench.path("bad") + ": the net is that of config.json in this folder\n");
}

TEST_CASE("wrappers' prefixes are dropped, and two names that become one are refused", "[huggingface]") {
  Bench bench("gpt2");
  bench.write("plain");
  bench.import(bench.path("plain"), "a");
  Tensors wrapped;
  for (const auto& [name, tensor] : bench.tensors) wrapped["_orig_mod.module.model." + name] = tensor;
  const Tensors plain = std::exchange(bench.tensors, wrapped);
  bench.write("wrapped");
  bench.import(bench.path("wrapped"), "b");
  const Tensors input = {{"ids", at::arange(20).view({2, 10})}};
  CHECK(bench.forward("b", input).at("logits").equal(bench.forward("a", input).at("logits")));
  bench.tensors["transformer.ln_f.bias"] = plain.at("transformer.ln_f.bias");
  CHECK(bench.complaint(1).starts_with(
      bench.path("bad") +
      ": tensor 'transformer.ln_f.bias': is ln_f.bias without its prefixes, and so is "
      "'_orig_mod.module.model.transformer.ln_f.bias'; two names that become one\n"));
}

TEST_CASE("a link that leads nowhere and a pointer are named, and no other file is taken in their place",
          "[huggingface]") {
  const Bench bench("gpt2");
  const fs::path folder = bench.folder / "cache";
  write_file(folder / "config.json", bench.config.dump());
  write_file(folder / "pytorch_model.bin", read_file(recorded_folder("gpt2_bin") / "pytorch_model-00001-of-00002.bin"));
  fs::create_symlink("../../blobs/00", folder / "model.safetensors");
  const auto said = [&] { return refusal(import_hf, {folder.string(), "--out", bench.path("none")}, 1); };
  const std::string file = (folder / "model.safetensors").string();
  CHECK(said() == file + ": cannot be read: is a link to ../../blobs/00, where nothing lies\n");
  fs::remove(folder / "model.safetensors");
  write_file(folder / "model.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n");
  CHECK(said() == file + ": is a Git LFS pointer, no safetensors file; git lfs pull fetches the file itself\n");
  fs::remove(folder / "model.safetensors");
  write_file(folder / "model.safetensors.index.json", std::string(100'000, '['));
  CHECK(said() == file + ".index.json:1:1001: nests deeper than 1000 levels\n");
}

TEST_CASE("a config.json may hold Python's Infinity, and is refused for what it says of the net", "[huggingface]") {
  Bench bench("gpt2");
  bench.write("whole");
  std::string text = bench.config.dump();
  text.insert(1, "\"length_penalty\": Infinity, ");
  write_file(bench.folder / "whole/config.json", text);
  bench.import(bench.path("whole"), "a");
  write_file(bench.folder / "whole/config.json", "{\"layer_norm_epsilon\": NaN, " + text.substr(1));
  const auto said = [&] { return refusal(import_hf, {bench.path("whole"), "--out", bench.path("none")}, 2); };
  CHECK(said().find("is given twice") != std::string::npos);
  bench.config.erase("layer_norm_epsilon");
  write_file(bench.folder / "whole/config.json", "{\"layer_norm_epsilon\": NaN, " + bench.config.dump().substr(1));
  CHECK(said() == bench.path("whole/config.json") + ": layer_norm_epsilon = NaN: expected a finite number\n");
  write_file(bench.folder / "whole/config.json", "[1]");
  CHECK(said() == bench.path("whole/config.json") + ": [1]: must be a JSON object\n");
}

TEST_CASE("import into a folder with a later checkpoint of another net is refused", "[huggingface]") {
  const Bench bench("gpt2");
  bench.write("whole");
  bench.import(bench.path("whole"), "a");
  bench.import(bench.path("whole"), "a");
  fs::copy_file(bench.folder / "a" / checkpoint_name(0), bench.folder / "a" / checkpoint_name(400));
  const std::string rest = ", which would be taken in place of what is written here; give another --out\n";
  CHECK(refusal(import_hf, {bench.path("whole"), "--out", bench.path("a")}, 1) ==
        bench.path("a") + ": holds step-000000000400.safetensors" + rest);
  fs::rename(bench.folder / "a" / checkpoint_name(400), bench.folder / "a" / kBestCheckpoint);
  CHECK(refusal(command_init, {"tinyshakespeare/wavelet", "--out", bench.path("a")}, 1) ==
        bench.path("a") + ": holds best.safetensors" + rest);
}

TEST_CASE("config values that no net here can have are named, all of them", "[huggingface]") {
  Bench bench("qwen2_untied");
  bench.config["use_sliding_window"] = true;
  bench.config["sliding_window"] = 16;
  bench.config["layer_types"] = {"full_attention", "sliding_attention"};
  bench.config["hidden_act"] = "mish";
  bench.config["rope_parameters"] = {{"rope_type", "dynamic"}, {"factor", 2.0}};
  bench.config["hidden_size"] = "48";
  const std::string text = bench.complaint(2);
  for (const char* line :
       {"config.json: layer_types = [\"full_attention\",\"sliding_attention\"]: must be off; attention here "
        "sees "
        "the whole window\n",
        "config.json: hidden_size = \"48\": expected a whole number above 0\n",
        "config.json: hidden_act = \"mish\": unknown activation",
        "config.json: rope_parameters.rope_type = \"dynamic\": must be default, linear, llama3 or yarn\n"}) {
    CAPTURE(line, text);
    CHECK(text.find(line) != std::string::npos);
  }
  Bench other("gpt2");
  other.config["model_type"] = "mamba2";
  CHECK(other.complaint(2) == "config.json: model_type = \"mamba2\": must be gpt2, llama or qwen2\n");
}

TEST_CASE("a decoder survives the way through a recipe's net and through config.json", "[huggingface]") {
  Bench bench("gpt2");
  bench.config["scale_attn_by_inverse_layer_idx"] = true;
  bench.config["activation_function"] = "relu";
  bench.config["layer_norm_epsilon"] = 1e-3;
  bench.config["n_inner"] = 192;
  bench.write("odd");
  bench.import(bench.path("odd"), "in");
  answer_of(export_hf, {bench.path("in"), "--out", bench.path("out")});
  const HubJson config = HubJson::parse(read_file(bench.folder / "out/config.json"));
  for (const char* key : {"scale_attn_by_inverse_layer_idx", "scale_attn_weights", "activation_function",
                          "layer_norm_epsilon", "n_inner"}) {
    CAPTURE(key);
    CHECK(config.at(key) == bench.config.at(key));
  }
  bench.config["scale_attn_by_inverse_layer_idx"] = false;
  bench.write("plain");
  bench.import(bench.path("plain"), "plain_in");
  const Tensors input = {{"ids", at::arange(20).view({2, 10})}};
  CHECK_FALSE(
      at::equal(bench.forward("plain_in", input).at("logits"), bench.forward("in", input).at("logits")));
}

TEST_CASE("padding reaches an imported net as a mask", "[huggingface]") {
  const Bench bench("gpt2");
  bench.import(recorded_folder("gpt2").string(), "in");
  const at::Tensor ids = at::arange(20).view({2, 10});
  at::Tensor mask = at::ones({2, 10}, at::kLong);
  mask[1].narrow(0, 0, 3).fill_(0);  // on the left, where a causal net would see it
  const at::Tensor plain = bench.forward("in", {{"ids", ids}}).at("logits");
  const at::Tensor masked = bench.forward("in", {{"ids", ids}, {"attention_mask", mask}}).at("logits");
  CHECK(at::allclose(plain[0], masked[0], 1e-5, 1e-5));
  CHECK_FALSE(at::allclose(plain[1].narrow(0, 3, 7), masked[1].narrow(0, 3, 7), 1e-3, 1e-3));
}

TEST_CASE("what no folder can hold is refused by export", "[huggingface]") {
  const TestFolder folder;
  const auto said = [&](const std::string& net) {
    write_file(folder / "tiny.yaml",
               "defaults: [/data: tinyshakespeare, _self_]\nnet: {type: decoder_lm, width: 16, " + net +
                   "}\ntrainer: {steps: 4, batch: 2, length: 16}\n");
    answer_of(command_init, {(folder / "tiny.yaml").string(), "--out", (folder / "in").string()});
    return refusal(export_hf, {(folder / "in").string(), "--out", (folder / "out").string()}, 2);
  };
  CHECK(said("mixer: {rope: half}, channel_mixers: {mlp: {}, swiglu: {}}") ==
        R"(net: channel_mixers = {"mlp": {"type": "mlp", "expansion": 4, "hidden": null, "...: must be one)"
        "\n"
        "net: mixer.rope = half: must be none where positions are learned\n");
  CHECK(said("norm: rms, positions: none, channel_mixers: {swiglu: {}}, "
             "mixer: {rope: half, rope_width: 2, value_width: 3}") ==
        "net: mixer.value_width = 3: must be null or the head width, here 4\n"
        "net: mixer.rope_width = 2: must be null or the head width, here 4\n");
  CHECK(said("mixer: performer") ==
        "net: mixer.type = performer: must be softmax_attention or flash_attention\n");
}
