// A token file of the tiny text, with its ids beside it.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/testing/folder.h"
#include "experiments/data/files/token_file.h"
#include "experiments/testing/tiny.h"

namespace subband::testing {

struct TinyTokens {
  std::shared_ptr<TestFolder> folder;
  std::vector<int64_t> ids;
  TokenFile tokens;
};

/// `letters`: length of the training text; the other splits have their own.
inline TinyTokens tiny_tokens(const std::string& split, int64_t letters = 600) {
  auto folder = std::make_shared<TestFolder>();
  const TinyData data(TinyData::Config{.letters = letters}, DataContext{});
  const LetterTokenizer tokenizer(LetterTokenizer::Config{}, TokenizerContext{});
  std::vector<int32_t> narrow;
  tokenizer.encode(data.text(split).text, narrow);
  TokenFile tokens = open_tokens(data, tokenizer, split, folder->path());
  return {folder, {narrow.begin(), narrow.end()}, std::move(tokens)};
}

}  // namespace subband::testing
