#include "experiments/interchange/waveletlm/config.h"

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/json.h"
#include "experiments/interchange/waveletlm/flat_config.h"

namespace subband::waveletlm {

using config::Node;

Node recipe_of_flat_config(const std::string& text, const std::string& source, config::Warnings& warnings) {
  // The YAML reader keeps places but takes more than JSON.
  read_json(text, source, {.non_finite = true, .is_spec = true});
  const Node root = config::parse_yaml(json_as_yaml(text), source, &warnings);
  if (!root.is(Node::Kind::map))
    throw ConfigError(source,
                      std::string("expected the keys of a WaveletLM config.json, got a ") + root.kind_name(),
                      "bad_value");
  return FlatConfig(root, warnings).finish();
}

}  // namespace subband::waveletlm
