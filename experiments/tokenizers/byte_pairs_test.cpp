#include "experiments/tokenizers/byte_pairs.h"

#include <random>

#include "core/error.h"
#include "core/testing/catch.h"

using namespace subband;

namespace byte_pairs_test {

static std::vector<int32_t> encoded(const BytePairs& pairs, std::string_view piece) {
  std::vector<int32_t> ids;
  pairs.encode(piece, ids);
  return ids;
}

// The definition as published: find the best pair anywhere, merge all its occurrences from left to right,
// repeat.
static std::vector<std::string> merged_by_definition(
    std::string_view piece, const std::vector<std::pair<std::string, std::string>>& merges) {
  std::vector<std::string> parts;
  for (const char c : piece) parts.emplace_back(1, c);
  for (;;) {
    size_t best = merges.size();
    for (size_t i = 0; i + 1 < parts.size(); ++i)
      for (size_t rank = 0; rank < best; ++rank)
        if (merges[rank] == std::pair(parts[i], parts[i + 1])) best = rank;
    if (best == merges.size()) return parts;
    std::vector<std::string> next;
    for (size_t i = 0; i < parts.size(); ++i) {
      if (i + 1 < parts.size() && merges[best] == std::pair(parts[i], parts[i + 1])) {
        next.push_back(parts[i] + parts[i + 1]);
        ++i;
      } else {
        next.push_back(parts[i]);
      }
    }
    parts = next;
  }
}

}  // namespace byte_pairs_test

TEST_CASE("pieces of every length are merged as the definition says", "[byte_pairs]") {
  const std::vector<std::pair<std::string, std::string>> merges = {{"a", "b"},   {"a", "a"},  {"ab", "a"},
                                                                   {"b", "b"},   {"aa", "b"}, {"aba", "ab"},
                                                                   {"aa", "aa"}, {"bb", "aa"}};
  std::string file = "#version: 0.2\n";
  for (const auto& [left, right] : merges) file += left + " " + right + "\n";
  const BytePairs pairs(file, "merges");
  std::mt19937 random(7);
  for (size_t length = 0; length < 200; ++length) {
    std::string piece;
    for (size_t i = 0; i < length; ++i) piece += "aab"[random() % 3];
    std::vector<std::string> parts;
    for (const int32_t id : byte_pairs_test::encoded(pairs, piece)) parts.emplace_back(pairs.bytes_of(id));
    INFO(piece);
    CHECK(parts == byte_pairs_test::merged_by_definition(piece, merges));
  }
}

TEST_CASE("bytes are numbered in GPT-2's order, printable ones first", "[byte_pairs]") {
  const BytePairs pairs("", "merges");
  CHECK(pairs.size() == 256);
  CHECK(byte_pairs_test::encoded(pairs, "!") == std::vector<int32_t>{0});
  CHECK(byte_pairs_test::encoded(pairs, "\xa1\xff") == std::vector<int32_t>{94, 187});
  CHECK(byte_pairs_test::encoded(pairs, std::string_view("\0 \xad", 3)) ==
        std::vector<int32_t>{188, 220, 255});
}

TEST_CASE("a line that is no merge of known tokens is refused", "[byte_pairs]") {
  CHECK_THROWS_WITH(BytePairs("#version: 0.2\na b\nab cd\n", "m.bpe"),
                    "m.bpe:3: merge = ab cd: must be two tokens of the lines before");
  CHECK_THROWS_WITH(BytePairs("a\n", "m.bpe"), "m.bpe:1: merge = a: must be two tokens of the lines before");
}
