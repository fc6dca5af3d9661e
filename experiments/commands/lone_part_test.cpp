// One part of every kind alone, as `forward --part` and `params --part` show it.
#include <torch/torch.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/tensors/random.h"
#include "core/tensors/safetensors.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "experiments/commands/commands.h"

using namespace subband;

namespace lone_part_test {

using Words = std::vector<std::string>;

struct Stand {
  TestFolder folder;
  std::string path(const std::string& name) const { return (folder / name).string(); }

  nlohmann::json run(int (*command)(Arguments), Words words, int code = 0) const {
    words.push_back("--json");
    std::ostringstream text;
    std::streambuf* before = std::cout.rdbuf(text.rdbuf());
    const int got = command(words);
    std::cout.rdbuf(before);
    CAPTURE(text.str());
    CHECK(got == code);
    return nlohmann::json::parse(text.str());
  }
  Tensors forward(const std::string& part, const Tensors& input, const Words& more = {}) const {
    write_safetensors(path("x"), input);
    Words words = {"--part", part, "--input", path("x"), "--out", path("y")};
    words.insert(words.end(), more.begin(), more.end());
    run(command_forward, words);
    return read_safetensors(path("y")).tensors;
  }
};

static at::Tensor noise(at::IntArrayRef shape, const char* name = "x") {
  return at::empty(shape).normal_(0, 1, stream(1, name));
}

}  // namespace lone_part_test

using namespace lone_part_test;

TEST_CASE("one part of every kind answers alone, with gradients of its input and its parameters",
          "[commands]") {
  const Stand stand;
  const at::Tensor x = noise({2, 9, 8}), scales = noise({4, 2, 9, 8}, "z");
  for (const char* part : {"mixer:softmax_attention", "channel_mixer:swiglu", "transform:fwht",
                           "lifting:learned", "bypass:running_mean", "scale_mixer:gated"}) {
    CAPTURE(part);
    const at::Tensor& input = std::string(part) == "scale_mixer:gated" ? scales : x;
    const Tensors out = stand.forward(part, {{"x", input}, {"c", noise(input.sizes(), "c")}},
                                      {"--width", "8", "--levels", "3", "--gradients", stand.path("g")});
    CHECK(out.at("y").sizes() == input.sizes());
    const Tensors gradients = read_safetensors(stand.path("g")).tensors;
    CHECK(gradients.at("gx").sizes() == input.sizes());
    CHECK(gradients.at("gx").abs().max().item<double>() > 0);
    const nlohmann::json table = stand.run(command_params, {"--part", part, "--width", "8", "--levels", "3"});
    for (const nlohmann::json& tensor : table["tensors"]) {
      const std::string name = tensor["name"];
      CAPTURE(name);
      CHECK(out.at("w/" + name).sizes().vec() == tensor["shape"].get<std::vector<int64_t>>());
    }
  }
}

TEST_CASE("a lifting shows its bands, and puts bands together that it is fed", "[commands]") {
  const Stand stand;
  const at::Tensor x = noise({2, 9, 8});
  const Words words = {"--width", "8", "--levels", "3", "--dilation", "{type: crawl, taps: 3}"};
  const Tensors out = stand.forward("lifting:haar", {{"x", x}}, words);
  CHECK(out.at("z").sizes() == at::IntArrayRef({4, 2, 9, 8}));
  CHECK(at::allclose(out.at("y"), x, 1e-5, 1e-5));
  CHECK(at::allclose(stand.forward("lifting:haar", {{"z", out.at("z")}}, words).at("y"), x, 1e-5, 1e-5));
}

TEST_CASE("a transform shows its inverse, and pads to the width it works at", "[commands]") {
  const Stand stand;
  const at::Tensor x = noise({1, 3, 8});
  const Tensors out = stand.forward("transform:fwht", {{"x", x}}, {"--width", "8"});
  const Tensors back = stand.forward("transform:fwht", {{"x", out.at("y")}}, {"--width", "8"});
  CHECK(at::allclose(back.at("inverse"), x, 1e-5, 1e-6));
  CHECK(stand.forward("transform:fwht", {{"x", noise({1, 3, 6})}}, {"--width", "6"}).at("y").size(2) == 8);
}

TEST_CASE("a dilation shows the past of every level", "[commands]") {
  const Stand stand;
  const at::Tensor x = noise({1, 9, 2});
  const at::Tensor y =
      stand.forward("dilation:dyadic", {{"x", x}}, {"--width", "2", "--levels", "3"}).at("y");
  for (int64_t level = 0; level < 3; ++level) {
    const int64_t back = int64_t{1} << level;
    CHECK(at::equal(y[level].narrow(1, back, 9 - back), x.narrow(1, 0, 9 - back)));
    CHECK(y[level].narrow(1, 0, back).abs().max().item<double>() == 0);
  }
}

TEST_CASE("tensors that a part does not take are passed over; those that it lacks are named", "[commands]") {
  const Stand stand;
  const at::Tensor x = noise({1, 3, 8});
  stand.forward("channel_mixer:mlp", {{"x", x}, {"y64", x.to(at::kDouble)}}, {"--width", "8"});
  write_safetensors(stand.path("x"), {{"q", x}});
  const auto refusal = [&](const std::string& part) {
    return stand.run(command_forward,
                     {"--part", part, "--input", stand.path("x"), "--out", stand.path("y"), "--width", "8"},
                     3)["error"]["message"];
  };
  CHECK(refusal("channel_mixer:mlp") == "tensor 'x': missing");
  write_safetensors(stand.path("x"), {{"x", x}});
  CHECK(refusal("bypass:none") == "x: this bypass has no summary; feed z [S,B,L,D] too");
  CHECK(refusal("scale_mixer:gated") == "x: expected [6, *, *, 8], got [1, 3, 8]");
}

TEST_CASE("a part is fed floating-point numbers, and q, k and v only where it has heads", "[commands]") {
  const Stand stand;
  const auto refusal = [&](const std::string& part, const Tensors& input, int code) {
    write_safetensors(stand.path("x"), input);
    return stand.run(
        command_forward,
        {"--part", part, "--input", stand.path("x"), "--out", stand.path("y"), "--width", "8", "--no-causal"},
        code)["error"]["message"];
  };
  CHECK(refusal("mixer:softmax_attention", {{"x", at::ones({1, 3, 8}, at::kLong)}}, 1) ==
        "tensor 'x': dtype Long: must be floating-point");
  const at::Tensor q = noise({2, 2, 3, 4}, "q");
  CHECK(refusal("mixer:fnet", {{"q", q}, {"k", q.clone()}, {"v", q.clone()}}, 3) ==
        "q, k, v: this mixer has no heads to take them; feed x");
  CHECK(refusal("mixer:flash_attention", {{"q", q}, {"k", q.clone()}, {"v", noise({2, 2, 3, 5}, "v")}}, 2) ==
        "flash_attention.value_width = 5: must be head_width for backend = cpu_flash");
}

TEST_CASE("an operator's q, k and v reach a mixer's core as they are", "[commands]") {
  const Stand stand;
  const at::Tensor q = noise({2, 4, 9, 6}, "q"), k = noise({2, 2, 9, 6}, "k"), v = noise({2, 2, 9, 5}, "v");
  const Tensors input = {{"q", q}, {"k", k}, {"v", v}, {"c", noise({2, 4, 9, 5}, "c")}};
  const at::Tensor y =
      stand.forward("mixer:softmax_attention", input, {"--gradients", stand.path("g")}).at("y");
  const at::Tensor keys = k.repeat_interleave(2, 1), values = v.repeat_interleave(2, 1);
  const at::Tensor scores = at::matmul(q, keys.transpose(2, 3)) / std::sqrt(6.0) +
                            at::full({9, 9}, -std::numeric_limits<float>::infinity()).triu(1);
  CHECK(at::allclose(y, at::matmul(scores.softmax(-1), values), 1e-5, 1e-5));
  const Tensors gradients = read_safetensors(stand.path("g")).tensors;
  CHECK(gradients.at("gx/v").sizes() == v.sizes());
  CHECK(gradients.at("gx/q").abs().max().item<double>() > 0);
}

TEST_CASE("retention alone takes q, k and v, with nothing before or behind it", "[commands]") {
  const Stand stand;
  const at::Tensor q = noise({2, 4, 9, 5}, "q"), k = noise({2, 2, 9, 5}, "k"), v = noise({2, 2, 9, 3}, "v");
  at::Tensor wanted = at::zeros({2, 4, 9, 3}, at::kDouble);
  for (int64_t b = 0; b < 2; ++b) {
    for (int64_t h = 0; h < 4; ++h) {
      for (int64_t i = 0; i < 9; ++i) {
        for (int64_t j = 0; j <= i; ++j) {
          const double fading = std::pow(1 - std::pow(2.0, -5 - static_cast<double>(h)), i - j);
          const double product = q[b][h][i].dot(k[b][h / 2][j]).item<double>() / std::sqrt(5.0);
          wanted[b][h][i] += fading * product * v[b][h / 2][j].to(at::kDouble);
        }
      }
    }
  }
  const Tensors input = {{"q", q}, {"k", k}, {"v", v}};
  CHECK(at::allclose(stand.forward("mixer:retnet", input).at("y").to(at::kDouble), wanted, 1e-5, 1e-6));
  const at::Tensor turned = stand.forward("mixer:retnet", input, {"--set", "norm=layer"}).at("y");
  CHECK_FALSE(at::allclose(turned.to(at::kDouble), wanted, 1e-2, 1e-2));
}
