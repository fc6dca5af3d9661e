#include "core/config/yaml_checks.h"

#include <algorithm>
#include <optional>

#include "core/error.h"
#include "core/text.h"

namespace subband::config {

void refuse_yaml(const Place& place, std::string message, const char* kind) {
  throw ConfigError(place.text(), std::move(message), kind);
}

namespace {

// Walks over the words of a YAML text, and stops at a tab between two of them.
class TabFinder {
 public:
  explicit TabFinder(std::string_view text) : text_(text) {}

  std::optional<size_t> find() {
    while (at_ < text_.size() && here() != '\t') step();
    return at_ < text_.size() ? std::optional(at_) : std::nullopt;
  }

 private:
  char here() const { return text_[at_]; }
  bool is_blank_at(size_t i) const {
    return i >= text_.size() || std::string_view(" \t\n\r").find(text_[i]) != std::string_view::npos;
  }
  size_t line_start() const { return at_ == 0 ? 0 : text_.rfind('\n', at_ - 1) + 1; }
  size_t line_end() const { return std::min(text_.find('\n', at_), text_.size()); }

  void step() {
    if (here() == '\n') {
      parent_.reset();
      ++at_;
    } else if (here() == ' ' || here() == '\r' || here() == ',') {
      ++at_;
    } else if (here() == '#' && (at_ == 0 || is_blank_at(at_ - 1))) {
      at_ = line_end();
    } else if (here() == '\'' || here() == '"') {
      quoted();
    } else if ((here() == '|' || here() == '>') && depth_ == 0) {
      block_scalar();
    } else if (std::string_view("[{").find(here()) != std::string_view::npos) {
      ++depth_, ++at_;
    } else if (std::string_view("]}").find(here()) != std::string_view::npos) {
      depth_ -= depth_ > 0;
      ++at_;
    } else if (std::string_view("&!*").find(here()) != std::string_view::npos) {
      while (!is_blank_at(at_)) ++at_;
    } else {
      word();
    }
  }

  void quoted() {
    const char quote = text_[at_++];
    while (at_ < text_.size() && here() != quote) at_ += here() == '\\' && quote == '"' ? 2 : 1;
    at_ = std::min(at_ + 1, text_.size());  // a doubled quote is two quoted words side by side
  }

  // `- `, `? ` or a plain word with what may end it.
  void word() {
    const size_t column = at_ - line_start();
    if (std::string_view("-?").find(here()) != std::string_view::npos && is_blank_at(at_ + 1)) {
      parent_ = column;
      ++at_;
      return;
    }
    const auto ends = [&] {
      const bool in_flow = depth_ > 0 && std::string_view(",[]{}").find(here()) != std::string_view::npos;
      return here() == '\t' || here() == '\n' || in_flow || (here() == '#' && is_blank_at(at_ - 1)) ||
             (here() == ':' && is_blank_at(at_ + 1));
    };
    const size_t begin = at_;
    while (at_ < text_.size() && (at_ == begin || !ends())) ++at_;
    if (at_ < text_.size() && here() == ':') parent_ = column, ++at_;
  }

  // The header's line, then every line that is empty or stands further right than the key or dash before the header.
  void block_scalar() {
    const size_t least = parent_ ? *parent_ + 1 : 1;
    const size_t end = line_end();
    const size_t comment = std::min(text_.find('#', at_), end), tab = text_.find('\t', at_);
    if (tab < comment) {
      at_ = tab;
      return;
    }
    for (at_ = end; at_ < text_.size(); at_ = line_end()) {
      const size_t first = std::min(text_.find_first_not_of(' ', at_ + 1), text_.size());
      const bool is_empty = first == text_.size() || text_[first] == '\n' || text_[first] == '\r';
      if (!is_empty && first - at_ - 1 < least) return;
      ++at_;
    }
  }

  std::string_view text_;
  size_t at_ = 0, depth_ = 0;     // of brackets and braces
  std::optional<size_t> parent_;  // column of the last key or dash of this line
};

}  // namespace

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

// PyYAML refuses tabs between words too (scanner.py, `fetch_more_tokens`); yaml-cpp passes over most of them.
static void refuse_tabs(std::string_view text, const std::string& source) {
  if (text.find('\t') == std::string_view::npos) return;
  const auto tab = TabFinder(text).find();
  if (!tab) return;
  const std::string_view before = text.substr(0, *tab);
  const size_t line = before.rfind('\n') + 1;  // 0 where there is none
  const bool indents = before.find_first_not_of(' ', line) == std::string_view::npos;
  refuse_yaml(
      {std::make_shared<const std::string>(source),
       static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1,
       static_cast<int>(*tab - line) + 1},
      indents ? "a tab cannot indent: use spaces"
              : "a tab cannot stand between words or end a line: use spaces, or quote text that holds one");
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

void check_yaml_text(std::string_view text, const std::string& source) {
  if (!is_utf8(text)) refuse_yaml(first_bad_byte(text, source), "a byte that is not UTF-8");
  refuse_control_characters(text, source);
  refuse_lost_lines(text, source);
  refuse_tabs(text, source);
}

}  // namespace subband::config
