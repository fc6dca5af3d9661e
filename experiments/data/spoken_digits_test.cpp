#include <algorithm>

#include "core/testing/catch.h"
#include "experiments/testing/labelled.h"
#include "experiments/testing/shared_data.h"

namespace spoken_digits_test {
using namespace subband;
using config::Node;
using testing::label_counts;
using testing::labelled;
using testing::SharedData;
using testing::TemporaryFolder;

TEST_CASE("spoken digits have their official split, and a speaker can be held out", "[spoken_digits]") {
  const SharedData shared;
  if (!shared.has("fsdd")) return;
  const auto fsdd = labelled("fsdd");
  const ExampleSet train = fsdd->examples("train"), valid = fsdd->examples("valid"),
                   test = fsdd->examples("test");
  CHECK(train.size() == 2'400);
  CHECK(valid.size() == 300);
  CHECK(test.size() == 300);
  size_t shortest = SIZE_MAX, longest = 0;
  for (const ExampleSet* set : {&train, &valid, &test}) {
    for (const auto& [digit, count] : label_counts(*set)) CHECK(count == set->size() / 10);
    for (int64_t i = 0; i < set->size(); ++i) {
      shortest = std::min(shortest, set->numbers(i).size()),
      longest = std::max(longest, set->numbers(i).size());
    }
  }
  CHECK(shortest == 1'148);
  CHECK(longest == 18'262);
  CHECK(labelled("fsdd", {"held_out=george"})->examples("test").size() == 500);
  CHECK_THROWS_WITH(labelled("fsdd", {"held_out=nobody"})->examples("test"),
                    "data.held_out = nobody: no clip is spoken by them");
}

}  // namespace spoken_digits_test
