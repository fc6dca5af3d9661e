#include "core/config/yaml/checks.h"

#include <algorithm>

#include "core/config/yaml/words.h"
#include "core/error.h"
#include "core/text.h"

namespace subband::config {

void refuse_unknown_tag(const Place& place, const std::string& tag) {
  refuse_yaml(place, tag + ": an unknown tag; known: !!str, !!int, !!float, !!bool, !!null");
}

void refuse_yaml(const Place& place, std::string message, const char* kind) {
  throw ConfigError(place.text(), std::move(message), kind);
}

// Where the text stops being UTF-8.
static Place first_bad_byte(std::string_view text, const std::string& source) {
  size_t low = 0, line = 1, line_start = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] != '\n') continue;
    if (!is_utf8(text.substr(line_start, i - line_start))) break;
    line_start = i + 1;
    ++line;
  }
  const std::string_view rest = text.substr(line_start);
  for (low = 0; low < rest.size(); ++low) {
    const auto byte = static_cast<unsigned char>(rest[low]);
    if (byte < 0x80) continue;
    size_t length = 2;
    while (length <= 4 && !is_utf8(rest.substr(low, length))) ++length;
    if (length > 4) break;
    low += length - 1;
  }
  return {std::make_shared<const std::string>(source), static_cast<int>(line), static_cast<int>(low + 1)};
}

// Tabs and line breaks are all that may stand beside printable text.
static void refuse_control_characters(std::string_view text, const std::string& source) {
  int line = 1, column = 1;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool control = (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || byte == 0x7F;
    if (control)
      refuse_yaml({std::make_shared<const std::string>(source), line, column},
                  "byte " + std::to_string(byte) + ": a control character cannot stand in a spec");
    column = c == '\n' ? 1 : column + 1;
    line += c == '\n';
  }
}

// What yaml-cpp passes over and PyYAML's scanner refuses.
static void refuse_lost_words(std::string_view text, const std::string& source) {
  const auto wrong = wrong_word(text);
  if (!wrong) return;
  const std::string_view before = text.substr(0, wrong->offset);
  const size_t line = before.rfind('\n') + 1;  // 0 where there is none
  refuse_yaml({std::make_shared<const std::string>(source),
               static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1,
               static_cast<int>(wrong->offset - line) + 1},
              wrong->rule);
}

// yaml-cpp passes over every line that begins with '%'. Directives stand above a line ---, and there are two.
static void refuse_lost_lines(std::string_view text, const std::string& source) {
  bool first = true;
  int number = 1;
  for (size_t i = 0; i < text.size(); ++number) {
    const size_t end = std::min(text.find('\n', i), text.size());
    const std::string_view line = text.substr(i, end - i);
    const bool directive = first && (line.starts_with("%YAML ") || line.starts_with("%TAG ")) &&
                           text.find("\n---", i) != std::string_view::npos;
    if (line.starts_with('%') && !directive)
      refuse_yaml({std::make_shared<const std::string>(source), number, 1},
                  "'%' cannot start a line: quote it");
    first = first && (directive || trim(line).empty() || line.starts_with('#'));
    i = end + 1;
  }
}

// Two bytes a letter: with a byte order mark, or seen by the zeros of its first two letters.
static bool is_utf16(std::string_view text) {
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) return true;
  const auto zeros_at = [&](size_t first) {
    return text.size() >= 4 && text[first] == 0 && text[first + 2] == 0 && text[1 - first] != 0;
  };
  return zeros_at(0) || zeros_at(1);
}

void check_yaml_text(std::string_view text, const std::string& source) {
  if (is_utf16(text))
    refuse_yaml({std::make_shared<const std::string>(source), 1, 1}, "the text is UTF-16: save it as UTF-8");
  if (!is_utf8(text)) refuse_yaml(first_bad_byte(text, source), "a byte that is not UTF-8");
  refuse_control_characters(text, source);
  refuse_lost_lines(text, source);
  refuse_lost_words(text, source);
}

}  // namespace subband::config
