#include "experiments/tokenizers/gpt2_split.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <new>
#include <string>

#include "core/error.h"

namespace subband {

// Published:  's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
// White space is written out as Unicode's property, which \s means there; PCRE2's own \s counts U+180E too.
#define SUBBAND_WHITE "\\p{Z}\\t-\\r\\x{85}"
const char* Gpt2Splitter::pattern() {
  return "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^" SUBBAND_WHITE "\\p{L}\\p{N}]+|[" SUBBAND_WHITE
         "]+(?![^" SUBBAND_WHITE "])|[" SUBBAND_WHITE "]+";
}
#undef SUBBAND_WHITE

struct Gpt2Splitter::Pattern {
  pcre2_code* code = nullptr;
  pcre2_match_data* match = nullptr;
  bool jit = false;

  Pattern() {
    int error = 0;
    PCRE2_SIZE offset = 0;
    code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern()), PCRE2_ZERO_TERMINATED,
                         PCRE2_UTF | PCRE2_UCP, &error, &offset, nullptr);
    if (code == nullptr) throw Error("PCRE2", "cannot compile the pattern of gpt2; it needs Unicode support");
    jit = pcre2_jit_compile(code, PCRE2_JIT_COMPLETE) == 0;  // the interpreter gives the same, only later
    match = pcre2_match_data_create(1, nullptr);
    if (match == nullptr) throw std::bad_alloc();
  }
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;
  ~Pattern() {
    pcre2_match_data_free(match);
    pcre2_code_free(code);
  }

  /// End of the match that starts at `from`.
  size_t end_of_match(std::string_view subject, size_t from) const {
    const auto* bytes = reinterpret_cast<PCRE2_SPTR>(subject.data());
    const int found =
        jit ? pcre2_jit_match(code, bytes, subject.size(), from, PCRE2_NO_UTF_CHECK, match, nullptr)
            : pcre2_match(code, bytes, subject.size(), from, PCRE2_NO_UTF_CHECK, match, nullptr);
    const PCRE2_SIZE* range = pcre2_get_ovector_pointer(match);
    if (found < 1 || range[0] != from || range[1] <= from)  // the pattern leaves no character out
      throw Error("PCRE2", "gpt2's pattern failed at byte " + std::to_string(from) + ": code " +
                               std::to_string(found));
    return range[1];
  }
};

// Bytes of the valid UTF-8 sequence that `text` begins with, 0 where there is none.
static size_t utf8_length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const size_t length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (length == 0 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  if (first == 0xe0 && byte(1) < 0xa0) return 0;  // overlong
  if (first == 0xed && byte(1) > 0x9f) return 0;  // surrogates
  if (first == 0xf0 && byte(1) < 0x90) return 0;  // overlong
  if (first == 0xf4 && byte(1) > 0x8f) return 0;  // above U+10FFFF
  return length;
}

Gpt2Splitter::Gpt2Splitter(std::string_view text) : text_(text), pattern_(std::make_unique<Pattern>()) {
  find_valid_end();
}

Gpt2Splitter::~Gpt2Splitter() = default;

void Gpt2Splitter::find_valid_end() {
  valid_end_ = at_;
  while (valid_end_ < text_.size()) {
    const size_t length = utf8_length(text_.substr(valid_end_));
    if (length == 0) break;
    valid_end_ += length;
  }
}

std::string_view Gpt2Splitter::next() {
  const size_t from = at_;
  if (from == text_.size()) return {};
  if (from < valid_end_) {
    at_ = pattern_->end_of_match(text_.substr(0, valid_end_), from);
  } else {
    while (at_ < text_.size() && utf8_length(text_.substr(at_)) == 0) ++at_;
    find_valid_end();
  }
  return text_.substr(from, at_ - from);
}

}  // namespace subband
