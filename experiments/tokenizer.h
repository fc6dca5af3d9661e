// A tokeniser: text to ids and back.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/registry.h"

namespace subband {

struct TokenizerContext {};

class Tokenizer {
 public:
  static constexpr const char* kKind = "tokenizer";
  using Context = TokenizerContext;
  virtual ~Tokenizer() = default;

  /// V: every id is below it. Cheap: known without reading any file where the tokeniser fixes it.
  virtual int64_t vocabulary() const = 0;
  /// Appends the ids of `text`. Special strings are plain text.
  virtual void encode(std::string_view text, std::vector<int32_t>& ids) const = 0;
  /// As encode, and tells `watch` now and then how many bytes are done, at last all of them.
  using Watch = std::function<void(size_t done_bytes)>;
  virtual void encode_watched(std::string_view text, std::vector<int32_t>& ids, const Watch& watch) const {
    encode(text, ids);
    watch(text.size());
  }
  /// The bytes of `ids`; encode then decode gives the same bytes for every text, valid UTF-8 or not.
  /// Error when an id is outside the vocabulary.
  virtual std::string decode(std::span<const int32_t> ids) const = 0;
  /// Hex digest of everything that decides the ids; token caches are keyed by it.
  virtual std::string fingerprint() const = 0;
};

using TokenizerRegistry = KindRegistry<Tokenizer>;

}  // namespace subband
