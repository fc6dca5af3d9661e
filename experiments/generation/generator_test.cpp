#include "experiments/generation/generator.h"

#include <ATen/ATen.h>

#include <cmath>

#include "core/draws.h"
#include "core/tensors/random.h"
#include "core/testing/catch.h"
#include "experiments/generation/text_quality.h"
#include "experiments/testing/sampling.h"
#include "experiments/testing/tiny.h"

namespace generator_test {
using namespace subband;
using config::Node;
using testing::LetterTokenizer;
using testing::made_sampling;
using testing::TinyNet;
using Texts = std::vector<GeneratedText>;

static const LetterTokenizer& letters() {
  static const LetterTokenizer kLetters({}, {});
  return kLetters;
}

static std::vector<int32_t> ids_of(const std::string& text) {
  std::vector<int32_t> ids;
  letters().encode(text, ids);
  return ids;
}

static TinyNet tiny_net() {
  Initializer initializer(plain_generator(5));
  return TinyNet({.dropout = 0.5}, {27, 8, &initializer});
}

static Texts drawn(Net& net, const std::vector<std::string>& prompts, GenerationOptions options, const Strategies& strategies = {}) {
  std::vector<std::vector<int32_t>> ids;
  for (const std::string& prompt : prompts) ids.push_back(ids_of(prompt));
  options.source.length = 8;
  return generate(net, letters(), strategies, ids, options);
}

TEST_CASE("a text has the asked length, repeats with its seed, and leaves the net as it was", "[generator]") {
  TinyNet net = tiny_net();
  const auto text = [&](uint64_t seed) { return drawn(net, {"once"}, {.tokens = 30, .seed = seed})[0]; };
  const GeneratedText first = text(1);
  CHECK(first.text.size() == 30);
  CHECK(first.tokens.size() == 30);
  CHECK(first.ended == "length");
  CHECK(text(1).text == first.text);
  CHECK(text(2).text != first.text);
  CHECK(net.is_training());
}

// The definition: the whole text is read again for each token, and the draw of the position decides.
TEST_CASE("a text is what scalar draws from the whole past give", "[generator]") {
  TinyNet net = tiny_net();
  net.to(at::kDouble);
  const GeneratedText text = drawn(net, {"once"}, {.tokens = 25, .samples = 3, .seed = 11})[2];
  net.eval();
  std::vector<int32_t> ids = ids_of("once");
  for (uint64_t position = 0; position < 25; ++position) {
    const at::Tensor logits = net.forward(at::tensor(at::ArrayRef<int32_t>(ids), at::kLong).unsqueeze(0)).select(0, 0).select(0, -1);
    const at::Tensor p = logits.softmax(0);
    const double uniform = Draws(11, "sample 2/0", position).uniform();
    double sum = 0;
    int32_t chosen = 0;
    while ((sum += p[chosen].item<double>()) <= uniform) ++chosen;
    CHECK(text.tokens[position].id == chosen);
    CHECK(text.tokens[position].log_probability == Approx(std::log(p[chosen].item<double>())));
    CHECK(text.tokens[position].entropy == Approx(-(p * p.log()).sum().item<double>()).margin(1e-9));
    ids.push_back(chosen);
  }
}

TEST_CASE("a text in fp64 does not depend on what is drawn with it", "[generator]") {
  TinyNet net = tiny_net();
  net.to(at::kDouble);
  const std::vector<std::string> prompts = {"a", "of many words", "once", std::string(90, 'q'), "b"};
  const auto texts_of = [](const Texts& texts) {
    std::vector<std::string> all;
    for (const GeneratedText& each : texts) all.push_back(each.text);
    return all;
  };
  const auto alone = texts_of(drawn(net, prompts, {.tokens = 40, .samples = 3, .most_rows = 1}));
  REQUIRE(alone.size() == 15);
  CHECK(texts_of(drawn(net, prompts, {.tokens = 40, .samples = 3, .most_rows = 2})) == alone);
  CHECK(texts_of(drawn(net, prompts, {.tokens = 40, .samples = 3, .most_rows = 64})) == alone);
  const auto one = texts_of(drawn(net, {prompts[2]}, {.tokens = 40, .samples = 3}));
  CHECK(std::vector<std::string>(alone.begin() + 6, alone.begin() + 9) == one);
}

TEST_CASE("texts that end early leave the others as they are", "[generator]") {
  TinyNet net = tiny_net();
  net.to(at::kDouble);
  const Texts whole = drawn(net, {"a", "b", "c", "d"}, {.tokens = 60});
  const Texts cut = drawn(net, {"a", "b", "c", "d"}, {.tokens = 60, .stops = {"e", "ka"}});
  int stopped = 0;
  for (size_t i = 0; i < whole.size(); ++i) {
    const size_t end = std::min(whole[i].text.find('e'), whole[i].text.find("ka"));
    CHECK(cut[i].text == whole[i].text.substr(0, end));
    CHECK(cut[i].ended == (end == std::string::npos ? "length" : "stop"));
    if (end != std::string::npos) ++stopped;
  }
  CHECK(stopped > 0);
}

TEST_CASE("pieces are told as they are drawn, and make the texts", "[generator]") {
  TinyNet net = tiny_net();
  std::vector<std::string> told(4);
  const Texts texts = drawn(net, {"a", "bcd"}, {.tokens = 20, .samples = 2, .watch = [&](size_t text, const std::string& piece) {
                                                  told[text] += piece;
                                                }});
  for (size_t i = 0; i < 4; ++i) {
    CHECK(told[i] == texts[i].text);
    CHECK(texts[i].prompt == i / 2);
    CHECK(texts[i].sample == static_cast<int64_t>(i % 2));
  }
}

TEST_CASE("a stop flag ends every text where it is", "[generator]") {
  TinyNet net = tiny_net();
  std::atomic<bool> stop = false;
  const Texts texts = drawn(net, {"a", "b"}, {.tokens = 50, .stop = &stop, .watch = [&](size_t, const std::string& piece) {
                                                stop = stop || piece == "z" || piece == " ";
                                              }});
  for (const GeneratedText& text : texts) {
    CHECK(text.ended == "interrupted");
    CHECK(text.text.size() < 50);
    CHECK(text.text.size() == text.tokens.size());
  }
}

TEST_CASE("the best of several texts has the highest mean log-probability of them", "[generator]") {
  TinyNet net = tiny_net();
  const Strategies best({made_sampling("best_of", {{"texts", Node(int64_t{5})}})});
  const GeneratedText kept = drawn(net, {"once"}, {.tokens = 12}, best)[0];
  double highest = -1e9;
  for (int attempt = 0; attempt < 5; ++attempt) {
    std::vector<int32_t> ids = ids_of("once");
    std::vector<DrawnToken> tokens;
    TokenSource source(net, {.length = 8});
    net.eval();
    const at::NoGradGuard no_gradient;
    for (uint64_t position = 0; position < 12; ++position) {
      const at::Tensor logits = source.after({&ids}, std::ssize(ids))[0];
      SamplingStep step{.ids = ids, .prompt = 4, .logits = {logits.data_ptr<double>(), logits.data_ptr<double>() + 27}};
      testing::FunctionRollout nothing([](const auto&) { return std::vector<double>{}; });
      tokens.push_back(Strategies().draw(step, nothing, Draws(1337, "sample 0/" + std::to_string(attempt), position).uniform()));
      ids.push_back(tokens.back().id);
    }
    highest = std::max(highest, mean_log_probability(tokens));
    net.train();
  }
  CHECK(mean_log_probability(kept.tokens) == Approx(highest));
}

TEST_CASE("lookahead leaves the state as it was", "[generator]") {
  TinyNet net = tiny_net();
  net.to(at::kDouble);
  // One candidate is no choice: the text is the greedy one, if trying it out leaves no trace.
  const Strategies one({made_sampling("lookahead", {{"candidates", Node(int64_t{1})}})});
  const Strategies greedy({made_sampling("temperature", {{"value", Node(0.0)}})});
  const Texts tried = drawn(net, {"once", "a", "b"}, {.tokens = 30}, one);
  const Texts plain = drawn(net, {"once", "a", "b"}, {.tokens = 30}, greedy);
  for (size_t i = 0; i < 3; ++i) CHECK(tried[i].text == plain[i].text);
}

/// Counts how often it is asked.
class CountedNet final : public Net {
 public:
  explicit CountedNet(Net& net) : net_(net) {}
  at::Tensor forward(const at::Tensor& ids_BL, const Pass& pass) override {
    ++reads;
    return net_.forward(ids_BL, pass);
  }
  PartCosts costs(int64_t, int64_t) const override { return {}; }
  int64_t most_tokens() const override { return net_.most_tokens(); }
  int64_t reads = 0;

 private:
  Net& net_;
};

TEST_CASE("lookahead reads its candidates together, and finds what it finds one by one", "[generator]") {
  TinyNet tiny = tiny_net();
  tiny.to(at::kDouble), tiny.eval();
  const Strategies tries({made_sampling("lookahead", {{"candidates", Node(int64_t{6})}, {"depth", Node(int64_t{3})}})});
  const auto drawn_with = [&](int64_t most_tried, int64_t reads_of_one_try, bool slides) {
    CountedNet net(tiny);
    const Texts texts =
        drawn(net, {"once", "of", "b"}, {.tokens = 20, .source = {.slides = slides, .most_tried = most_tried}}, tries);
    if (!slides) CHECK(net.reads == 4 + 19 + 3 * 20 * 3 * reads_of_one_try);  // prompts of 1 to 4 letters, then all together
    return texts[0].text + "|" + texts[1].text + "|" + texts[2].text;
  };
  for (const bool slides : {false, true}) {
    const std::string alone = drawn_with(1, 6, slides);
    CHECK(drawn_with(4, 2, slides) == alone);
    CHECK(drawn_with(16, 1, slides) == alone);
  }
}

TEST_CASE("a prompt without tokens is refused", "[generator]") {
  TinyNet net = tiny_net();
  CHECK_THROWS_WITH(drawn(net, {""}, {.tokens = 1}), "prompt: must have at least one token");
}

}  // namespace generator_test
