// GPT-2's pre-tokenisation: text is cut into pieces, and no token crosses from one piece into the next.
#pragma once
#include <cstddef>
#include <memory>
#include <string_view>

namespace subband {

/// Cuts a text from left to right with GPT-2's pattern. Bytes that are no valid UTF-8 are outside the
/// pattern's world: each longest run of them is a piece of its own, and the text between such runs is cut as
/// if it stood alone.
class Gpt2Splitter {
 public:
  /// The pattern, as it is handed to PCRE2; part of the tokeniser's fingerprint.
  static const char* pattern();

  explicit Gpt2Splitter(std::string_view text);
  ~Gpt2Splitter();
  Gpt2Splitter(const Gpt2Splitter&) = delete;
  Gpt2Splitter& operator=(const Gpt2Splitter&) = delete;

  /// The next piece, empty at the end. All pieces one after the other are the text.
  std::string_view next();

 private:
  struct Pattern;
  void find_valid_end();

  std::string_view text_;
  size_t at_ = 0;
  size_t valid_end_ = 0;  // text_[at_, valid_end_) is valid UTF-8
  std::unique_ptr<Pattern> pattern_;
};

}  // namespace subband
