// Tokenised text in a memory-mapped file: encoded once, then shared by every process that asks for the same.
#pragma once
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "core/files.h"
#include "experiments/data.h"
#include "experiments/tokenizer.h"

namespace subband {

/// The tokens of one split. Two bytes an id where the vocabulary allows it, else four.
class TokenFile {
 public:
  int64_t tokens() const { return tokens_; }
  int64_t bytes() const { return bytes_; }  ///< of the text that the tokens stand for
  int64_t words() const { return words_; }  ///< as TextSplit::words; 0 where unknown
  const std::filesystem::path& path() const { return path_; }

  /// Number of windows of `length` inputs and as many targets, one token further, at any offset: tokens -
  /// length. ConfigError when not even one fits.
  int64_t window_starts(int64_t length) const;

  /// out[i] = token first + i. The range must lie inside the file.
  void copy(int64_t first, std::span<int64_t> out) const;
  /// Row r of out, [starts, size], becomes the `size` tokens from starts[r] on; for inputs and targets of
  /// length L ask for L + 1. ConfigError when a window reaches beyond the text.
  void gather(std::span<const int64_t> starts, int64_t size, std::span<int64_t> out) const;

 private:
  friend TokenFile open_tokens(const Data&, const Tokenizer&, std::string_view, const std::filesystem::path&);
  TokenFile(std::filesystem::path path, std::string place, const std::string& key);

  MappedFile file_;
  std::filesystem::path path_;
  std::string place_;  // `data.tinyshakespeare: split valid`
  int64_t tokens_ = 0, bytes_ = 0, words_ = 0;
  bool narrow_ = true;
};

/// Opens the tokens of `split`; encodes the text first when `cache` holds no intact file of them. Files are
/// named after the data and a digest of everything that decides their content, written under a temporary name
/// and renamed, so that processes may ask at the same time. A damaged file is made again, with a note on
/// stderr. Error and ConfigError as from Data::text, and Error when `cache` cannot be written.
TokenFile open_tokens(const Data& data, const Tokenizer& tokenizer, std::string_view split,
                      const std::filesystem::path& cache);

}  // namespace subband
