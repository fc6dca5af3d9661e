// The smallest parts that a whole run can be made of, for tests: a text, a tokeniser of letters, a net with
// dropout and a carried state.
#pragma once
#include <ATen/ATen.h>

#include <string>
#include <vector>

#include "core/error.h"
#include "core/hash.h"
#include "experiments/data.h"
#include "experiments/optimizer.h"
#include "experiments/schedule.h"
#include "experiments/tokenizer.h"
#include "models/net.h"

namespace subband {
void register_experiments_parts(Registry& registry);
}

namespace subband::testing {

/// `abcabc…`-like text with some disorder: learnable, but not in one step. `train` has `letters` of them.
class TinyData final : public Data {
 public:
  struct Config {
    int64_t letters = 600;
    void bind(Binder& b) { b.field("letters", letters, {0, 1e6}, "length of the training text"); }
  };
  TinyData(const Config& config, const DataContext&) : letters_(config.letters) {}
  std::string name() const override { return "tiny"; }
  std::vector<std::string> splits() const override { return {"train", "valid", "test"}; }
  TextSplit text(std::string_view split) const override {
    const int64_t length = split == "train" ? letters_ : split == "valid" ? 101 : 75;
    std::string text;
    uint32_t state = split == "train" ? 1 : split == "valid" ? 2 : 3;
    for (int64_t i = 0; i < length; ++i) {
      state = state * 1664525u + 1013904223u;
      text += static_cast<char>('a' + (i % 5 + ((state >> 24) % 4 == 0)) % 6);
    }
    return {.text = text, .words = split == "test" ? 25 : 0};
  }
  DataManifest manifest() const override { return {{"tiny", sha256_hex(text("train").text)}}; }
  std::string layout(std::string_view) const override { return ""; }

 private:
  int64_t letters_;
};

/// a is 0, … z is 25; every other byte is 26, which decodes to a space.
class LetterTokenizer final : public Tokenizer {
 public:
  struct Config {
    void bind(Binder&) {}
  };
  LetterTokenizer(const Config&, const TokenizerContext&) {}
  int64_t vocabulary() const override { return 27; }
  void encode(std::string_view text, std::vector<int32_t>& ids) const override {
    for (const char c : text) ids.push_back(c >= 'a' && c <= 'z' ? c - 'a' : 26);
  }
  std::string decode(std::span<const int32_t> ids) const override {
    std::string text;
    for (const int32_t id : ids) text += id < 26 ? static_cast<char>('a' + id) : ' ';
    return text;
  }
  std::string fingerprint() const override { return sha256_hex("letters"); }
};

/// logits = Out (Dropout(E[id]) + running mean + carried state). `broken_at`: the loss is NaN from that call on.
class TinyNet final : public Net {
 public:
  struct Config {
    int64_t width = 8;
    double dropout = 0;
    int64_t broken_at = 0;
    bool carry = false;
    void bind(Binder& b, const NetContext&) {
      b.field("width", width, {1, 64}, "W");
      b.field("dropout", dropout, {0.0, 0.9}, "of the embedding");
      b.field("broken_at", broken_at, {0, 1e9}, "call of loss that gives NaN; 0: none");
      b.field("carry", carry, "windows hand their last mean on");
    }
  };
  TinyNet(const Config& config, const NetContext& c)
      : config_(config),
        embedding_(add_parameter("embedding", c.initializer->normal({c.vocabulary, config.width}, 0, 0.3),
                                 {.role = Role::embedding})),
        out_(add_parameter("out", c.initializer->uniform({c.vocabulary, config.width}, -0.3, 0.3),
                           {.role = Role::head})),
        unused_(add_parameter("unused", c.initializer->zeros({2}), {.role = Role::gain})) {}

  at::Tensor forward(const at::Tensor& ids_BL, const Pass& pass = {}) override {
    at::Tensor x = at::embedding(embedding_, ids_BL);
    if (is_training() && config_.dropout > 0) {
      x = x * at::empty_like(x).bernoulli_(1 - config_.dropout, generator_) / (1 - config_.dropout);
    }
    LayerState* memory = pass.memory();
    const int64_t before = pass.position(), length = ids_BL.size(1);
    at::Tensor sums = x.cumsum(1);
    if (memory && memory->value("sum").defined()) sums = sums + memory->value("sum").unsqueeze(1);
    const at::Tensor counts = at::arange(before + 1, before + length + 1, x.options()).unsqueeze(-1);
    const at::Tensor mean = sums / counts;
    x = x + mean;
    if (memory && config_.carry) {
      if (memory->value("across.mean").defined()) x = x + 0.1 * memory->value("across.mean").unsqueeze(1);
      memory->put("across.mean", mean.select(1, -1).detach());
    }
    if (memory) memory->put("sum", sums.select(1, -1));
    if (pass.state) pass.state->advance(length);
    return at::linear(x, out_);
  }
  at::Tensor loss(const at::Tensor& ids_BL, const at::Tensor& targets_BL, const Pass& pass = {}) override {
    const at::Tensor loss = Net::loss(ids_BL, targets_BL, pass);
    if (is_training() && ++calls_ == config_.broken_at) return loss * std::nan("");
    return loss;
  }
  PartCosts costs(int64_t length, int64_t) const override {
    PartCosts costs;
    costs.add("all", *this, 2.0 * static_cast<double>(length * out_.numel()));
    return costs;
  }
  void set_generator(const at::Generator& generator) override { generator_ = generator; }
  int64_t most_tokens() const override { return kEndless; }
  Carry carries() const override { return config_.carry ? Carry::across : Carry::nothing; }

 private:
  Config config_;
  int64_t calls_ = 0;
  at::Generator generator_;
  at::Tensor embedding_, out_, unused_;
};

/// All parts of experiments, and the tiny ones as `tiny`, `letters` and `tiny`.
inline Registry tiny_registry() {
  Registry registry;
  registry.of<Data>().add<TinyData, TinyData::Config>({.name = "tiny", .summary = "for tests"});
  registry.of<Tokenizer>().add<LetterTokenizer, LetterTokenizer::Config>(
      {.name = "letters", .summary = "for tests"});
  registry.of<Net>().add<TinyNet, TinyNet::Config>({.name = "tiny", .summary = "for tests"});
  register_experiments_parts(registry);
  return registry;
}

/// One such registry that outlives every recipe bound with it.
inline const Registry& tiny_parts() {
  static const Registry registry = tiny_registry();
  return registry;
}

/// A composed config of those parts: 12 steps of 3 windows of 8 letters.
inline config::Node tiny_config() {
  using config::Node;
  Node config = Node::map();
  config.set_at("data.type", Node("tiny"));
  config.set("tokenizer", Node("letters"));
  config.set_at("net.type", Node("tiny"));
  config.set_at("optimizer.type", Node("adagrad"));
  config.set_at("optimizer.lr", Node(0.1));
  config.set_at("trainer.steps", Node(int64_t{12}));
  config.set_at("trainer.batch", Node(int64_t{3}));
  config.set_at("trainer.length", Node(int64_t{8}));
  return config;
}

}  // namespace subband::testing
