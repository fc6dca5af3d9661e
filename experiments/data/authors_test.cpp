#include <set>

#include "core/testing/catch.h"
#include "experiments/testing/labelled.h"
#include "experiments/testing/shared_data.h"

namespace authors_test {
using namespace subband;
using config::Node;
using testing::label_counts;
using testing::labelled;
using testing::SharedData;
using testing::TemporaryFolder;

TEST_CASE("authors are told apart by books that share no text", "[authors]") {
  const SharedData shared;
  if (!shared.has("novels")) return;
  const auto data = labelled("author_identification", {"window=32768", "stride=32768"});
  const ExampleSet train = data->examples("train"), valid = data->examples("valid"),
                   test = data->examples("test");
  CHECK(label_counts(train).size() == 28);
  CHECK(label_counts(test).size() == 28);
  CHECK(label_counts(valid).size() == 28);
  CHECK(label_counts(labelled("author_identification", {"window=131072", "stride=131072"})->examples("valid"))
            .size() > 20);
  // No half of a window stands in another split.
  std::set<std::string> pieces;
  for (const ExampleSet* set : {&train, &valid, &test}) {
    for (int64_t i = 0; i < set->size(); ++i) {
      CHECK(set->text(i).size() == 32'768);
      CHECK(set->text(i).find('\r') == std::string_view::npos);
      CHECK(pieces.emplace(set->text(i).substr(1'000, 500)).second);
    }
  }
}

}  // namespace authors_test
