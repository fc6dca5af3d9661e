#include "experiments/training/recipe_remarks.h"

#include <fmt/format.h>

#include "core/error.h"

namespace subband {

void check_prompt(const Recipe& recipe) {
  if (recipe.samples.tokens == 0) return;
  std::vector<int32_t> ids;
  try {
    const auto tokenizer = make_tokenizer(recipe);
    if (!tokenizer) return;
    tokenizer->encode(recipe.samples.prompt, ids);
  } catch (const ConfigError&) {
    throw;
  } catch (const Error&) {  // its files are not here, which whoever needs them says
    return;
  }
  if (!ids.empty()) return;
  const config::Node* prompt = recipe.resolved.at("samples.prompt");
  throw ConfigError(prompt != nullptr ? prompt->place.text() : "",
                    "samples.prompt = " + config::json_string(recipe.samples.prompt) + ": tokenizer " +
                        recipe.tokenizer->type() +
                        " makes no token of it; give words, or samples.tokens=0 for no sample text",
                    "bad_value");
}

// Of a run whose length is known without its data.
static void remark_on_warmup(const Recipe& recipe, std::vector<std::string>& remarks) {
  if (!recipe.trainer.steps) return;
  const int64_t steps = *recipe.trainer.steps;
  const auto schedule = recipe.schedule.make({.steps = steps, .peak = 1});
  if (schedule->warmup() < steps) return;
  const config::Node* warmup = recipe.resolved.at("schedule.warmup");
  remarks.push_back(
      fmt::format("{}schedule.warmup = {} steps: the run has {}, so the rate never stops rising",
                  warmup != nullptr ? warmup->place.text() + ": " : "", schedule->warmup(), steps));
}

static void remark_on_precision(const Recipe& recipe, std::vector<std::string>& remarks) {
  const config::Node* precision = recipe.resolved.at("trainer.precision");
  if (recipe.trainer.device != "cpu" || recipe.trainer.precision == "fp32") return;
  remarks.push_back((precision != nullptr ? precision->place.text() + ": " : "") + "trainer.precision = " +
                    recipe.trainer.precision + ": on the CPU it is fp32 all the same");
}

std::vector<std::string> recipe_remarks(const Recipe& recipe) {
  std::vector<std::string> remarks;
  remark_on_precision(recipe, remarks);
  remark_on_warmup(recipe, remarks);
  return remarks;
}

}  // namespace subband
