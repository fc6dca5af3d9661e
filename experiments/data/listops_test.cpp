#include <set>

#include "core/testing/catch.h"
#include "experiments/data/list_expressions.h"
#include "experiments/testing/corpora.h"

namespace listops_test {
using namespace subband;
using config::Node;

static std::shared_ptr<Data> listops(std::initializer_list<std::pair<const char*, int64_t>> fields) {
  Node node = Node::map();
  for (const auto& [key, value] : fields) node.set(key, Node(value));
  return testing::made<Data>("listops", node);
}

static std::set<std::vector<uint16_t>> expressions(const ExampleSet& examples) {
  std::set<std::vector<uint16_t>> all;
  for (int64_t i = 0; i < examples.size(); ++i) {
    const auto ids = examples.ids(i);
    all.emplace(ids.begin(), ids.end());
  }
  return all;
}

TEST_CASE("no expression is in two splits, and each has its value as label", "[listops]") {
  // Short ones, so that chance alone would repeat some.
  const auto data =
      listops({{"train", 300}, {"valid", 50}, {"test", 50}, {"min_length", 3}, {"max_length", 6}});
  std::set<std::vector<uint16_t>> all;
  for (const std::string& split : data->splits()) {
    const ExampleSet examples = data->examples(split);
    CHECK(examples.size() == (split == "train" ? 300 : 50));
    for (int64_t i = 0; i < examples.size(); ++i)
      CHECK(value_of_list_expression(examples.ids(i)) == examples.label(i));
    all.merge(expressions(examples));
  }
  CHECK(all.size() == 400);
}

TEST_CASE("the seed names the data set", "[listops]") {
  const auto test = [&](int64_t seed) {
    return expressions(listops({{"test", 5}, {"seed", seed}})->examples("test"));
  };
  CHECK(test(0) == test(0));
  CHECK(test(0) != test(1));
}

TEST_CASE("rules that leave no room are refused", "[listops]") {
  CHECK_THROWS_WITH(listops({{"min_length", 500}, {"max_length", 501}}),
                    "data.max_length = 501: must leave room above min_length = 500");
  CHECK_THROWS_WITH(listops({{"test", 5000}, {"min_length", 3}, {"max_length", 5}})->examples("valid"),
                    "data.listops: max_length and the other rules leave too few different expressions");
  CHECK_THROWS_WITH(listops({})->examples("dev"),
                    "data.listops: split = dev: unknown split; known: test, train, valid");
}

}  // namespace listops_test
