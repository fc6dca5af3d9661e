// JSON in: the one reader of it. A text is read whole or refused at its place; how deep it nests harms nobody.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace subband {

using Json = nlohmann::ordered_json;  ///< keys keep the order in which they were written

struct JsonForm {
  bool non_finite = false;  ///< the words Infinity, -Infinity and NaN are numbers, as Python writes them
  bool is_spec = false;     ///< a file of the user's own: ConfigError instead of Error
};

/// The value of a text. `source` names it in places. One Error of kind `syntax` for what is no JSON or no UTF-8, nests
/// deeper than 1000 levels, or gives a key twice; a text that is something else by its first bytes is called by its name.
Json read_json(std::string_view text, const std::string& source, const JsonForm& form = {});

/// The same of what this program wrote itself and can make anew; null for anything else.
Json read_json_or_null(std::string_view text);

/// The text of JSON for a YAML reader, which keeps places: no tabs, and Python's three words as YAML spells them.
std::string json_as_yaml(std::string_view text);

/// How a value looks inside an error message: compact, short, on one line; `NaN`, `Infinity`.
std::string json_brief(const Json& value);

}  // namespace subband
