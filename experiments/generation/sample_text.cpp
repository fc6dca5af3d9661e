#include "experiments/generation/sample_text.h"

#include "core/error.h"
#include "experiments/generation/generator.h"

namespace subband {

std::string sample_text(Net& net, const Recipe& recipe, at::Device device) {
  const SampleConfig& config = recipe.samples;
  const auto tokenizer = make_tokenizer(recipe);
  std::vector<int32_t> prompt;
  tokenizer->encode(config.prompt, prompt);
  if (prompt.empty()) throw ConfigError("", "samples.prompt: must have at least one token", "bad_value");
  const auto texts = generate(net, *tokenizer, Strategies(config.parts), {prompt},
                              {.tokens = config.tokens,
                               .seed = static_cast<uint64_t>(recipe.seed),
                               .source = {.length = recipe.trainer.length,
                                          .device = device,
                                          .precision = recipe.trainer.precision}});
  return config.prompt + texts[0].text;
}

}  // namespace subband
