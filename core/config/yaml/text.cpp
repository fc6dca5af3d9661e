#include "core/config/yaml/text.h"

#include <algorithm>
#include <optional>

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

std::string with_line_feeds(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i)
    if (text[i] != '\r')
      out += text[i];
    else if (!text.substr(i + 1).starts_with('\n'))
      out += '\n';
  return out;
}

size_t behind_properties(std::string_view text, size_t offset) {
  size_t i = offset;
  while (i < text.size() && std::string_view("&! \n").find(text[i]) != std::string_view::npos) {
    if (text[i] == '&' || text[i] == '!')
      i = std::min(text.find_first_of(" \t\n", i), text.size());
    else
      ++i;
  }
  return i;
}

// Where the quoted scalar ends whose opening quote stands at `i`: at its closing quote, or at the end of the text.
static size_t closing_quote(std::string_view text, size_t i) {
  const char quote = text[i++];
  const auto doubled = [&] { return quote == '\'' && text.substr(i).starts_with("''"); };
  while (i < text.size() && (text[i] != quote || doubled()))
    i += doubled() || (quote == '"' && text[i] == '\\') ? 2 : 1;
  return std::min(i, text.size());
}

std::string with_last_breaks(std::string read, std::string_view text, size_t offset) {
  const size_t end = closing_quote(text, offset);
  size_t begin = end;
  while (begin > offset + 1 && std::string_view(" \t\r\n").find(text[begin - 1]) != std::string_view::npos)
    --begin;
  const std::string_view before = text.substr(offset + 1, begin - offset - 1);
  const bool is_escaped = text[offset] == '"' && (before.ends_with('\\') || before.ends_with("\\n"));
  const std::string_view blanks = text.substr(begin, end - begin);
  const auto breaks = static_cast<size_t>(std::ranges::count(blanks, '\n'));
  const size_t present = read.size() - std::min(read.find_last_not_of('\n') + 1, read.size());
  if (breaks > present + 1 && !is_escaped) read.append(breaks - 1 - present, '\n');
  return read;
}

namespace {

// The lines of a block scalar below its header, without their indentation.
class BlockLines {
 public:
  BlockLines(std::string_view text, size_t begin) : text_(text), at_(begin) {
    for (size_t i = begin; i < text.size(); i = std::min(text.find('\n', i), text.size() - 1) + 1) {
      const size_t first = std::min(text.find_first_not_of(' ', i), text.size());
      const bool is_empty = first == text.size() || text[first] == '\n';
      indent_ = std::max(indent_, first - i);
      if (!is_empty) {
        indent_ = first - i;
        break;
      }
    }
    indent_ = std::max<size_t>(indent_, 1);
  }

  /// Empty lines from here on.
  size_t skip_empty() {
    size_t count = 0;
    for (;; ++count) {
      const size_t end = std::min(text_.find_first_not_of(' ', at_), text_.size());
      if (end >= text_.size() || text_[end] != '\n' || end - at_ > indent_) return count;
      at_ = end + 1;
    }
  }
  /// The next line; nothing at the end of the scalar.
  std::optional<std::string_view> take() {
    const size_t first = text_.find_first_not_of(' ', at_);
    const size_t column = std::min(first, text_.size()) - at_;
    if (column < indent_ || at_ + indent_ >= text_.size()) return std::nullopt;
    const size_t begin = at_ + indent_, end = std::min(text_.find('\n', begin), text_.size());
    has_break_ = end < text_.size();
    at_ = std::min(end + 1, text_.size());
    return text_.substr(begin, end - begin);
  }
  bool has_break() const { return has_break_; }  ///< behind the line taken last

 private:
  std::string_view text_;
  size_t at_, indent_ = 0;
  bool has_break_ = false;
};

std::string folded_scalar(std::string_view text, size_t offset) {
  const size_t header_end = std::min(text.find('\n', offset), text.size());
  std::string_view header = text.substr(offset, header_end - offset);
  header = header.substr(0, header.find_first_of(" #"));
  BlockLines lines(text, std::min(header_end + 1, text.size()));
  size_t breaks = lines.skip_empty();
  std::string out;
  bool has_break = false, was_spaced = false, is_first = true;
  while (const auto line = lines.take()) {
    const bool is_spaced = line->starts_with(' ') || line->starts_with('\t');
    if (!is_first) {
      const bool folds = !is_spaced && !was_spaced;
      if (!folds)
        out += '\n';
      else if (breaks == 0)
        out += ' ';
    }
    out.append(breaks, '\n').append(*line);
    has_break = lines.has_break(), was_spaced = is_spaced, is_first = false;
    breaks = lines.skip_empty();
  }
  if (has_break && !header.ends_with('-')) out += '\n';
  if (header.find('+') != std::string_view::npos) out.append(breaks, '\n');
  return out;
}

}  // namespace

std::string with_folds(std::string read, std::string_view text, size_t offset) {
  const auto stem = [](std::string_view whole) { return whole.substr(0, whole.find_last_not_of(" \n") + 1); };
  std::string folded = folded_scalar(text, offset);
  return stem(read) == stem(folded) ? folded : read;
}

bool quote_is_open(std::string_view text, size_t offset) {
  const size_t i = behind_properties(text, offset);
  if (i >= text.size() || (text[i] != '\'' && text[i] != '"')) return false;  // a block scalar
  return closing_quote(text, i) >= text.size();
}

}  // namespace subband::config
