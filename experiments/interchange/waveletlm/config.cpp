#include "experiments/interchange/waveletlm/config.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "experiments/interchange/waveletlm/flat_config.h"

namespace subband::waveletlm {

using config::Node;

namespace {

// The YAML reader keeps places but takes more than JSON.
void expect_json(const std::string& text, const std::string& source) {
  try {
    [[maybe_unused]] const auto parsed = nlohmann::json::parse(text);
  } catch (const nlohmann::json::parse_error& error) {
    const std::string before = text.substr(0, std::min(text.size(), error.byte == 0 ? 0 : error.byte - 1));
    const size_t line_start = before.rfind('\n') + 1;  // npos + 1 = 0
    const config::Place place{std::make_shared<const std::string>(source),
                              static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1,
                              static_cast<int>(before.size() - line_start) + 1};
    throw ConfigError(place.text(), "is no JSON from here on", "syntax");
  }
}

}  // namespace

Node recipe_of_flat_config(const std::string& text, const std::string& source, config::Warnings& warnings) {
  expect_json(text, source);
  std::string plain = text;
  std::ranges::replace(plain, '\t', ' ');  // legal indentation in JSON; inside its strings a tab is \t
  const Node root = config::parse_yaml(plain, source, &warnings);
  if (!root.is(Node::Kind::map))
    throw ConfigError(source,
                      std::string("expected the keys of a WaveletLM config.json, got a ") + root.kind_name(),
                      "bad_value");
  return FlatConfig(root, warnings).finish();
}

}  // namespace subband::waveletlm
