#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "core/testing/catch.h"
#include "experiments/testing/tasks.h"

namespace classification_test {
using namespace subband;
using config::Node;
using testing::values;

// Example i of `train`: 1 + i % 4 ids, all i; label i % 3. `numbers` puts two channels in their place, `text` letters.
class Labelled final : public Data {
 public:
  explicit Labelled(std::string kind) : kind_(std::move(kind)) {}
  std::string name() const override { return "labelled"; }
  std::vector<std::string> splits() const override { return {"train", "valid", "test"}; }
  std::optional<ExampleForm> form() const override {
    ExampleForm form{.classes = 3};
    if (kind_ == "ids") form.vocabulary = 40;
    if (kind_ == "numbers") form.channels = 2;
    return form;
  }
  ExampleSet examples(std::string_view split) const override {
    ExampleSet set;
    const int64_t count = split == "train" ? 10 : 7;
    for (int64_t i = 0; i < count; ++i) {
      const auto length = static_cast<size_t>(1 + i % 4);
      if (kind_ == "ids") set.add_ids(std::vector<uint16_t>(length, static_cast<uint16_t>(i)), i % 3);
      if (kind_ == "numbers") set.add_numbers(std::vector<float>(2 * length, static_cast<float>(i)), i % 3);
      if (kind_ == "text") set.add_text(std::string(length, static_cast<char>('a' + i)), i % 3);
    }
    return set;
  }
  DataManifest manifest() const override { return {}; }
  std::string layout(std::string_view) const override { return ""; }

 private:
  std::string kind_;
};

static std::shared_ptr<Task> classification(const std::string& kind, int64_t length = 8) {
  return testing::make_part<Task>(testing::tiny_parts(), "classification", {},
                                  {.data = std::make_shared<Labelled>(kind),
                                   .tokenizer = std::make_shared<testing::LetterTokenizer>(
                                       testing::LetterTokenizer::Config{}, TokenizerContext{}),
                                   .length = length});
}

TEST_CASE("a classification imposes classes, vocabulary or channels", "[classification]") {
  CHECK(classification("ids")->shape().vocabulary == 40);
  CHECK(classification("text")->shape().vocabulary == 27);
  CHECK(classification("numbers")->shape().vocabulary == 0);
  CHECK(classification("numbers")->shape().channels == 2);
  CHECK(classification("numbers")->shape().answers() == 3);
}

TEST_CASE("batches hold every example of a pass once, padded on the right", "[classification]") {
  const auto open = classification("ids")->open({.batch = 5, .seed = 1});
  CHECK(open->batches_per_epoch() == 2);
  CHECK(open->epoch_text() == "10 examples");
  std::set<int64_t> seen;
  for (const uint64_t index : {0, 1}) {
    const Batch& batch = open->draw(index);
    for (int64_t row = 0; row < 5; ++row) {
      const auto ids = values(batch.inputs_BL[row]);
      const int64_t example = ids[0];
      seen.insert(example);
      CHECK(batch.targets_BL[row].item<int64_t>() == example % 3);
      for (int64_t t = 0; t < std::ssize(ids); ++t) {
        const bool is_real = t <= example % 4;
        CHECK(ids[static_cast<size_t>(t)] == (is_real ? example : 0));
        CHECK((!batch.keep_BL.defined() || batch.keep_BL[row][t].item<bool>() == is_real));
      }
    }
  }
  CHECK(seen.size() == 10);
}

TEST_CASE("a batch is a function of seed and index alone", "[classification]") {
  const auto forwards = classification("ids")->open({.batch = 3, .seed = 1}),
             backwards = classification("ids")->open({.batch = 3, .seed = 1});
  std::vector<std::vector<int64_t>> there, back;
  for (uint64_t k = 0; k < 9; ++k) there.push_back(values(forwards->draw(k).inputs_BL));
  for (uint64_t k = 9; k-- > 0;) back.insert(back.begin(), values(backwards->draw(k).inputs_BL));
  CHECK(there == back);
}

TEST_CASE("sequences are cut at the trainer's length; numbers and text come as what they are",
          "[classification]") {
  const auto numbers = classification("numbers", 2)->open({.batch = 10, .seed = 1});
  const Batch& batch = numbers->draw(0);
  CHECK(batch.inputs_BL.sizes() == at::IntArrayRef({10, 2, 2}));
  CHECK(batch.inputs_BL.scalar_type() == at::kFloat);
  const auto text = classification("text")->open({.batch = 10, .seed = 1});
  std::set<int64_t> letters;
  for (const int64_t id : values(text->draw(0).inputs_BL.select(1, 0))) letters.insert(id);
  CHECK(letters == std::set<int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
}

TEST_CASE("sequences that are cut are counted and said", "[classification]") {
  const std::vector<std::string> notes = classification("numbers", 2)->open({.batch = 10, .seed = 1})->notes();
  REQUIRE(notes.size() == 1);
  CHECK_THAT(notes[0], Catch::StartsWith("train: ") &&
                           Catch::ContainsSubstring(" sequences are longer than trainer.length = 2 and are cut there"));
  CHECK(classification("numbers", 1000)->open({.batch = 10, .seed = 1})->notes().empty());
}

// Answers class id % 3 of the first id, so every answer is right; its confidence falls with padding if that leaks in.
class Reader final : public Net {
 public:
  at::Tensor forward(const at::Tensor& ids, const Pass& pass) override {
    const at::Tensor& keep = pass.keep_BL;
    longest = std::max(longest, ids.size(1)), most = std::max(most, ids.size(0));
    if (keep.defined()) ++padded;
    return at::one_hot(ids.select(1, 0).remainder(3), 3).to(at::kFloat).mul(4);
  }
  bool gives_classes() const override { return true; }
  PartCosts costs(int64_t, int64_t) const override { return {}; }
  int64_t longest = 0, padded = 0, most = 0;
};

TEST_CASE("every example of a split is judged once, whatever the batch", "[classification]") {
  Reader net;
  for (const int64_t batch : {1, 3, 64}) {
    const Metrics metrics = classification("ids")->measurements({.batch = batch}).at(2).measure(net);
    CHECK(metrics.at("test.accuracy") == 1);
    CHECK(metrics.at("test.auc") == 1);
    CHECK(metrics.at("test.f1_macro") == 1);
    CHECK(metrics.at("test.loss") == Approx(std::log(std::exp(4.0) + 2) - 4));
  }
  const Metrics estimate = classification("ids")->open({.batch = 2, .estimate_batches = 2})->estimate(net);
  CHECK(estimate.at("valid.accuracy_estimate") == 1);
  net.most = 0;
  const Metrics halves = classification("ids")->open({.batch = 4, .parts = 2})->estimate(net);
  CHECK(net.most == 2);
  CHECK(halves.at("valid.loss_estimate") == Approx(std::log(std::exp(4.0) + 2) - 4));
}

TEST_CASE("data of the other sort is refused", "[classification]") {
  const auto text = std::make_shared<testing::TinyData>(testing::TinyData::Config{}, DataContext{});
  CHECK_THROWS_WITH(
      testing::make_part<Task>(testing::tiny_parts(), "classification", {}, {.data = text})->shape(),
      "task.type = classification: data.tiny holds text without labels; choose language_model or other data");
  CHECK_THROWS_WITH(
      testing::make_part<Task>(testing::tiny_parts(), "language_model", {},
                               {.data = std::make_shared<Labelled>("ids")})
          ->shape(),
      "task.type = language_model: data.labelled holds labelled examples; choose classification or "
      "other data");
}

}  // namespace classification_test
