#include "core/config/scalar.h"

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <limits>

#include "core/error.h"
#include "core/text.h"

namespace subband::config {

namespace {

bool is_decimal_digit(char c) { return c >= '0' && c <= '9'; }

size_t count_digits(std::string_view text, size_t begin) {
  size_t end = begin;
  while (end < text.size() && is_decimal_digit(text[end])) ++end;
  return end - begin;
}

// [0-9]+(_[0-9]+)*
bool is_digits_with_underscores(std::string_view text) {
  for (size_t i = 0;;) {
    const size_t digits = count_digits(text, i);
    i += digits;
    if (digits == 0) return false;
    if (i == text.size()) return true;
    if (text[i++] != '_') return false;
  }
}

// (\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?
bool is_decimal_number(std::string_view text) {
  size_t i = count_digits(text, 0);
  const bool whole = i > 0;
  if (i < text.size() && text[i] == '.') {
    const size_t fraction = count_digits(text, i + 1);
    if (!whole && fraction == 0) return false;
    i += 1 + fraction;
  } else if (!whole) {
    return false;
  }
  if (i == text.size()) return true;
  if (text[i] != 'e' && text[i] != 'E') return false;
  ++i;
  if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
  return i < text.size() && i + count_digits(text, i) == text.size();
}

Node read_whole_number(std::string_view digits, int base, bool negative, std::string_view text,
                       const Place& place) {
  std::string plain;
  for (const char c : digits)
    if (c != '_') plain += c;
  if (negative) plain.insert(0, "-");
  int64_t value = 0;
  const auto [end, status] = std::from_chars(plain.data(), plain.data() + plain.size(), value, base);
  if (status != std::errc() || end != plain.data() + plain.size())
    throw ConfigError(place.text(),
                      std::string(text) +
                          ": needs more than 64 bits; quote it to mean text, or write a number with a point",
                      "bad_value");
  return Node(value);
}

bool all_of_base(std::string_view digits, int base) {
  for (const char c : digits) {
    const bool letter = (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (!(base == 16 ? is_decimal_digit(c) || letter : c >= '0' && c < '8')) return false;
  }
  return !digits.empty();
}

bool is_any_of(std::string_view text, std::initializer_list<std::string_view> words) {
  for (const std::string_view word : words)
    if (text == word) return true;
  return false;
}

Node scalar_of(std::string_view text, const Place& place) {
  if (text.empty()) return Node(std::string());
  const char first = text.front();
  const bool numeric = is_decimal_digit(first) || first == '-' || first == '+' || first == '.';
  if (!numeric) {
    if (is_any_of(text, {"true", "True", "TRUE"})) return Node(true);
    if (is_any_of(text, {"false", "False", "FALSE"})) return Node(false);
    if (is_any_of(text, {"null", "Null", "NULL"})) return Node();
    return Node(std::string(text));
  }
  const bool negative = first == '-';
  const std::string_view rest = negative || first == '+' ? text.substr(1) : text;
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (is_any_of(rest, {".inf", ".Inf", ".INF"})) return Node(negative ? -kInfinity : kInfinity);
  if (is_any_of(text, {".nan", ".NaN", ".NAN"})) return Node(std::numeric_limits<double>::quiet_NaN());
  if (text.starts_with("0x") && all_of_base(text.substr(2), 16))
    return read_whole_number(text.substr(2), 16, false, text, place);
  if (text.starts_with("0o") && all_of_base(text.substr(2), 8))
    return read_whole_number(text.substr(2), 8, false, text, place);
  if (is_digits_with_underscores(rest)) return read_whole_number(rest, 10, negative, text, place);
  if (is_decimal_number(rest)) return Node(std::strtod(std::string(text).c_str(), nullptr));
  return Node(std::string(text));
}

}  // namespace

Node plain_scalar(std::string_view text, const Place& place) {
  Node node = scalar_of(text, place);
  node.place = place;
  node.place.typed = nullptr;
  if (node.is(Node::Kind::string)) return node;
  const bool is_usual = text == (node.is(Node::Kind::number) ? number_text(node.number()) : to_json(node));
  if (!is_usual) node.place.typed = std::make_shared<const std::string>(text);
  return node;
}

const char* other_reading(std::string_view text) {
  if (text.size() < 2 || text.size() > 20) return nullptr;
  if (is_any_of(text, {"yes", "Yes", "YES", "no", "No", "NO", "on", "On", "ON", "off", "Off", "OFF"}))
    return "a boolean";
  const std::string_view rest = text.front() == '-' || text.front() == '+' ? text.substr(1) : text;
  if (rest.size() > 1 && rest.front() == '0' && rest.find_first_not_of("01234567_") == std::string_view::npos)
    return "an octal number";
  const bool sixty = rest.find(':') != std::string_view::npos && is_decimal_digit(rest.front()) &&
                     rest.find_first_not_of("0123456789:_.") == std::string_view::npos;
  return sixty && is_decimal_digit(rest.back()) ? "a number in base 60" : nullptr;
}

}  // namespace subband::config
