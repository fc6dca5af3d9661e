// Bytes as tokens: id = byte. Every text has exactly one token a byte, so loss in bits is bits per byte.
// Shapes  text of n bytes -> n ids below V = 256
// Source  ours, the smallest vocabulary that loses nothing
#include "core/error.h"
#include "core/hash.h"
#include "experiments/tokenizer.h"

namespace subband::tokenizers::bytes {

static constexpr int32_t kVocabulary = 256;

struct Config {
  void bind(Binder&) {}
};

class Bytes final : public Tokenizer {
 public:
  Bytes(const Config&, const TokenizerContext&) {}

  int64_t vocabulary() const override { return kVocabulary; }

  void encode(std::string_view text, std::vector<int32_t>& ids) const override {
    ids.reserve(ids.size() + text.size());
    for (const char byte : text) ids.push_back(static_cast<unsigned char>(byte));
  }

  std::string decode(std::span<const int32_t> ids) const override {
    std::string text;
    text.reserve(ids.size());
    for (const int32_t id : ids) {
      if (id < 0 || id >= kVocabulary)
        throw Error("bytes", "id = " + std::to_string(id) + ": must be below the vocabulary = 256");
      text += static_cast<char>(id);
    }
    return text;
  }

  std::string fingerprint() const override { return sha256_hex("bytes 1"); }
};

void add_to(TokenizerRegistry& registry) {
  registry.add<Bytes, Config>({.name = "bytes",
                               .summary = "one token a byte",
                               .source = "ours, the smallest vocabulary that loses nothing"});
}

}  // namespace subband::tokenizers::bytes
