// A tokeniser's learnt model, kept in a file or in the spec itself: `inline:` and its bytes as hex digits.
#pragma once
#include <string>

namespace subband {

struct TokenizerModel {
  std::string place;  ///< the file, or `tokenizer.model = inline`; for messages
  std::string bytes;
};

/// What a spec's field `model` stands for. Error where the file cannot be found or read, or what is inline is no hex.
TokenizerModel read_tokenizer_model(const std::string& field);
/// A field that stands for these bytes.
std::string inline_tokenizer_model(const std::string& bytes);

}  // namespace subband
