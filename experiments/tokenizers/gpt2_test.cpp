#include <cstdlib>
#include <random>
#include <unordered_map>

#include "core/error.h"
#include "core/testing/catch.h"
#include "core/text.h"
#include "experiments/data/files/unpack.h"
#include "experiments/testing/corpora.h"
#include "experiments/tokenizers/gpt2_split.h"

using namespace subband;

namespace gpt2_test {

static std::vector<int32_t> encoded(const Tokenizer& tokenizer, std::string_view text) {
  std::vector<int32_t> ids;
  tokenizer.encode(text, ids);
  return ids;
}

using Ids = std::vector<int32_t>;

// The same vocabulary in another form: bytes -> rank, base64 in the file.
static std::unordered_map<std::string, int32_t> rank_table(const std::string& file) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::unordered_map<std::string, int32_t> ranks;
  for (const std::string& line : split(file, '\n')) {
    if (line.empty()) continue;
    const size_t space = line.find(' ');
    std::string bytes;
    uint32_t bits = 0;
    int have = 0;
    for (const char c : line.substr(0, space)) {
      if (c == '=') break;
      bits = bits << 6 | static_cast<uint32_t>(digits.find(c));
      have += 6;
      if (have >= 8) bytes += static_cast<char>(bits >> (have -= 8) & 255);
    }
    ranks[bytes] = static_cast<int32_t>(*parse_integer(line.substr(space + 1)));
  }
  return ranks;
}

// Merges neighbours whose joined bytes have the lowest rank; knows nothing of pairs.
static void merge_by_rank(std::string_view piece, const std::unordered_map<std::string, int32_t>& ranks,
                          Ids& ids) {
  std::vector<std::string> parts;
  for (const char c : piece) parts.emplace_back(1, c);
  for (;;) {
    size_t best = parts.size();
    int32_t best_rank = INT32_MAX;
    for (size_t i = 0; i + 1 < parts.size(); ++i) {
      const auto found = ranks.find(parts[i] + parts[i + 1]);
      if (found != ranks.end() && found->second < best_rank) best = i, best_rank = found->second;
    }
    if (best == parts.size()) break;
    parts[best] += parts[best + 1];
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
  for (const std::string& part : parts) ids.push_back(ranks.at(part));
}

static std::filesystem::path shared_folder() {
  const char* named = std::getenv("SUBBAND_SHARED");
  return named ? std::filesystem::path(named) : program_root() / ".." / "shared";
}

static const std::vector<const char*>& bundled() {
  static const std::vector<const char*> kFiles = {"tinyshakespeare/input.txt.xz", "wikitext_2/train.txt.xz",
                                                  "wikitext_2/valid.txt.xz", "wikitext_2/test.txt.xz",
                                                  "wikitext_2/wiki.test.raw.xz"};
  return kFiles;
}

}  // namespace gpt2_test
using gpt2_test::encoded;
using gpt2_test::Ids;

TEST_CASE("well-known texts have GPT-2's ids", "[gpt2]") {
  const auto gpt2 = testing::made<Tokenizer>("gpt2");
  CHECK(encoded(*gpt2, "Hello world") == Ids{15496, 995});
  CHECK(encoded(*gpt2, "Hello, world!") == Ids{15496, 11, 995, 0});
  CHECK(encoded(*gpt2, "") == Ids{});
  CHECK(encoded(*gpt2, "\n") == Ids{198});
  CHECK(encoded(*gpt2, "\n\n") == Ids{628});
  CHECK(gpt2->vocabulary() == 50257);
}

TEST_CASE("special strings are plain text in gpt2, and its end of text can be decoded", "[gpt2]") {
  const auto gpt2 = testing::made<Tokenizer>("gpt2");
  CHECK(encoded(*gpt2, "<|endoftext|>") == Ids{27, 91, 437, 1659, 5239, 91, 29});
  CHECK(gpt2->decode(Ids{15496, 50256}) == "Hello<|endoftext|>");
  CHECK_THROWS_WITH(gpt2->decode(Ids{50257}), "gpt2: id = 50257: must be below the vocabulary = 50257");
  CHECK_THROWS_WITH(gpt2->decode(Ids{-1}), "gpt2: id = -1: must be below the vocabulary = 50257");
}

TEST_CASE("the raw WikiText test split has its published counts", "[gpt2]") {
  const std::string file = (program_root() / "experiments/data/wikitext_2/wiki.test.raw.xz").string();
  config::Node node = testing::text_node("raw", "test", file);
  node.set("join", config::Node("rows"));
  const TextSplit test = testing::made<Data>("text", node)->text("test");
  CHECK(test.text.size() == 1296370);
  CHECK(test.words == 245569);
  CHECK(encoded(*testing::made<Tokenizer>("gpt2"), test.text).size() == 287644);
}

TEST_CASE("every bundled text comes back byte by byte", "[gpt2]") {
  const auto gpt2 = testing::made<Tokenizer>("gpt2");
  for (const char* name : gpt2_test::bundled()) {
    const std::string text = read_unpacked(program_root() / "experiments/data" / name);
    INFO(name);
    CHECK((gpt2->decode(encoded(*gpt2, text)) == text));
  }
}

TEST_CASE("any bytes come back, valid UTF-8 or not", "[gpt2]") {
  const auto gpt2 = testing::made<Tokenizer>("gpt2");
  std::mt19937 random(3);
  for (int round = 0; round < 500; ++round) {
    std::string text;
    for (size_t i = random() % 300; i > 0; --i)
      text += static_cast<char>(round % 2 ? random() : "\xe2\x82\xac a'st\n\xc3\xa9"[random() % 12]);
    const Ids ids = encoded(*gpt2, text);
    CHECK(gpt2->decode(ids) == text);
    for (const int32_t id : ids) CHECK((id >= 0 && id < 50256));
  }
  const std::string long_word(200000, 'a');
  CHECK((gpt2->decode(encoded(*gpt2, long_word)) == long_word));
}

TEST_CASE("the ids are those of an independent rank table", "[gpt2]") {
  const auto file = gpt2_test::shared_folder() / "data/gpt2-bpe/gpt2.tiktoken";
  if (!std::filesystem::exists(file)) {
    WARN("skipped: no " << file.string());
    return;
  }
  const auto ranks = gpt2_test::rank_table(read_file(file));
  REQUIRE(ranks.size() == 50256);
  const auto gpt2 = testing::made<Tokenizer>("gpt2");
  std::unordered_map<std::string, Ids> seen;
  for (const char* name : gpt2_test::bundled()) {
    const std::string text = read_unpacked(program_root() / "experiments/data" / name);
    Ids expected;
    Gpt2Splitter splitter(text);
    for (auto piece = splitter.next(); !piece.empty(); piece = splitter.next()) {
      Ids& ids = seen[std::string(piece)];
      if (ids.empty()) gpt2_test::merge_by_rank(piece, ranks, ids);
      expected.insert(expected.end(), ids.begin(), ids.end());
    }
    INFO(name);
    CHECK((encoded(*gpt2, text) == expected));
  }
}

TEST_CASE("progress of an encoding ends with all bytes", "[gpt2]") {
  std::string text;
  while (text.size() < 3'500'000) text += "a word and ";
  std::vector<size_t> told;
  Ids ids;
  testing::made<Tokenizer>("gpt2")->encode_watched(text, ids, [&](size_t done) { told.push_back(done); });
  REQUIRE(told.size() == 4);
  CHECK(told.back() == text.size());
  CHECK(std::is_sorted(told.begin(), told.end()));
}
