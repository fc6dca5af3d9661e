#include "core/error.h"
#include "core/testing/catch.h"
#include "experiments/data/files/token_file.h"
#include "experiments/testing/corpora.h"

using namespace subband;

namespace books_test {

// Three folders of short books.
struct Shelf {
  testing::TemporaryFolder folder;
  Shelf() {
    write("train", "b.txt", "beta");
    write("train", "a.txt", "alpha one");
    write("train", "notes.md", "no book");
    write("valid", "c.txt", "gamma\n\ntwo");
  }
  void write(const std::string& split, const std::string& name, const std::string& text) const {
    std::filesystem::create_directories(folder / split);
    write_file(folder / split / name, text);
  }
  std::shared_ptr<Data> open() const {
    config::Node node = config::Node::map();
    for (const std::string split : {"train", "valid"})
      node.set(split, config::Node((folder / split).string()));
    node.set("name", config::Node("shelf"));
    return testing::made<Data>("books", node);
  }
};

TEST_CASE("books are joined in the order of their names, and remember where they end", "[books]") {
  const Shelf shelf;
  const auto data = shelf.open();
  CHECK(data->splits() == std::vector<std::string>{"train", "valid"});
  const TextSplit train = data->text("train");
  CHECK(train.text == "alpha one\n\nbeta");
  CHECK(train.ends == std::vector<size_t>{9, 11, 15});
  CHECK(train.words == 3);
}

TEST_CASE("each book is encoded by itself, and so is what stands between them", "[books]") {
  const Shelf shelf;
  const auto data = shelf.open();
  config::Node node = config::Node::map();
  node.set("model", config::Node("experiments/testdata/small_pieces.model"));
  const auto tokenizer = testing::made<Tokenizer>("sentencepiece", node);
  std::vector<int32_t> expected;
  for (const std::string text : {"alpha one", "\n\n", "beta"}) tokenizer->encode(text, expected);
  const TokenFile file = open_tokens(*data, *tokenizer, "train", shelf.folder / "cache");
  std::vector<int64_t> ids(static_cast<size_t>(file.tokens()));
  file.copy(0, ids);
  CHECK(std::vector<int32_t>(ids.begin(), ids.end()) == expected);
  CHECK(file.bytes() == 15);
}

TEST_CASE("the manifest changes with any book, and a missing folder says what to fetch", "[books]") {
  const Shelf shelf;
  const auto data = shelf.open();
  const DataManifest before = data->manifest();
  CHECK(before.size() == 2);
  shelf.write("train", "b.txt", "delta");
  CHECK(data->manifest() != before);
  config::Node node = config::Node::map();
  for (const char* key : {"train", "valid"}) node.set(key, config::Node("no/such/folder"));
  node.set("fetch", config::Node("fetch it"));
  CHECK_THROWS_WITH(testing::made<Data>("books", node)->text("train"),
                    Catch::ContainsSubstring("data.books: file = no/such/folder: not found") &&
                        Catch::ContainsSubstring("; fetch it"));
}

}  // namespace books_test
