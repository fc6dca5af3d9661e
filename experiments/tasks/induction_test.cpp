#include <ATen/ATen.h>

#include <algorithm>

#include "core/testing/catch.h"
#include "experiments/testing/tasks.h"

namespace induction_test {
using namespace subband;
using config::Node;
using testing::Fields;
using testing::values;

static std::shared_ptr<Task> induction(int64_t length, const Fields& fields = {}) {
  return testing::make_part<Task>(testing::tiny_parts(), "induction", fields, {.length = length});
}

TEST_CASE("the special token stands twice, and what followed it first is asked at the end", "[induction]") {
  for (const int64_t L : {3, 4, 33}) {
    const auto open = induction(L)->open({.batch = 40, .seed = 5});
    const Batch& batch = open->draw(2);
    for (int64_t row = 0; row < 40; ++row) {
      const auto inputs = values(batch.inputs_BL[row]), targets = values(batch.targets_BL[row]);
      CHECK(std::ranges::count(inputs, 15) == 2);
      CHECK(inputs.back() == 15);
      const auto first = std::ranges::find(inputs, 15);
      CHECK(targets.back() == *(first + 1));
      CHECK(targets.back() < 15);
      CHECK(std::ranges::count(targets, kNoTarget) == L - 1);
    }
  }
}

TEST_CASE("longer sequences are tested besides", "[induction]") {
  const auto task = induction(16, {{"test_lengths", Node::list({Node(int64_t{64}), Node(int64_t{1024})})}});
  CHECK(task->shape().length == 1024);
  CHECK(task->measurements({}).back().name == "test_1024_1");
  CHECK_THROWS_WITH(induction(2)->shape(), "task.type = induction: needs a length of at least 3, got 2");
}

}  // namespace induction_test
