// Texts drawn from a net, several at once, token by token.
#pragma once
#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "experiments/generation/strategies.h"
#include "experiments/generation/token_source.h"
#include "experiments/tokenizer.h"

namespace subband {

struct GenerationOptions {
  int64_t tokens = 512;            ///< of each text at most, at least one
  int64_t samples = 1;             ///< texts of each prompt
  std::vector<std::string> stops;  ///< strings that end a text
  uint64_t seed = 1337;            ///< a draw is a function of it, the sample's number and its position
  int64_t most_rows = 16;          ///< texts that are read together
  TokenSource::Options source = {};
  const std::atomic<bool>* stop = nullptr;  ///< when it turns true every text ends where it is
  /// Is told of every piece of text that can be shown, by the text's place in the answer; not where several attempts are
  /// drawn, of which one is kept.
  std::function<void(size_t text, const std::string& piece)> watch = {};
};

struct GeneratedText {
  size_t prompt = 0;   ///< which one
  int64_t sample = 0;  ///< of it
  std::string text;    ///< behind the prompt, without the string that ended it; cleaned where a strategy does
  std::string ended = "length";  ///< or `stop`, `interrupted`
  std::vector<DrawnToken> tokens;
};

/// One text for each sample of each prompt, in that order. The same tokens in fp64 whatever else is drawn with them; in
/// fp32 until two sums lie within rounding of each other. ConfigError for a prompt without tokens. The net is left as it was.
std::vector<GeneratedText> generate(Net& net, const Tokenizer& tokenizer, const Strategies& strategies,
                                    const std::vector<std::vector<int32_t>>& prompts, const GenerationOptions& options);

}  // namespace subband
