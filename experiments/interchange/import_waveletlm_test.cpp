// Import, forward and export as a user calls them, on recorded cases of the original.
#include <torch/torch.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/files.h"
#include "core/tensors/safetensors.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "experiments/commands/commands.h"

namespace import_waveletlm_test {
using namespace subband;
namespace fs = std::filesystem;
using Words = std::vector<std::string>;

fs::path cases() {
  const char* shared = std::getenv("SUBBAND_SHARED");
  return (shared ? fs::path(shared) : program_root() / "../shared") / "fixtures/waveletlm";
}

Tensors below(const Tensors& all, const std::string& prefix) {
  Tensors part;
  for (const auto& [key, tensor] : all)
    if (key.starts_with(prefix)) part.emplace(key.substr(prefix.size()), tensor);
  return part;
}

// The command's JSON, after its exit code.
nlohmann::json call(int (*command)(Arguments), Words words, int expected = 0) {
  words.push_back("--json");
  std::ostringstream text, errors;
  std::streambuf *out = std::cout.rdbuf(text.rdbuf()), *err = std::cerr.rdbuf(errors.rdbuf());
  const int code = command(words);
  std::cout.rdbuf(out), std::cerr.rdbuf(err);
  INFO(text.str() << errors.str());
  CHECK(code == expected);
  return nlohmann::json::parse(text.str());
}

double relative(const at::Tensor& ours, const at::Tensor& theirs) {
  const at::Tensor wide = theirs.to(at::kDouble).flatten();
  return (ours.to(at::kDouble).flatten() - wide).abs().max().item<double>() /
         std::max(1e-30, wide.abs().max().item<double>());
}

// One recorded case, imported.
struct Case {
  TestFolder folder;
  Tensors recorded;
  std::string config, checkpoint = (folder / "net").string();

  explicit Case(const std::string& name, const std::string& prefix = "p/")
      : config((cases() / (name + ".json")).string()) {
    recorded = read_safetensors(cases() / (name + ".safetensors")).tensors;
    write_safetensors(folder / "weights.safetensors", prefix.empty() ? recorded : below(recorded, prefix));
    call(command_import, {"waveletlm", "--config", config, "--weights",
                          (folder / "weights.safetensors").string(), "--out", checkpoint});
  }
  std::string path(const std::string& name) const { return (folder / name).string(); }
};

bool is_there(const std::string& name) {
  if (fs::exists(cases() / (name + ".safetensors"))) return true;
  WARN("skipped: " << cases().string() << " has no " << name << ".safetensors");
  return false;
}

// `cancelling`: a gradient whose sum nearly cancels, so that fp32 cannot be compared with fp32; fp64 can.
void check_case(const std::string& name, const std::string& cancelling = {}) {
  const Case it(name);
  const at::Tensor ids = it.recorded.at("ids"), targets = it.recorded.at("targets");
  write_safetensors(it.path("tokens"),
                    {{"ids.0", ids}, {"ids.1", ids}, {"targets.0", targets}, {"targets.1", targets}});
  Tensors narrow;
  for (const std::string precision : {"fp32", "fp64"}) {
    call(command_forward, {it.checkpoint, "--tokens", it.path("tokens"), "--out", it.path("out"),
                           "--gradients", it.path("gradients"), "--precision", precision});
    const Tensors out = read_safetensors(it.path("out")).tensors;
    CHECK(relative(out.at("logits.0"), it.recorded.at("logits1")) < 1e-5);
    CHECK(relative(out.at("logits.1"), it.recorded.at("logits2")) < 1e-5);
    CHECK(relative(out.at("loss.0"), it.recorded.at("loss1")) < 1e-5);
    CHECK(relative(out.at("loss.1"), it.recorded.at("loss2")) < 1e-5);
    const Tensors gradients = read_safetensors(it.path("gradients")).tensors,
                  expected = below(it.recorded, "g/");
    for (const auto& [key, gradient] : expected) {
      INFO(precision << " " << key);
      REQUIRE(gradients.contains(key));
      if (precision == "fp32" && key == cancelling) continue;
      CHECK(relative(gradients.at(key), gradient) < 1e-5);
    }
    CHECK(gradients.size() == expected.size());
  }
}

TEST_CASE("the released recipe, imported, answers as recorded over two windows, with its gradients",
          "[import_waveletlm]") {
  if (is_there("A_best_like")) check_case("A_best_like");
}

TEST_CASE("a looped fixed-Haar net, imported, answers as recorded", "[import_waveletlm]") {
  if (is_there("D_haar_looped")) check_case("D_haar_looped");
}

TEST_CASE("two cells in lockstep, imported, answer as recorded", "[import_waveletlm]") {
  if (is_there("G_multinodal")) check_case("G_multinodal", "cells.0.layers.0.alpha_fwpkm");
}

TEST_CASE("export writes every name that was imported, repeats included, bit for bit", "[import_waveletlm]") {
  for (const std::string name : {"A_best_like", "D_haar_looped", "G_multinodal"}) {
    if (!is_there(name)) continue;
    const Case it(name);
    call(command_export, {"waveletlm", it.checkpoint, "--out", it.path("back.safetensors")});
    const Tensors back = read_safetensors(it.path("back.safetensors")).tensors,
                  given = below(it.recorded, "p/");
    CHECK(back.size() == given.size());
    for (const auto& [key, tensor] : given) {
      INFO(key);
      REQUIRE(back.contains(key));
      CHECK(back.at(key).flatten().equal(tensor.flatten()));
    }
    call(command_export, {"safetensors", it.checkpoint, "--out", it.path("ours.safetensors")});
    CHECK(read_safetensors(it.path("ours.safetensors")).tensors.size() < given.size());
  }
}

TEST_CASE("the initial weights of a config.json are those of the original's generator, bit for bit",
          "[import_waveletlm]") {
  if (!is_there("init_tiny")) return;
  const TestFolder folder;
  const std::string net = (folder / "net").string(), out = (folder / "out.safetensors").string();
  call(command_init,
       {(cases() / "init_tiny.json").string(), "--seed", "1337", "--vocab", "37", "--out", net});
  call(command_export, {"waveletlm", net, "--out", out});
  const Tensors drawn = read_safetensors(out).tensors,
                recorded = read_safetensors(cases() / "init_tiny.safetensors").tensors;
  CHECK(drawn.size() == recorded.size());
  for (const auto& [key, tensor] : recorded) {
    INFO(key);
    REQUIRE(drawn.contains(key));
    CHECK(drawn.at(key).flatten().equal(tensor.flatten()));
  }
}

TEST_CASE("names that are unknown or missing are listed together", "[import_waveletlm]") {
  if (!is_there("A_best_like")) return;
  const TestFolder folder;
  Tensors weights = below(read_safetensors(cases() / "A_best_like.safetensors").tensors, "p/");
  weights.erase("final_ln.bias");
  weights["final_ln.bais"] = at::zeros({16});
  write_safetensors(folder / "w.safetensors", weights);
  const Words words = {"waveletlm",
                       "--config",
                       (cases() / "A_best_like.json").string(),
                       "--weights",
                       (folder / "w.safetensors").string(),
                       "--out",
                       (folder / "net").string()};
  const nlohmann::json refused = call(command_import, words, 1);
  CHECK_THAT(refused.dump(), Catch::ContainsSubstring("final_ln.bais: no such tensor in this net") &&
                                 Catch::ContainsSubstring("final_ln.bias: missing"));
  CHECK_THAT(call(command_import, {"wavletlm"}, 2)["error"]["message"].get<std::string>(),
             Catch::ContainsSubstring("wavletlm: unknown format; did you mean 'waveletlm'?"));
}

TEST_CASE("an import goes to the very folder that was named, whatever its letters mean elsewhere",
          "[import_waveletlm]") {
  if (!is_there("A_best_like")) return;
  const Case it("A_best_like");
  write_safetensors(it.path("tokens"), {{"ids", it.recorded.at("ids")}});
  const auto logits = [&](const std::string& checkpoint) {
    call(command_forward, {checkpoint, "--tokens", it.path("tokens"), "--out", it.path("out")});
    return read_safetensors(it.path("out")).tensors.at("logits");
  };
  const at::Tensor expected = logits(it.checkpoint);
  for (const std::string name : {"o'brien", "${x}", "a \"b\" \\c", "#1: {x}", "=&!*"}) {
    INFO(name);
    const std::string out = it.path(name);
    call(command_import, {"waveletlm", "--config", it.config, "--weights", it.path("weights.safetensors"), "--out", out});
    REQUIRE(fs::is_directory(out));
    CHECK(logits(out).equal(expected));
  }
}

}  // namespace import_waveletlm_test
