// SentencePiece: pieces of normalised text, by a model that was learnt from a corpus.
// Its normaliser may turn newlines into spaces and runs of spaces into one, so that decode does not give
// every byte back; bits per byte are still taken over the bytes of the text as it was.
// Cost    one search per document; the model is read at the first use
// Source  Kudo and Richardson 2018, arXiv 1808.06226; Google's library
#include <sentencepiece_processor.h>

#include <algorithm>
#include <mutex>
#include <optional>

#include "core/config/binder.h"
#include "core/error.h"
#include "core/hash.h"
#include "experiments/tokenizer.h"
#include "experiments/tokenizers/inline_model.h"

namespace subband::tokenizers::sentencepiece {

struct Config {
  std::string model;
  int64_t pieces = 0;

  void bind(Binder& b) {
    b.field("model", model,
            "the .model file; relative to the program's root, else to $SUBBAND_DATA; or `inline:` and its bytes as hex digits");
    b.field("pieces", pieces, {0, 1e9},
            "V, so that parameters can be counted without the file; 0: what the file has");
    b.check(!model.empty(), "model", "must name a file");
  }
};

class SentencePiece final : public Tokenizer {
 public:
  SentencePiece(const Config& config, const TokenizerContext&) : config_(config) {}

  int64_t vocabulary() const override {
    return config_.pieces > 0 ? config_.pieces : loaded().GetPieceSize();
  }

  void encode(std::string_view text, std::vector<int32_t>& ids) const override {
    const std::vector<int> pieces = pieces_of(without_unknown_stretches(text));
    ids.insert(ids.end(), pieces.begin(), pieces.end());
  }

  std::string decode(std::span<const int32_t> ids) const override {
    const int64_t known = loaded().GetPieceSize();
    for (const int32_t id : ids)
      if (id < 0 || id >= known)
        throw Error("sentencepiece", "id = " + std::to_string(id) +
                                         ": must be below the vocabulary = " + std::to_string(known));
    std::string text;
    expect_ok(loaded().Decode(std::vector<int>(ids.begin(), ids.end()), &text));
    return text;
  }

  std::string fingerprint() const override {
    loaded();
    return sha256_hex("sentencepiece 1\n" + digest_);
  }

 private:
  std::vector<int> pieces_of(std::string_view text) const {
    std::vector<int> pieces;
    expect_ok(loaded().Encode({text.data(), text.size()}, &pieces));
    return pieces;
  }

  // Whether all of it is one unknown piece, perhaps behind the mark of a word's beginning.
  bool is_unknown(std::string_view text) const {
    const std::vector<int> pieces = pieces_of(text);
    return !pieces.empty() && pieces.size() <= 2 && pieces.back() == loaded().unk_id() &&
           (pieces.size() == 1 || pieces.front() == loaded().PieceToId("\u2581"));
  }

  // The library joins unknown letters into one piece in quadratic time. However many there are, the piece is the same:
  // of a long stretch both ends are kept, which what stands around it may change, and as much as no rule of the
  // normaliser and no piece reaches across.
  std::string without_unknown_stretches(std::string_view text) const {
    constexpr size_t kKept = 512, kProbed = 64, kApart = 1024;
    std::string out;
    size_t copied = 0;
    for (size_t at = 0; at + 4 * kKept < text.size(); at = letter_from(text, at + kApart)) {
      if (!is_unknown(piece(text, at, kProbed))) continue;
      size_t end = at;  // of what is unknown, seen through windows that overlap by half
      for (size_t from = at; is_unknown(piece(text, from, kKept));
           from = letter_from(text, from + kKept / 2)) {
        end = letter_from(text, from + kKept);
        if (end == text.size()) break;
      }
      if (end < at + 4 * kKept) continue;
      const size_t head = letter_from(text, at + kKept), tail = letter_from(text, end - kKept);
      const std::string joined =
          std::string(text.substr(at, head - at)) + std::string(text.substr(tail, end - tail));
      if (!is_unknown(joined)) continue;
      out.append(text.substr(copied, head - copied));
      copied = tail;
      at = end - kApart;
    }
    return out.append(text.substr(copied));
  }

  // The first place from `at` on where a letter begins.
  static size_t letter_from(std::string_view text, size_t at) {
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) ++at;
    return std::min(at, text.size());
  }
  static std::string_view piece(std::string_view text, size_t at, size_t size) {
    return text.substr(at, letter_from(text, at + size) - at);
  }

  void expect_ok(const ::sentencepiece::util::Status& status) const {
    if (!status.ok()) throw Error(config_.model.substr(0, 80), "sentencepiece: " + status.ToString());
  }

  const ::sentencepiece::SentencePieceProcessor& loaded() const {
    std::call_once(read_, [this] {
      const auto [place, model] = read_tokenizer_model(config_.model);
      digest_ = sha256_hex(model);
      const auto status = processor_.LoadFromSerializedProto(model);
      if (!status.ok()) throw Error(place, "is no SentencePiece model: " + status.ToString());
      if (config_.pieces > 0 && processor_.GetPieceSize() != config_.pieces)
        throw Error(place, "pieces = " + std::to_string(processor_.GetPieceSize()) +
                                       ": must be as tokenizer.pieces says, " +
                                       std::to_string(config_.pieces));
    });
    return processor_;
  }

  Config config_;
  mutable std::once_flag read_;
  mutable ::sentencepiece::SentencePieceProcessor processor_;
  mutable std::string digest_;
};

void add_to(TokenizerRegistry& registry) {
  registry.add<SentencePiece, Config>({.name = "sentencepiece",
                                       .summary = "pieces of normalised text, by a learnt model",
                                       .source = "Kudo and Richardson 2018, arXiv 1808.06226",
                                       .cost = "one search per document"});
}

}  // namespace subband::tokenizers::sentencepiece
