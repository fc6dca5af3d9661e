#include "core/config/yaml/checks.h"

#include <algorithm>

#include "core/config/yaml/words.h"
#include "core/error.h"
#include "core/languages/letters.h"
#include "core/text.h"
#include "core/what_is.h"

namespace subband::config {

void refuse_unknown_tag(const Place& place, const std::string& tag) {
  refuse_yaml(place, tag + ": an unknown tag; known: !!str, !!int, !!float, !!bool, !!null");
}

void refuse_yaml(const Place& place, std::string message, const char* kind) {
  throw ConfigError(place.text(), std::move(message), kind);
}

static Place place_at(std::string_view text, size_t offset, const std::string& source) {
  const std::string_view before = text.substr(0, offset);
  return {std::make_shared<const std::string>(source),
          static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1,
          static_cast<int>(offset - (before.rfind('\n') + 1)) + 1};  // rfind + 1: 0 where there is none
}

static void refuse_other_bytes(std::string_view text, const std::string& source) {
  for (size_t at = 0; at < text.size();) {
    const size_t bytes = utf8_length(text.substr(at));
    if (bytes == 0) refuse_yaml(place_at(text, at, source), "a byte that is not UTF-8");
    at += bytes;
  }
}

// Tabs and line breaks are all that may stand beside printable text.
static void refuse_control_characters(std::string_view text, const std::string& source) {
  for (size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const bool is_layout = byte == '\t' || byte == '\n' || byte == '\r';
    if ((byte < 0x20 && !is_layout) || byte == 0x7F)
      refuse_yaml(place_at(text, at, source),
                  "byte " + std::to_string(byte) + ": a control character cannot stand in a spec");
  }
}

// What yaml-cpp passes over and PyYAML's scanner refuses.
static void refuse_lost_words(std::string_view text, const std::string& source) {
  if (const auto wrong = wrong_word(text)) refuse_yaml(place_at(text, wrong->offset, source), wrong->rule);
}

// yaml-cpp passes over every line that begins with '%'. Directives stand above a line ---, and there are two.
static void refuse_lost_lines(std::string_view text, const std::string& source) {
  bool first = true;
  for (size_t i = 0; i < text.size();) {
    const size_t end = std::min(text.find('\n', i), text.size());
    const std::string_view line = text.substr(i, end - i);
    const bool directive = first && (line.starts_with("%YAML ") || line.starts_with("%TAG ")) &&
                           text.find("\n---", i) != std::string_view::npos;
    if (line.starts_with('%') && !directive)
      refuse_yaml(place_at(text, i, source), "'%' cannot start a line: quote it");
    first = first && (directive || trim(line).empty() || line.starts_with('#'));
    i = end + 1;
  }
}

void check_yaml_text(std::string_view text, const std::string& source) {
  const FileLook look = what_is(text.substr(0, kLookBytes));
  if (look.is_known() && look.kind != FileLook::Kind::empty)
    refuse_yaml(place_at(text, 0, source), look.is("YAML"));
  refuse_other_bytes(text, source);
  refuse_control_characters(text, source);
  refuse_lost_lines(text, source);
  refuse_lost_words(text, source);
}

}  // namespace subband::config
