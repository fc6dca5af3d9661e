#include "core/config/yaml_text.h"

#include <algorithm>

#include "core/text.h"

namespace subband::config {

size_t count_nodes(const Node& node) {
  size_t count = 1;
  if (node.is(Node::Kind::list))
    for (const Node& item : node.items()) count += count_nodes(item);
  if (node.is(Node::Kind::map))
    for (const Entry& entry : node.entries()) count += count_nodes(entry.value);
  return count;
}

Node with_merged(Node map, const std::vector<Node>& brought) {
  Node whole = Node::map();
  whole.place = map.place;
  const auto add = [&](const Entry& entry, bool wins) {
    for (Entry& present : whole.entries())
      if (present.key == entry.key && present.key_kind == entry.key_kind) {
        if (wins) present = entry;
        return;
      }
    whole.entries().push_back(entry);
  };
  for (const Node& each : brought)
    for (const Entry& entry : each.entries()) add(entry, false);
  for (const Entry& entry : map.entries()) add(entry, true);
  return whole;
}

std::string with_whole_escapes(const std::string& text) {
  if (is_utf8(text)) return text;
  std::string out;
  for (size_t i = 0; i < text.size();) {
    size_t length = 1;
    while (length <= 4 && !is_utf8(std::string_view(text).substr(i, length))) ++length;
    if (length <= 4)
      out.append(text, i, length), i += length;
    else
      out += '\xC2', out += text[i++];
  }
  return out;
}

bool quote_is_open(std::string_view text, size_t offset) {
  size_t i = offset;
  while (i < text.size() && std::string_view("&! \t\n").find(text[i]) != std::string_view::npos) {
    if (text[i] == '&' || text[i] == '!')
      i = std::min(text.find_first_of(" \t\n", i), text.size());
    else
      ++i;
  }
  if (i >= text.size() || (text[i] != '\'' && text[i] != '"')) return false;  // a block scalar
  const char quote = text[i++];
  const auto doubled = [&] { return quote == '\'' && text.substr(i).starts_with("''"); };
  while (i < text.size() && (text[i] != quote || doubled()))
    i += doubled() || (quote == '"' && text[i] == '\\') ? 2 : 1;
  return i >= text.size();
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

std::optional<size_t> tab_between_words(std::string_view text) {
  return text.find('\t') == std::string_view::npos ? std::nullopt : TabFinder(text).find();
}

// Where the text stops being UTF-8.
Place first_bad_byte(std::string_view text, const std::string& source) {
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

}  // namespace subband::config
