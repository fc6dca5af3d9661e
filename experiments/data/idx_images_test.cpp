#include <algorithm>
#include <map>

#include "core/hash.h"
#include "core/testing/catch.h"
#include "experiments/testing/labelled.h"
#include "experiments/testing/shared_data.h"

namespace idx_images_test {
using namespace subband;
using config::Node;
using testing::label_counts;
using testing::labelled;
using testing::SharedData;
using testing::TemporaryFolder;

TEST_CASE("MNIST has its published counts, labels and pixels", "[idx_images]") {
  const SharedData shared;
  if (!shared.has("mnist")) return;
  const auto mnist = labelled("mnist");
  const ExampleSet test = mnist->examples("test"), valid = mnist->examples("valid");
  CHECK(test.size() == 10'000);
  CHECK(valid.size() == 5'000);
  CHECK(mnist->examples("train").size() == 55'000);
  CHECK(label_counts(test) == std::map<int64_t, int64_t>{{0, 980},
                                                         {1, 1135},
                                                         {2, 1032},
                                                         {3, 1010},
                                                         {4, 982},
                                                         {5, 892},
                                                         {6, 958},
                                                         {7, 1028},
                                                         {8, 974},
                                                         {9, 1009}});
  CHECK(test.label(0) == 7);  // the well-known first test image
  CHECK(test.numbers(0).size() == 784);
  CHECK(*std::ranges::max_element(test.numbers(0)) == 1.0f);
  const auto permuted = labelled("mnist", {"permute=true", "pixels=ids"})->examples("test");
  std::vector<uint16_t> there(permuted.ids(0).begin(), permuted.ids(0).end()), here;
  for (const float number : test.numbers(0)) here.push_back(static_cast<uint16_t>(number * 255 + 0.5f));
  CHECK(there != here);
  std::ranges::sort(there);
  std::ranges::sort(here);
  CHECK(there == here);
}

TEST_CASE("a file that is no IDX file is refused by name", "[idx_images]") {
  const TemporaryFolder folder;
  write_file(folder / "images", "IDX?");
  write_file(folder / "labels", "IDX?");
  Node node = Node::map();
  for (const char* part : {"train", "test"}) {
    node.set_at(std::string(part) + ".images", Node((folder / "images").string()));
    node.set_at(std::string(part) + ".labels", Node((folder / "labels").string()));
  }
  CHECK_THROWS_WITH(testing::made<Data>("idx_images", node)->examples("test"),
                    (folder / "images").string() + ": must be an IDX file of bytes with 3 dimensions");
  node.set_at("test.labels_sha256", Node("00"));
  CHECK_THROWS_WITH(testing::made<Data>("idx_images", node)->manifest(),  // before the training, not after it
                    Catch::EndsWith("/labels: sha256 of its content = " + sha256_hex("IDX?") +
                                    ": must be 00; fetch the file again"));
}

}  // namespace idx_images_test
