#include "experiments/tokenizers/gpt2_split.h"

#include <random>
#include <regex>
#include <string>
#include <vector>

#include "core/testing/catch.h"

using namespace subband;

namespace gpt2_split_test {

static std::vector<std::string> pieces(std::string_view text) {
  std::vector<std::string> out;
  Gpt2Splitter splitter(text);
  for (auto piece = splitter.next(); !piece.empty(); piece = splitter.next()) out.emplace_back(piece);
  return out;
}

using Pieces = std::vector<std::string>;

}  // namespace gpt2_split_test
using gpt2_split_test::Pieces;
using gpt2_split_test::pieces;

TEST_CASE("on ASCII the pieces are those of the published pattern under another regex library",
          "[gpt2_split]") {
  const std::regex published(
      "'s|'t|'re|'ve|'m|'ll|'d| ?[A-Za-z]+| ?[0-9]+| ?[^\\sA-Za-z0-9]+|\\s+(?!\\S)|\\s+");
  std::mt19937 random(11);
  const std::string alphabet = "  \n\t''stvremld19.-ABz\x1c";
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (size_t i = random() % 40; i > 0; --i) text += alphabet[random() % alphabet.size()];
    Pieces expected;
    for (std::sregex_iterator match(text.begin(), text.end(), published), end; match != end; ++match)
      expected.push_back(match->str());
    INFO(text);
    CHECK(pieces(text) == expected);
  }
}

TEST_CASE("letters, numbers and white space are Unicode's", "[gpt2_split]") {
  CHECK(pieces("na\u00efve \u03b1\u03b2 \u0663\u00bd\u2167 \u65e5\u672c\u8a9e") ==
        Pieces{"na\u00efve", " \u03b1\u03b2", " \u0663\u00bd\u2167", " \u65e5\u672c\u8a9e"});
  CHECK(pieces("a\u00a0\u3000b\u0085c") == Pieces{"a", "\u00a0", "\u3000", "b", "\u0085", "c"});
  CHECK(pieces("a\u180eb") == Pieces{"a", "\u180e", "b"});
  CHECK(pieces(" \u180e") == Pieces{" \u180e"});  // no white space, so it takes the blank before it
  CHECK(pieces("e\u0301") == Pieces{"e", "\u0301"});
}

TEST_CASE("bytes that are no UTF-8 are pieces of their own", "[gpt2_split]") {
  CHECK(pieces("ab\xff\xfe cd") == Pieces{"ab", "\xff\xfe", " cd"});
  CHECK(pieces("a \xff") == Pieces{"a", " ", "\xff"});
  CHECK(pieces("\xe2\x82") == Pieces{"\xe2\x82"});                      // a cut euro sign
  CHECK(pieces("x\xed\xa0\x80y") == Pieces{"x", "\xed\xa0\x80", "y"});  // a surrogate
  CHECK(pieces("").empty());
}

TEST_CASE("a megabyte without a seam is one piece", "[gpt2_split]") {
  for (const char* unit : {" ", "a", "\u00e9", "1", "."}) {
    std::string text;
    while (text.size() < 1000000) text += unit;
    CHECK(pieces(text) == Pieces{text});
  }
}
