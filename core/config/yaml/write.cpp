// YAML out: block style, every scalar written so that readers of YAML 1.1 and 1.2 agree on it.
#include <algorithm>
#include <array>

#include "core/config/node.h"
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

// The code point at `i`, whose bytes are well-formed, and its length; bytes that are not UTF-8 count as Latin-1.
uint32_t code_point(const std::string& text, size_t i, size_t& length) {
  const auto byte = [&](size_t at) { return static_cast<uint32_t>(static_cast<unsigned char>(text[at])); };
  for (length = 2; length <= 4; ++length) {
    if (i + length > text.size() || !is_utf8(std::string_view(text).substr(i, length))) continue;
    uint32_t point = byte(i) & (0xFFU >> (length + 1));
    for (size_t k = 1; k < length; ++k) point = point << 6 | (byte(i + k) & 0x3FU);
    return point;
  }
  length = 1;
  return byte(i);
}

std::string hexadecimal(uint32_t value, int digits) {
  std::string out;
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) out += "0123456789ABCDEF"[value >> shift & 0xFU];
  return out;
}

std::string double_quoted(const std::string& text) {
  std::string out = "\"";
  for (size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (c == '"' || c == '\\')
      out += '\\', out += c, ++i;
    else if (c == '\n')
      out += "\\n", ++i;
    else if (c == '\t')
      out += "\\t", ++i;
    else if (c == '\r')
      out += "\\r", ++i;
    else if (c >= ' ' && c <= '~')
      out += c, ++i;
    else if (static_cast<unsigned char>(c) < 0x80)
      out += "\\x" + hexadecimal(static_cast<unsigned char>(c), 2), ++i;
    else {
      size_t length = 1;
      const uint32_t point = code_point(text, i, length);
      const bool visible = length > 1 && point >= 0xA0 && point != 0xAD && point != 0x2028 &&
                           point != 0x2029 && point != 0xFEFF && point < 0xFFF0;
      if (visible)
        out.append(text, i, length);
      else if (point < 0x100)
        out += "\\x" + hexadecimal(point, 2);
      else if (point < 0x10000)
        out += "\\u" + hexadecimal(point, 4);
      else
        out += "\\U" + hexadecimal(point, 8);
      i += length;
    }
  }
  return out + "\"";
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

void write_block(std::string& out, const Node& node, size_t indent) {
  constexpr size_t kLongestSimpleKey = 1000;  // readers give up at 1,024 characters
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
    const std::string key = key_text(entry);
    const bool simple = key.size() <= kLongestSimpleKey;
    out.append(indent, ' ').append(simple ? key + ":" : "? " + key);
    if (!simple) out.append("\n").append(indent, ' ').append(":");
    if (entry.value.size() == 0) {
      out.append(" ").append(scalar_text(entry.value)).append("\n");
    } else {
      out.append("\n");
      write_block(out, entry.value, indent + 2);
    }
  }
}

}  // namespace

std::string to_yaml(const Node& node) {
  std::string out;
  write_block(out, node, 0);
  return out;
}

}  // namespace subband::config
