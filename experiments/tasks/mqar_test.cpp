#include <ATen/ATen.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/testing/catch.h"
#include "experiments/testing/tasks.h"

namespace mqar_test {
using namespace subband;
using config::Node;
using testing::Fields;
using testing::values;

static std::shared_ptr<Task> mqar(int64_t length, const Fields& fields) {
  return testing::make_part<Task>(testing::tiny_parts(), "mqar", fields, {.length = length});
}

TEST_CASE("every answer of mqar can be read off the prompt, and the rest is filler", "[mqar]") {
  const int64_t L = 64, n = 8, V = 64;
  const auto task = mqar(L, {{"vocabulary", Node(V)}, {"pairs", Node::list({Node(n)})}});
  const auto open = task->open({.batch = 16, .seed = 3});
  for (const uint64_t index : {0, 1, 7}) {
    const Batch& batch = open->draw(index);
    for (int64_t row = 0; row < 16; ++row) {
      const auto inputs = values(batch.inputs_BL[row]), targets = values(batch.targets_BL[row]);
      std::map<int64_t, int64_t> value_of;
      for (size_t i = 0; i < 2 * n; i += 2) {
        CHECK((inputs[i] >= 1 && inputs[i] < V / 2));
        CHECK((inputs[i + 1] >= V / 2 && inputs[i + 1] < V));
        CHECK(value_of.emplace(inputs[i], inputs[i + 1]).second);  // no key twice
        CHECK(targets[i] == kNoTarget);
      }
      std::set<int64_t> asked;
      for (size_t i = 2 * n; i < L; ++i) {
        if (targets[i] == kNoTarget) {
          CHECK(inputs[i] == 0);
          continue;
        }
        CHECK(i % 2 == 0);
        CHECK(value_of.at(inputs[i]) == targets[i]);
        CHECK(asked.insert(inputs[i]).second);
      }
      CHECK(asked.size() == n);
    }
  }
}

// Gaps of the original generator: slots, median gap, median distance from a key to its query.
TEST_CASE("queries stand where the original generator puts them", "[mqar]") {
  struct Row {
    int64_t length, pairs, slots;
    double gap, distance;
  };
  for (const Row row : {Row{64, 4, 28, 4, 14}, Row{128, 8, 56, 8, 26}, Row{256, 16, 112, 16, 48}}) {
    const auto open =
        mqar(row.length, {{"pairs", Node::list({Node(row.pairs)})}})->open({.batch = 400, .seed = 1});
    const Batch& batch = open->draw(0);
    std::vector<int64_t> gaps, distances;
    for (int64_t example = 0; example < 400; ++example) {
      const auto inputs = values(batch.inputs_BL[example]), targets = values(batch.targets_BL[example]);
      for (size_t i = 2 * static_cast<size_t>(row.pairs); i < inputs.size(); ++i) {
        if (targets[i] == kNoTarget) continue;
        gaps.push_back((static_cast<int64_t>(i) - 2 * row.pairs) / 2);
        const auto key = std::ranges::find(inputs, inputs[i]) - inputs.begin();
        distances.push_back(static_cast<int64_t>(i) - key);
      }
    }
    std::ranges::sort(gaps);
    std::ranges::sort(distances);
    CHECK(gaps.back() < row.slots);
    CHECK(static_cast<double>(gaps[gaps.size() / 2]) == Approx(row.gap).margin(1));
    CHECK(static_cast<double>(distances[distances.size() / 2]) == Approx(row.distance).margin(2));
  }
}

TEST_CASE("lengths and pairs are trained in turns, and longer ones tested besides", "[mqar]") {
  const auto task = mqar(16, {{"pairs", Node::list({Node(int64_t{2}), Node(int64_t{4})})},
                              {"lengths", Node::list({Node(int64_t{16}), Node(int64_t{32})})},
                              {"test_lengths", Node::list({Node(int64_t{64})})},
                              {"test_pairs", Node::list({Node(int64_t{8})})}});
  CHECK(task->shape().length == 64);
  const auto open = task->open({.batch = 2});
  CHECK(open->draw(0).inputs_BL.size(1) == 16);
  CHECK(open->draw(1).inputs_BL.size(1) == 32);
  std::vector<std::string> names;
  for (const Measurement& each : task->measurements({})) names.push_back(each.name);
  CHECK(names == std::vector<std::string>{"train", "valid", "test", "test_64_8"});
}

TEST_CASE("pairs that do not fit are refused", "[mqar]") {
  CHECK_THROWS_WITH(mqar(30, {{"pairs", Node::list({Node(int64_t{8})})}})->shape(),
                    "task.pairs = 8: needs an even length of at least 32, got 30");
  CHECK_THROWS_WITH(
      mqar(64, {{"vocabulary", Node(int64_t{16})}, {"pairs", Node::list({Node(int64_t{8})})}})->shape(),
      "task.pairs = 8: must be below half of task.vocabulary = 16");
}

}  // namespace mqar_test
