#include "experiments/data.h"

#include <algorithm>

#include "core/error.h"
#include "core/text.h"

namespace subband {

TextSplit Data::text(std::string_view) const {
  throw ConfigError("data." + name(),
                    "holds labelled examples, no text to continue; choose task: classification", "bad_value");
}

ExampleSet Data::examples(std::string_view) const {
  throw ConfigError("data." + name(), "holds text without labels; choose task: language_model", "bad_value");
}

void expect_split(const Data& data, std::string_view split) {
  const std::vector<std::string> known = data.splits();
  if (std::ranges::find(known, split) != known.end()) return;
  throw ConfigError("data." + data.name(),
                    "split = " + std::string(split) + ": unknown split" + suggestion(split, known),
                    "unknown_option");
}

}  // namespace subband
