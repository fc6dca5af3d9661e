#include <chrono>

#include "core/error.h"
#include "core/testing/catch.h"
#include "experiments/testing/corpora.h"
#include "experiments/tokenizers/inline_model.h"

using namespace subband;

namespace sentencepiece_test {

using Ids = std::vector<int32_t>;

std::shared_ptr<Tokenizer> model(const std::string& file, int64_t pieces = 0) {
  config::Node node = config::Node::map();
  node.set("model", config::Node(file));
  node.set("pieces", config::Node(pieces));
  return testing::made<Tokenizer>("sentencepiece", node);
}

constexpr const char* kSmall = "experiments/testdata/small_pieces.model";

Ids encoded(const Tokenizer& tokenizer, std::string_view text) {
  Ids ids;
  tokenizer.encode(text, ids);
  return ids;
}

TEST_CASE("sentencepiece gives the pieces that its Python package gives", "[sentencepiece]") {
  const auto small = model(kSmall);
  CHECK(small->vocabulary() == 120);
  const Ids ids = encoded(*small, "First Citizen: we are  accounted poor");
  CHECK(ids == Ids{59, 105, 68, 66, 45, 53, 17, 68, 110, 26, 82, 8,  60,
                   6,  9,   6,  76, 76, 5,  67, 61, 60,  70, 32, 62, 19});
  CHECK(small->decode(ids) == "First Citizen: we are accounted poor");
  CHECK(encoded(*small, "").empty());
}

TEST_CASE("a model that stands in the spec itself is the file's", "[sentencepiece]") {
  const std::string inside = inline_tokenizer_model(read_tokenizer_model(kSmall).bytes);
  CHECK(model(inside, 120)->fingerprint() == model(kSmall)->fingerprint());
  CHECK(encoded(*model(inside), "First Citizen") == encoded(*model(kSmall), "First Citizen"));
  CHECK(inline_tokenizer_model(read_tokenizer_model(inside).bytes) == inside);
  for (const char* wrong : {"inline:0g", "inline:0"})
    CHECK_THROWS_WITH(model(wrong)->vocabulary(), "tokenizer.model = inline: must be pairs of hex digits, 0 to 9 and a to f");
  CHECK_THROWS_WITH(model("inline:00")->vocabulary(),
                    Catch::StartsWith("tokenizer.model = inline: is no SentencePiece model: "));
}

TEST_CASE("a model of Google's own gives the published pieces", "[sentencepiece]") {
  const char* shared = std::getenv("SUBBAND_SHARED");
  const auto folder =
      (shared ? std::filesystem::path(shared) : program_root() / "../shared") / "data/sentencepiece";
  if (!std::filesystem::exists(folder / "test_model.model")) {
    WARN("skipped: " << folder.string() << " has no test_model.model");
    return;
  }
  const auto tokenizer = model(std::filesystem::absolute(folder / "test_model.model").string());
  CHECK(tokenizer->vocabulary() == 1000);
  CHECK(encoded(*tokenizer, "I saw a girl\n with a telescope.") ==
        Ids{9, 459, 11, 939, 0, 44, 11, 4, 142, 82, 8, 28, 21, 132, 6});
  const Ids book = encoded(*tokenizer, read_file(folder / "botchan.txt"));
  CHECK(book.size() == 104466);
  int64_t sum = 0;
  for (size_t i = 0; i < book.size(); ++i) sum += static_cast<int64_t>(i + 1) * book[i];
  CHECK(sum % 1000003 == 234247);
}

static std::string repeated(std::string_view word, size_t times) {
  std::string text;
  for (size_t i = 0; i < times; ++i) text += word;
  return text;
}

TEST_CASE("a line of a million unknown letters is encoded in time that grows with it", "[sentencepiece]") {
  const auto small = model(kSmall);
  const auto start = std::chrono::steady_clock::now();
  CHECK(encoded(*small, repeated("漢字", 500000)) == encoded(*small, "漢字"));
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(60));  // 231 s before; it takes 1 s
}

// What stands around a long stretch keeps its pieces: the ids are those of a short stretch in its place.
TEST_CASE("unknown letters that are left out change no other piece", "[sentencepiece]") {
  const auto small = model(kSmall);
  const auto check = [&](const std::string& before, const std::string& unknown, const std::string& after) {
    const size_t times = 5000 / unknown.size();
    for (const size_t more : {0, 1, 2, 700}) {
      CAPTURE(before, unknown, after, more);
      CHECK(encoded(*small, before + repeated(unknown, times + more) + after) ==
            encoded(*small, before + repeated(unknown, 40) + after));
    }
  };
  for (const char* unknown : {"漢", "漢字", "\u1100", "é\u0301", "\xFF", "😀漢"}) {
    check("", unknown, "");
    check("First Citizen: ", unknown, " we are");
    check("First", unknown, "we are accounted poor");
    check(repeated("we are ", 700), unknown, repeated(" poor", 700));
  }
}

TEST_CASE("a long line of known letters keeps every piece", "[sentencepiece]") {
  const auto small = model(kSmall);
  CHECK(encoded(*small, repeated("a", 9000)).size() == 9000);
  const std::string mixed = repeated("漢we", 3000);  // unknown and known by turns
  Ids expected = encoded(*small, "漢we漢we"), ids = encoded(*small, mixed);
  REQUIRE(ids.size() > 6000);
  const size_t period = expected.size() - encoded(*small, "漢we").size();
  for (size_t i = ids.size() - 1; i > 2 * period; --i) CHECK((ids[i] == ids[i - period]));
}

TEST_CASE("the vocabulary is known before the file, and checked when it is read", "[sentencepiece]") {
  const auto absent = model("no/such.model", 32000);
  CHECK(absent->vocabulary() == 32000);
  CHECK_THROWS_WITH(encoded(*absent, "a"),
                    Catch::ContainsSubstring("tokenizer.model: file = no/such.model: not found"));
  CHECK_THROWS_WITH(encoded(*model(kSmall, 64), "a"),
                    Catch::ContainsSubstring("pieces = 120: must be as tokenizer.pieces says, 64"));
  CHECK_THROWS_WITH(model(kSmall)->decode(Ids{120}),
                    "sentencepiece: id = 120: must be below the vocabulary = 120");
  CHECK(model(kSmall)->fingerprint() == model(kSmall, 120)->fingerprint());
}

TEST_CASE("what is no model is refused", "[sentencepiece]") {
  CHECK_THROWS_WITH(model("experiments/testdata/README.md")->vocabulary(),
                    Catch::ContainsSubstring("is no SentencePiece model"));
  CHECK_THROWS_WITH(testing::made<Tokenizer>("sentencepiece"),
                    Catch::ContainsSubstring("model") && Catch::ContainsSubstring("must name a file"));
}

}  // namespace sentencepiece_test
