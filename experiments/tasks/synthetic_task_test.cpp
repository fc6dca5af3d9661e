#include "experiments/tasks/synthetic_task.h"

#include <ATen/ATen.h>

#include <cmath>
#include <set>

#include "core/testing/catch.h"
#include "experiments/testing/tasks.h"

namespace synthetic_task_test {
using namespace subband;
using config::Node;
using testing::values;

static std::shared_ptr<Task> induction(int64_t examples) {
  return testing::make_part<Task>(testing::tiny_parts(), "induction", {{"examples", Node(examples)}},
                                  {.length = 12});
}

TEST_CASE("a batch of a synthetic task is a function of seed and index alone", "[synthetic_task]") {
  for (const int64_t examples : {0, 10}) {
    const auto task = induction(examples);
    const auto forwards = task->open({.batch = 4, .seed = 1}),
               backwards = task->open({.batch = 4, .seed = 1}), other = task->open({.batch = 4, .seed = 2});
    std::vector<std::vector<int64_t>> there, back;
    for (uint64_t k = 0; k < 6; ++k) there.push_back(values(forwards->draw(k).inputs_BL));
    for (uint64_t k = 6; k-- > 0;) back.insert(back.begin(), values(backwards->draw(k).inputs_BL));
    CHECK(there == back);
    CHECK(there[0] != values(other->draw(0).inputs_BL));
    CHECK(there[0] != there[1]);
  }
}

TEST_CASE("a finite set is gone through again and again, an endless one has no epochs", "[synthetic_task]") {
  const auto open = induction(8)->open({.batch = 4, .seed = 1});
  CHECK(open->batches_per_epoch() == 2);
  CHECK(open->epoch_text() == "8 examples");
  std::set<std::vector<int64_t>> seen;
  for (uint64_t k = 0; k < 10; ++k) {
    const Batch& batch = open->draw(k);
    for (int64_t row = 0; row < 4; ++row) seen.insert(values(batch.inputs_BL[row]));
  }
  CHECK(seen.size() == 8);
  CHECK(induction(0)->open({.batch = 4})->epoch_text().empty());
}

// Gives every position the logits of one fixed token.
class Stubborn final : public Net {
 public:
  explicit Stubborn(int64_t token) : token_(token) {}
  at::Tensor forward(const at::Tensor& ids_BL, const Pass&) override {
    at::Tensor logits = at::zeros({ids_BL.size(0), ids_BL.size(1), 16});
    logits.select(2, token_).fill_(2);
    return logits;
  }
  PartCosts costs(int64_t, int64_t) const override { return {}; }

 private:
  int64_t token_;
};

TEST_CASE("accuracy and loss count the positions that have a target, for every seed the same ones",
          "[synthetic_task]") {
  const auto task = induction(0);
  for (const int64_t token : {3, 4}) {
    Stubborn net(token);
    const TaskUse use{.batch = 32, .seed = 9};
    const Metrics metrics = task->measurements(use).at(2).measure(net);
    const auto same = testing::make_part<Task>(testing::tiny_parts(), "induction", {}, {.length = 12});
    CHECK(same->measurements({.batch = 7, .seed = 1}).at(2).measure(net).at("test.accuracy") ==
          metrics.at("test.accuracy"));
    const double right = metrics.at("test.accuracy");
    CHECK(right == Approx(1.0 / 15).margin(0.025));
    const double Z = std::exp(2.0) + 15;
    CHECK(metrics.at("test.loss") ==
          Approx(std::log(Z) - 2 * right).epsilon(1e-6));  // ln Z - 2 where right, ln Z elsewhere
  }
}

}  // namespace synthetic_task_test
