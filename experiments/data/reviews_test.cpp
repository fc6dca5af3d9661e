#include <algorithm>
#include <map>

#include "core/testing/catch.h"
#include "experiments/testing/labelled.h"
#include "experiments/testing/shared_data.h"

namespace reviews_test {
using namespace subband;
using config::Node;
using testing::label_counts;
using testing::labelled;
using testing::SharedData;
using testing::TemporaryFolder;

TEST_CASE("reviews have their published counts in every fold", "[reviews]") {
  const SharedData shared;
  const auto counts = [&](const std::string& set) {
    std::map<int64_t, int64_t> all;
    for (const char* split : {"train", "valid", "test"}) {
      for (const auto& [label, count] : label_counts(labelled(set)->examples(split))) all[label] += count;
    }
    return all;
  };
  using Counts = std::map<int64_t, int64_t>;
  if (shared.has("reviews/movie_reviews.zip")) {
    CHECK(counts("movie_reviews") == Counts{{0, 1'000}, {1, 1'000}});
    const ExampleSet test = labelled("movie_reviews")->examples("test");
    CHECK(label_counts(test) == Counts{{0, 100}, {1, 100}});
    size_t shortest = SIZE_MAX;
    for (int64_t i = 0; i < test.size(); ++i) shortest = std::min(shortest, test.text(i).size());
    CHECK(shortest >= 91);
  }
  if (shared.has("reviews/sentence_polarity.zip"))
    CHECK(counts("sentence_polarity") == Counts{{0, 5'331}, {1, 5'331}});
  if (shared.has("reviews/subjectivity.zip")) CHECK(counts("subjectivity") == Counts{{0, 5'000}, {1, 5'000}});
  if (shared.has("reviews/pros_cons.zip")) {
    CHECK(counts("pros_cons") == Counts{{0, 22'935}, {1, 22'940}});  // one line of each file is empty
    CHECK(labelled("pros_cons")->examples("train").text(0) ==
          "East batteries! On-off switch too easy to maneuver.");
  }
}

}  // namespace reviews_test
