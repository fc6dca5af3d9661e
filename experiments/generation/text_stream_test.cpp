#include "experiments/generation/text_stream.h"

#include "core/testing/catch.h"
#include "experiments/testing/corpora.h"

namespace text_stream_test {
using namespace subband;

static std::vector<int32_t> ids_of(const std::string& text) {
  std::vector<int32_t> ids;
  testing::made<Tokenizer>("bytes")->encode(text, ids);
  return ids;
}

// The pieces of a text, byte by byte; the last is what is left at the end.
static std::vector<std::string> pieces(const std::string& text, const std::vector<std::string>& stops = {}) {
  const auto bytes = testing::made<Tokenizer>("bytes");
  TextStream stream(*bytes, ids_of("\n"), stops);
  std::vector<std::string> all;
  for (const int32_t id : ids_of(text)) all.push_back(stream.push(id));
  all.push_back(stream.finish());
  return all;
}
using Pieces = std::vector<std::string>;

TEST_CASE("letters of several bytes are shown whole", "[text_stream]") {
  CHECK(pieces("a\xC3\xA9z") == Pieces{"a", "", "\xC3\xA9", "z", ""});
  CHECK(pieces("\xE2\x82\xAC") == Pieces{"", "", "\xE2\x82\xAC", ""});
  CHECK(pieces("\xF0\x9F\x98\x80") == Pieces{"", "", "", "\xF0\x9F\x98\x80", ""});
}

TEST_CASE("bytes that are no letters are shown as they are, at the end at the latest", "[text_stream]") {
  CHECK(pieces("\xFF!") == Pieces{"\xFF", "!", ""});
  CHECK(pieces("\xC3") == Pieces{"", "\xC3"});
  CHECK(pieces("\xC3!") == Pieces{"", "\xC3!", ""});
  CHECK(pieces("\x80\x80") == Pieces{"\x80", "\x80", ""});
}

TEST_CASE("a stop string ends the text before it, whatever could have begun it is held back", "[text_stream]") {
  CHECK(pieces("abENDx", {"END"}) == Pieces{"a", "b", "", "", "", "", ""});
  CHECK(pieces("aEEND", {"END"}) == Pieces{"a", "", "E", "", "", ""});
  CHECK(pieces("aEN", {"END"}) == Pieces{"a", "", "", "EN"});
  CHECK(pieces("ab", {""}) == Pieces{"a", "b", ""});
  CHECK(pieces("x\n\ny", {"\n\n", "y"}) == Pieces{"x", "", "", "", ""});
}

TEST_CASE("a stream says that it was stopped", "[text_stream]") {
  const auto bytes = testing::made<Tokenizer>("bytes");
  TextStream stream(*bytes, {}, {"bc"});
  CHECK(stream.push('a') == "a");
  CHECK(stream.push('b').empty());
  CHECK_FALSE(stream.stopped());
  CHECK(stream.push('c').empty());
  CHECK(stream.stopped());
  CHECK(stream.finish().empty());
}

TEST_CASE("the pieces of a text make the text, in every tokeniser", "[text_stream]") {
  const std::string text = "Call me Ishmael. Some years ago never mind how long; it's \xC3\xA9t\xC3\xA9 \xE2\x80\x93 42.";
  const std::string model = (program_root() / "experiments/testdata/small_pieces.model").string();
  config::Node learnt = config::Node::map();
  learnt.set("model", config::Node(model));
  learnt.set("pieces", config::Node(int64_t{120}));
  const std::vector<std::shared_ptr<Tokenizer>> tokenizers = {testing::made<Tokenizer>("bytes"),
                                                              testing::made<Tokenizer>("sentencepiece", learnt)};
  for (const auto& tokenizer : tokenizers) {
    std::vector<int32_t> ids;
    tokenizer->encode(text, ids);
    const std::vector<int32_t> prompt(ids.begin(), ids.begin() + 3);
    TextStream stream(*tokenizer, prompt, {});
    std::string shown = tokenizer->decode(prompt);
    for (size_t i = 3; i < ids.size(); ++i) shown += stream.push(ids[i]);
    shown += stream.finish();
    CHECK(shown == tokenizer->decode(ids));
  }
}

}  // namespace text_stream_test
