#include "sweeps/overrides.h"

#include <algorithm>
#include <cctype>

#include "core/text.h"

namespace subband {

using config::Node;

static std::string_view without_sign(std::string_view text) {
  for (const std::string_view sign : {"++", "+", "~"})
    if (text.starts_with(sign)) return text.substr(sign.size());
  return text;
}

bool is_override(std::string_view text) {
  const std::string_view rest = without_sign(text);
  const std::string_view key = rest.substr(0, rest.find('='));
  const auto is_key_letter = [](unsigned char c) {
    return std::isalnum(c) != 0 || c >= 0x80 ||
           std::string_view("._-/@:").find(static_cast<char>(c)) != std::string_view::npos;
  };
  if (key.empty() || !std::ranges::all_of(key, is_key_letter)) return false;
  return text.starts_with('~') || rest.size() > key.size();
}

std::string override_key(std::string_view text) {
  const std::string_view rest = without_sign(text);
  return std::string(rest.substr(0, rest.find('=')));
}

// Words that the grammar takes for something else than text must be quoted.
static bool is_plain_word(const std::string& text) {
  static constexpr std::string_view kOther[] = {"true", "false", "null", "inf", "nan",
                                                "yes",  "no",    "on",   "off"};
  std::string lower = text;
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (std::ranges::find(kOther, lower) != std::end(kOther)) return false;
  if (text.empty() || (std::isalpha(static_cast<unsigned char>(text[0])) == 0 && text[0] != '_'))
    return false;
  return std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("_-/.").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

static std::string quoted(const std::string& text) {
  std::string out = "'";
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\'') out += '\\';
    // A backslash stands for itself, except before a quote and at the end.
    const bool before_quote = text[i] == '\\' && text.find_first_not_of('\\', i) != std::string::npos
                                  ? text[text.find_first_not_of('\\', i)] == '\''
                                  : text[i] == '\\';
    if (before_quote) out += '\\';
    out += text[i];
  }
  return out + "'";
}

std::string override_value(const Node& value) {
  switch (value.kind()) {
    case Node::Kind::null:
      return "null";
    case Node::Kind::boolean:
      return value.boolean() ? "true" : "false";
    case Node::Kind::integer:
      return std::to_string(value.integer());
    case Node::Kind::number: {
      std::string text = number_text(value.number());  // `.inf` and `.nan` stand without their point here
      if (const size_t point = text.find(".inf"); point != std::string::npos) text.erase(point, 1);
      return text == ".nan" ? "nan" : text;
    }
    case Node::Kind::string:
      return is_plain_word(value.string()) ? value.string() : quoted(value.string());
    case Node::Kind::list: {
      std::vector<std::string> items;
      for (const Node& item : value.items()) items.push_back(override_value(item));
      return "[" + join(items, ",") + "]";
    }
    case Node::Kind::map: {
      std::vector<std::string> items;
      for (const config::Entry& entry : value.entries())
        items.push_back(entry.key + ":" + override_value(entry.value));
      return "{" + join(items, ",") + "}";
    }
  }
  return {};
}

}  // namespace subband
