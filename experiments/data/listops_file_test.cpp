#include <map>

#include "core/testing/catch.h"
#include "experiments/testing/labelled.h"
#include "experiments/testing/shared_data.h"

namespace listops_file_test {
using namespace subband;
using config::Node;
using testing::label_counts;
using testing::labelled;
using testing::SharedData;
using testing::TemporaryFolder;

TEST_CASE("the original ListOps file reads, and its labels are its values", "[listops_file]") {
  const SharedData shared;
  if (!shared.has("listops")) return;
  const ExampleSet test = labelled("listops_original")->examples("test");
  CHECK(test.size() == 10'000);
  const auto counts = label_counts(test);
  CHECK(counts.size() == 10);
  for (const auto& [label, count] : counts) {
    CHECK(count >= 895);
    CHECK(count <= 1'141);
  }
}

TEST_CASE("a label that is not the value of its expression is refused by line", "[listops_file]") {
  const TemporaryFolder folder;
  write_file(folder / "wrong.tsv", "Source\tTarget\n( ( ( [MAX 4 ) 3 ) ] )\t3\n");
  Node file = Node::map();
  file.set("test", Node((folder / "wrong.tsv").string()));
  CHECK_THROWS_WITH(testing::made<Data>("listops_file", file)->examples("test"),
                    (folder / "wrong.tsv").string() + ":2: label = 3: the expression's value is 4");
}

}  // namespace listops_file_test
