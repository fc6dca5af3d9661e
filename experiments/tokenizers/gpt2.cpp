// GPT-2's byte-level byte-pair encoding: 256 bytes, 50,000 merges and `<|endoftext|>`.
//   text -> pieces (gpt2_split.h) -> for each piece, merge the pair of lowest rank until none is left
//   (byte_pairs.h)
// Special strings are plain text, so id 50256 never comes out of `encode`; `decode` writes it as
// `<|endoftext|>`. Shapes  text of n bytes -> about n / 4.5 ids below V = 50257 for English Cost    one
// look-up a piece for words seen before; time of a new word grows with the square of its length up to
//         64 bytes, then as n log n
// Source  Radford et al. 2019, section 2.2; the merges are OpenAI's file
#include <mutex>
#include <optional>
#include <unordered_map>

#include "core/error.h"
#include "core/files.h"
#include "core/hash.h"
#include "experiments/data/files/unpack.h"
#include "experiments/tokenizer.h"
#include "experiments/tokenizers/byte_pairs.h"
#include "experiments/tokenizers/gpt2_split.h"

namespace subband::tokenizers::gpt2 {

static constexpr int32_t kVocabulary = 50257;
static constexpr int32_t kEndOfText = 50256;
static constexpr const char* kMerges = "experiments/data/gpt2/vocab.bpe.xz";
static constexpr const char* kMergesSha256 =
    "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5";
static constexpr size_t kLongestKept = 64;      // bytes of a piece; longer ones hardly ever come again
static constexpr size_t kMostKept = 1 << 20;    // pieces
static constexpr size_t kWatchEvery = 1 << 20;  // bytes

struct Config {
  void bind(Binder&) {}
};

// The pieces seen so far in one text, with their ids.
class Seen {
 public:
  Seen(const BytePairs& pairs) : pairs_(pairs) {}  // NOLINT

  void encode(std::string_view piece, std::vector<int32_t>& ids) {
    if (const auto found = where_.find(piece); found != where_.end()) {
      const auto first = kept_.begin() + static_cast<std::ptrdiff_t>(found->second.first);
      ids.insert(ids.end(), first, first + found->second.count);
      return;
    }
    const size_t before = ids.size();
    pairs_.encode(piece, ids);
    if (piece.size() > kLongestKept || where_.size() == kMostKept) return;
    where_.emplace(piece, Range{kept_.size(), static_cast<int>(ids.size() - before)});
    kept_.insert(kept_.end(), ids.begin() + static_cast<std::ptrdiff_t>(before), ids.end());
  }

 private:
  struct Range {
    size_t first;
    int count;
  };
  const BytePairs& pairs_;
  std::unordered_map<std::string_view, Range> where_;  // the keys point into the text
  std::vector<int32_t> kept_;
};

class Gpt2 final : public Tokenizer {
 public:
  Gpt2(const Config&, const TokenizerContext&) {}

  int64_t vocabulary() const override { return kVocabulary; }

  void encode(std::string_view text, std::vector<int32_t>& ids) const override {
    encode_watched(text, ids, [](size_t) {});
  }

  void encode_watched(std::string_view text, std::vector<int32_t>& ids, const Watch& watch) const override {
    Seen seen(pairs());
    Gpt2Splitter splitter(text);
    size_t done = 0, told = 0;
    for (std::string_view piece = splitter.next(); !piece.empty(); piece = splitter.next()) {
      seen.encode(piece, ids);
      done += piece.size();
      if (done - told >= kWatchEvery) watch(told = done);
    }
    watch(done);
  }

  std::string decode(std::span<const int32_t> ids) const override {
    std::string text;
    for (const int32_t id : ids) {
      if (id < 0 || id >= kVocabulary)
        throw Error("gpt2", "id = " + std::to_string(id) + ": must be below the vocabulary = 50257");
      text += id == kEndOfText ? "<|endoftext|>" : pairs().bytes_of(id);
    }
    return text;
  }

  std::string fingerprint() const override {
    return sha256_hex(std::string("gpt2 1\n") + kMergesSha256 + "\n" + Gpt2Splitter::pattern());
  }

 private:
  // Read at the first use: a recipe is bound and its parameters counted without it.
  const BytePairs& pairs() const {
    std::call_once(read_, [this] {
      const std::filesystem::path file = program_root() / kMerges;
      const std::string merges = read_unpacked(file);
      if (sha256_hex(merges) != kMergesSha256)
        throw Error(file.string(),
                    "sha256 = " + sha256_hex(merges) + ": must be " + kMergesSha256 + ", GPT-2's merges");
      pairs_.emplace(merges, file.string());
    });
    return *pairs_;
  }

  mutable std::once_flag read_;
  mutable std::optional<BytePairs> pairs_;
};

void add_to(TokenizerRegistry& registry) {
  registry.add<Gpt2, Config>({.name = "gpt2",
                              .summary = "GPT-2's byte-level byte-pair encoding, 50,257 tokens",
                              .source = "Radford et al. 2019, section 2.2",
                              .cost = "one look-up a word seen before"});
}

}  // namespace subband::tokenizers::gpt2
