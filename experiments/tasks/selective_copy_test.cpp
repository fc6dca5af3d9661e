#include <ATen/ATen.h>

#include <set>

#include "core/testing/catch.h"
#include "experiments/testing/tasks.h"

namespace selective_copy_test {
using namespace subband;
using config::Node;
using testing::Fields;
using testing::values;

static std::shared_ptr<Task> copying(int64_t length, const Fields& fields) {
  return testing::make_part<Task>(testing::tiny_parts(), "selective_copy", fields, {.length = length});
}

TEST_CASE("the slots ask for the data tokens in their order, and the rest is noise", "[selective_copy]") {
  const size_t L = 40, n = 6;
  const auto open = copying(L, {{"tokens", Node(int64_t{n})}, {"vocabulary", Node(int64_t{9})}})
                        ->open({.batch = 50, .seed = 2});
  const Batch& batch = open->draw(3);
  std::set<size_t> places;
  for (int64_t row = 0; row < 50; ++row) {
    const auto inputs = values(batch.inputs_BL[row]), targets = values(batch.targets_BL[row]);
    std::vector<int64_t> data, asked;
    for (size_t i = 0; i < L - n; ++i) {
      CHECK(targets[i] == kNoTarget);
      if (inputs[i] == 0) continue;
      CHECK((inputs[i] >= 1 && inputs[i] <= 7));
      data.push_back(inputs[i]), places.insert(i);
    }
    for (size_t i = L - n; i < L; ++i) {
      CHECK(inputs[i] == 8);
      asked.push_back(targets[i]);
    }
    CHECK(data.size() == n);
    CHECK(asked == data);
  }
  CHECK(places.size() == L - n);  // anywhere
}

TEST_CASE("the control puts the tokens at equal distances", "[selective_copy]") {
  const auto open =
      copying(20, {{"tokens", Node(int64_t{4})}, {"spacing", Node("fixed")}})->open({.batch = 3});
  const Batch& batch = open->draw(0);
  for (int64_t row = 0; row < 3; ++row) {
    const auto inputs = values(batch.inputs_BL[row]);
    for (size_t i = 0; i < 16; ++i) CHECK((inputs[i] != 0) == (i % 4 == 0));
  }
}

TEST_CASE("tokens that do not fit are refused", "[selective_copy]") {
  CHECK_THROWS_WITH(copying(31, {})->shape(), "task.tokens = 16: needs a length of at least 32, got 31");
}

}  // namespace selective_copy_test
