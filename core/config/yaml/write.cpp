// YAML out: block style, every scalar written so that readers of YAML 1.1 and 1.2 agree on it.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "core/config/node.h"
#include "core/languages/letters.h"
#include "core/text.h"

namespace subband::config {

namespace {

bool is_plain_word(const std::string& text) {
  static constexpr std::array kTaken = {"true", "false", "null", "yes", "no",       "on", "off",
                                        "y",    "n",     "none", "inf", "infinity", "nan"};
  if (text.empty() || text.size() > 120 || text.back() == ' ') return false;
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  if (!is_letter(text.front()) && text.front() != '/') return false;
  const auto is_safe = [&](char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '/' || c == '.' || c == '-' || c == '+' || c == ' ';
  };
  if (!std::all_of(text.begin(), text.end(), is_safe)) return false;
  std::string lower = text;
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return std::find(kTaken.begin(), kTaken.end(), lower) == kTaken.end();
}

bool is_printable_ascii(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

std::string single_quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += '\'';
    out += c;
  }
  return out + "'";
}

// The letter at the front, or its escape where it is not one to be seen; bytes that are not UTF-8 count as Latin-1.
std::string escaped_letter(const Letter& letter, std::string_view bytes) {
  if (letter.code == '\n') return "\\n";
  if (letter.code == '\t') return "\\t";
  if (letter.code == '\r') return "\\r";
  const char32_t point = letter.code;
  const bool is_private = (point >= 0xD800 && point < 0xF900) || point >= 0xF0000;
  const bool is_ascii = point >= ' ' && point <= '~';
  const bool is_visible = letter.is_valid && point >= 0xA0 && point != 0xAD && point != 0x2028 && point != 0x2029 &&
                          point != 0xFEFF && (point & 0xFFFEU) != 0xFFFE && !is_private;
  if (is_ascii || is_visible) return std::string(bytes);
  const auto number = static_cast<uint32_t>(point);
  if (number < 0x100) return fmt::format("\\x{:02X}", number);
  return number < 0x10000 ? fmt::format("\\u{:04X}", number) : fmt::format("\\U{:08X}", number);
}

std::string double_quoted(const std::string& text) {
  return "\"" + rewritten(text, [](std::string& out, const Letter& letter, std::string_view bytes) {
           if (letter.code == '"' || letter.code == '\\') out += '\\';
           out += escaped_letter(letter, bytes);
         }) + "\"";
}

std::string text_scalar(const std::string& text) {
  if (is_plain_word(text)) return text;
  return is_printable_ascii(text) ? single_quoted(text) : double_quoted(text);
}

// A number must carry a point: `1e-05` is text to readers of YAML 1.1.
std::string number_scalar(double value) {
  std::string text = number_text(value);
  const size_t exponent = text.find('e');
  if (exponent != std::string::npos && text.find('.') == std::string::npos) text.insert(exponent, ".0");
  return text;
}

std::string scalar_text(const Node& node) {
  switch (node.kind()) {
    case Node::Kind::null:
      return "null";
    case Node::Kind::boolean:
      return node.boolean() ? "true" : "false";
    case Node::Kind::integer:
      return std::to_string(node.integer());
    case Node::Kind::number:
      return number_scalar(node.number());
    case Node::Kind::string:
      return text_scalar(node.string());
    case Node::Kind::list:
      return "[]";
    case Node::Kind::map:
      return "{}";
  }
  return "";
}

std::string key_text(const Entry& entry) {
  if (entry.key_kind == Node::Kind::string) return text_scalar(entry.key);
  const auto number = entry.key_kind == Node::Kind::number ? parse_number(entry.key) : std::nullopt;
  return number ? number_scalar(*number) : entry.key;  // .inf and .nan are written as they are
}

constexpr size_t kLongestSimpleKey = 1000;  // readers give up at 1,024 characters

// `key:`, or over two lines for a long one.
std::string key_head(const Entry& entry, size_t indent) {
  const std::string key = key_text(entry), spaces(indent, ' ');
  return key.size() <= kLongestSimpleKey ? spaces + key + ":" : spaces + "? " + key + "\n" + spaces + ":";
}

void write_block(std::string& out, const Node& node, size_t indent) {
  if (node.size() == 0) {
    out.append(indent, ' ').append(scalar_text(node)).append("\n");
    return;
  }
  if (node.is(Node::Kind::list)) {
    for (const Node& item : node.items()) {
      const size_t begin = out.size();
      write_block(out, item, indent + 2);
      out.replace(begin + indent, 2, "- ");
    }
    return;
  }
  for (const Entry& entry : node.entries()) {
    out += key_head(entry, indent);
    if (entry.value.size() == 0) {
      out.append(" ").append(scalar_text(entry.value)).append("\n");
    } else {
      out.append("\n");
      write_block(out, entry.value, indent + 2);
    }
  }
}

bool fits_one_line(const Node& node) {
  if (node.is(Node::Kind::list)) return std::ranges::all_of(node.items(), fits_one_line);
  return !node.is(Node::Kind::map) || std::ranges::all_of(node.entries(), [](const Entry& entry) {
    return key_text(entry).size() <= kLongestSimpleKey && fits_one_line(entry.value);
  });
}

// A value on one line, in brackets and braces.
std::string flow_text(const Node& node) {
  if (node.size() == 0) return scalar_text(node);
  std::vector<std::string> inner;
  if (node.is(Node::Kind::list)) {
    for (const Node& item : node.items()) inner.push_back(flow_text(item));
    return "[" + join(inner, ", ") + "]";
  }
  for (const Entry& entry : node.entries()) inner.push_back(key_text(entry) + ": " + flow_text(entry.value));
  return "{" + join(inner, ", ") + "}";
}

// Lines of YAML, each with what its comment says.
using Lines = std::vector<std::pair<std::string, std::string>>;

void add_lines(Lines& lines, const Node& map, size_t indent) {
  for (const Entry& entry : map.entries()) {
    const Node& value = entry.value;
    const std::string head = key_head(entry, indent), origin = value.place.text();
    if (value.is(Node::Kind::map) && value.size() > 0) {
      lines.emplace_back(head, "");
      add_lines(lines, value, indent + 2);
    } else if (fits_one_line(value)) {
      lines.emplace_back(head + " " + flow_text(value), origin.empty() ? "default" : origin);
    } else {
      std::string block;
      write_block(block, value, indent + 2);
      block.pop_back();  // its last line break
      lines.emplace_back(head, origin);
      lines.emplace_back(block, "");
    }
  }
}

}  // namespace

std::string to_yaml(const Node& node) {
  std::string out;
  write_block(out, node, 0);
  return out;
}

std::string to_yaml_with_origins(const Node& node) {
  if (!node.is(Node::Kind::map) || node.size() == 0) return to_yaml(node);
  constexpr size_t kWidest = 40;
  Lines lines;
  add_lines(lines, node, 0);
  size_t width = 0;
  for (const auto& [text, origin] : lines) width = std::max(width, std::min(text.size(), kWidest));
  std::string out;
  for (const auto& [text, origin] : lines) {
    out += text;
    if (!origin.empty())
      out += std::string(width > text.size() ? width - text.size() : 0, ' ') + "  " + yaml_comment(origin);
    out += '\n';
  }
  return out;
}

// Backslashes stay as they are: a comment is read by people, who know what a `\n` in it stands for.
std::string yaml_comment(std::string_view text) {
  const bool is_directive = text.starts_with('@');  // `# @package` would move the file's content
  if (is_directive) text.remove_prefix(1);
  return (is_directive ? "# \\x40" : "# ") +
         rewritten(text, [](std::string& out, const Letter& letter, std::string_view bytes) {
           out += escaped_letter(letter, bytes);
         });
}

}  // namespace subband::config
