#include "experiments/data/files/token_file.h"

#include <fstream>

#include "core/error.h"
#include "core/testing/catch.h"
#include "core/testing/process.h"
#include "experiments/testing/corpora.h"

using namespace subband;

namespace token_file_test {

// A corpus in memory that counts how often it is read.
class Counted final : public Data {
 public:
  explicit Counted(std::string text) : text_(std::move(text)) {}
  std::string name() const override { return "counted"; }
  std::vector<std::string> splits() const override { return {"train"}; }
  TextSplit text(std::string_view) const override { return ++reads, TextSplit{text_, 3}; }
  DataManifest manifest() const override { return {{"text", text_}}; }
  std::string layout(std::string_view) const override { return layout_; }
  mutable int reads = 0;
  std::string layout_;

 private:
  std::string text_;
};

// Ids above two bytes: byte + 70000.
class Wide final : public Tokenizer {
 public:
  int64_t vocabulary() const override { return 70256; }
  void encode(std::string_view text, std::vector<int32_t>& ids) const override {
    for (const char c : text) ids.push_back(70000 + static_cast<unsigned char>(c));
  }
  std::string decode(std::span<const int32_t>) const override { return {}; }
  std::string fingerprint() const override { return "wide"; }
};

static std::vector<int64_t> all(const TokenFile& file) {
  std::vector<int64_t> ids(static_cast<size_t>(file.tokens()));
  file.copy(0, ids);
  return ids;
}

static std::vector<int64_t> bytes_of(std::string_view text, int64_t offset = 0) {
  std::vector<int64_t> ids;
  for (const char c : text) ids.push_back(static_cast<unsigned char>(c) + offset);
  return ids;
}

static size_t files_in(const std::filesystem::path& folder) {
  const std::filesystem::directory_iterator files(folder);
  return static_cast<size_t>(std::distance(begin(files), end(files)));
}

}  // namespace token_file_test
using token_file_test::Counted;

TEST_CASE("a text is encoded once and then read from its file", "[token_file]") {
  const testing::TemporaryFolder cache;
  const Counted data("to be or not to be \xff");
  const auto bytes = testing::made<Tokenizer>("bytes");
  for (int i = 0; i < 3; ++i) {
    const TokenFile file = open_tokens(data, *bytes, "train", cache.path());
    CHECK(file.tokens() == 20);
    CHECK(file.bytes() == 20);
    CHECK(file.words() == 3);
    CHECK(token_file_test::all(file) == token_file_test::bytes_of("to be or not to be \xff"));
  }
  CHECK(data.reads == 1);
  CHECK(token_file_test::files_in(cache.path()) == 1);
}

TEST_CASE("vocabularies above 65,536 keep their ids", "[token_file]") {
  const testing::TemporaryFolder cache;
  const Counted data("abc");
  const TokenFile file = open_tokens(data, token_file_test::Wide(), "train", cache.path());
  CHECK(token_file_test::all(file) == token_file_test::bytes_of("abc", 70000));
}

TEST_CASE("another text, layout or tokeniser has another file", "[token_file]") {
  const testing::TemporaryFolder cache;
  const auto bytes = testing::made<Tokenizer>("bytes");
  Counted data("abc");
  const auto path = open_tokens(data, *bytes, "train", cache.path()).path();
  CHECK(open_tokens(Counted("abd"), *bytes, "train", cache.path()).path() != path);
  CHECK(open_tokens(data, *testing::made<Tokenizer>("gpt2"), "train", cache.path()).path() != path);
  data.layout_ = "the first half";
  CHECK(open_tokens(data, *bytes, "train", cache.path()).path() != path);
  CHECK(token_file_test::files_in(cache.path()) == 4);
}

TEST_CASE("a file damaged or cut anywhere is made again", "[token_file]") {
  const testing::TemporaryFolder cache;
  const Counted data("abcdefgh");
  const auto bytes = testing::made<Tokenizer>("bytes");
  const auto path = open_tokens(data, *bytes, "train", cache.path()).path();
  const std::string intact = read_file(path);
  const int before = data.reads;
  int damaged = 0;
  for (size_t i = 0; i < intact.size(); i += 23) {  // every field; each round waits for the disk
    std::string flipped = intact;
    flipped[i] = static_cast<char>(flipped[i] ^ 0x20);
    for (const std::string& content : {flipped, intact.substr(0, i), intact + "x"}) {
      std::ofstream(path) << content;
      CHECK(token_file_test::all(open_tokens(data, *bytes, "train", cache.path())) ==
            token_file_test::bytes_of("abcdefgh"));
      ++damaged;
    }
  }
  CHECK(data.reads == before + damaged);
  CHECK((read_file(path) == intact));
}

TEST_CASE("processes that ask at once all get the same tokens", "[token_file]") {
  const testing::TemporaryFolder cache;
  const Counted data(std::string(200000, 'a') + "b");
  const auto bytes = testing::made<Tokenizer>("bytes");
  std::vector<testing::Process> children;
  for (int i = 0; i < 4; ++i)
    children.push_back(testing::Process::of([&] {
      const auto ids = token_file_test::all(open_tokens(data, *bytes, "train", cache.path()));
      return ids.size() == 200001 && ids.back() == 'b' ? 0 : 1;
    }));
  for (testing::Process& child : children) CHECK(child.wait() == 0);
  CHECK(token_file_test::files_in(cache.path()) == 1);
}

TEST_CASE("windows are rows of the text, and one that does not fit is refused", "[token_file]") {
  const testing::TemporaryFolder cache;
  const Counted data("0123456789");
  const TokenFile file = open_tokens(data, *testing::made<Tokenizer>("bytes"), "train", cache.path());
  std::vector<int64_t> rows(9);
  file.gather(std::vector<int64_t>{7, 0, 4}, 3, rows);
  CHECK(rows == token_file_test::bytes_of("789012456"));
  CHECK_THROWS_WITH(file.gather(std::vector<int64_t>{8, 0, 4}, 3, rows),
                    "data.counted: split train: window 8 to 11: must lie inside its 10 tokens");
  CHECK(file.window_starts(4) == 6);
  CHECK(file.window_starts(9) == 1);
  CHECK_THROWS_WITH(file.window_starts(10),
                    "data.counted: split train: 10 tokens: must hold at least length + 1 = 11");
}

TEST_CASE("a cache that cannot be written is an error of its path", "[token_file]") {
  const testing::TemporaryFolder folder;
  write_file(folder / "file", "");
  CHECK_THROWS_AS(open_tokens(Counted("a"), *testing::made<Tokenizer>("bytes"), "train", folder / "file"),
                  Error);
}
