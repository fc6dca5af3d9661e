// What a sweep of one override expands to, and how each value is written as override text again.
#include <fnmatch.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "core/config/limits.h"
#include "core/config/override.h"
#include "core/config/override/value_parser.h"
#include "core/config/scalar.h"
#include "core/error.h"
#include "core/hash.h"
#include "core/text.h"

namespace subband::config {

namespace {

using Kind = Node::Kind;

[[noreturn]] void refuse_sweep(const Place& place, const std::string& message) {
  throw ConfigError(place.text(), message, "bad_value");
}

// Digits after the point of a number's shortest text; -1 where it has an exponent.
int decimals_of(const Node& node) {
  if (node.is(Kind::integer)) return 0;
  const std::string text = number_text(node.number());
  if (text.find('e') != std::string::npos || text.find("in") != std::string::npos ||
      text.find("na") != std::string::npos)
    return -1;
  const size_t point = text.find('.');
  return text == "0.0" || text.ends_with(".0") ? 0 : static_cast<int>(text.size() - point - 1);
}

// start + i * step in decimal arithmetic, so that 0.1, 0.2, 0.3 come out as written.
std::vector<Node> expand_range(const Sweep& sweep, const Place& place) {
  const bool whole =
      sweep.start.is(Kind::integer) && sweep.stop.is(Kind::integer) && sweep.step.is(Kind::integer);
  const double start = sweep.start.number(), stop = sweep.stop.number(), step = sweep.step.number();
  if (step == 0) refuse_sweep(place, "range: a step of 0 never ends");
  const double span = (stop - start) / step;
  if (!std::isfinite(span)) refuse_sweep(place, "range: expected finite numbers");
  if (span > static_cast<double>(kMostValues)) refuse_sweep(place, "range: more than 100,000 values");
  const int decimals = std::max({decimals_of(sweep.start), decimals_of(sweep.stop), decimals_of(sweep.step)});
  const bool exact =
      std::min({decimals_of(sweep.start), decimals_of(sweep.stop), decimals_of(sweep.step)}) >= 0 &&
      decimals <= 12 && std::max({std::abs(start), std::abs(stop), std::abs(step)}) < 1e4;
  std::vector<Node> values;
  const double scale = std::pow(10.0, decimals);
  for (int64_t i = 0;; ++i) {
    Node node;
    if (whole) {
      const int64_t value = sweep.start.integer() + i * sweep.step.integer();
      if (step > 0 ? value >= sweep.stop.integer() : value <= sweep.stop.integer()) break;
      node = Node(value);
    } else if (exact) {
      const double value = std::round(start * scale) + static_cast<double>(i) * std::round(step * scale);
      if (step > 0 ? value >= std::round(stop * scale) : value <= std::round(stop * scale)) break;
      node = Node(value / scale);
    } else {
      const double value = start + static_cast<double>(i) * step;
      if (step > 0 ? value >= stop : value <= stop) break;
      node = Node(value);
    }
    node.place = place;
    values.push_back(std::move(node));
  }
  return values;
}

std::vector<Node> expand_glob(const Sweep& sweep, const Place& place, std::span<const std::string> options) {
  const auto matches = [](const std::vector<std::string>& patterns, const std::string& option) {
    return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
      return fnmatch(pattern.c_str(), option.c_str(), 0) == 0;
    });
  };
  std::vector<Node> values;
  for (const std::string& option : options) {
    if (!matches(sweep.include, option) || matches(sweep.exclude, option)) continue;
    values.emplace_back(option);
    values.back().place = place;
  }
  std::sort(values.begin(), values.end(),
            [](const Node& a, const Node& b) { return a.string() < b.string(); });
  return values;
}

void shuffle_by_content(std::vector<Node>& values) {
  const std::string digest = sha256_hex(to_json(Node::list(values)));
  std::mt19937_64 random(std::stoull(digest.substr(0, 15), nullptr, 16));
  for (size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[random() % i]);
}

std::string quoted_text(const std::string& text) {
  std::string out = "'";
  size_t backslashes = 0;
  for (const char c : text) {
    if (c == '\'') out.append(backslashes, '\\').append("\\");
    backslashes = c == '\\' ? backslashes + 1 : 0;
    out += c;
  }
  return out.append(backslashes, '\\') + "'";
}

std::string text_element(const std::string& text) {
  constexpr std::string_view kSafe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_/.-";
  const bool plain =
      !text.empty() && text.find_first_not_of(kSafe) == std::string::npos &&
      plain_scalar(
          text.size() > 18 && text.find_first_not_of("0123456789+-_") == std::string::npos ? "1" : text, {})
          .is(Kind::string);
  return plain ? text : quoted_text(text);
}

std::string key_element(const Entry& entry) {
  if (entry.key_kind != Kind::string) return entry.key;
  std::string out;
  bool escaped = false;
  for (const char c : entry.key) {
    if (std::string_view("\\()[]{}:=, \t").find(c) != std::string_view::npos) out += '\\', escaped = true;
    out += c;
  }
  const bool typed = !escaped && !plain_scalar(entry.key, {}).is(Kind::string);
  if (typed || entry.key.empty() || entry.key.find_first_of("'\"#!<>;&~^`\n") != std::string::npos ||
      !is_utf8(entry.key))
    throw ConfigError(entry.key_place.text(), "key '" + entry.key + "' cannot be written in an override",
                      "bad_value");
  return out;
}

}  // namespace

std::string override_text(const Node& value, bool typed) {
  if (typed && value.place.typed) return *value.place.typed;
  if (value.is(Kind::string)) return text_element(value.string());
  std::vector<std::string> parts;
  if (value.is(Kind::list)) {
    for (const Node& item : value.items()) parts.push_back(override_text(item, typed));
    return "[" + join(parts, ",") + "]";
  }
  if (value.is(Kind::map)) {
    for (const Entry& entry : value.entries())
      parts.push_back(key_element(entry) + ":" + override_text(entry.value, typed));
    return "{" + join(parts, ",") + "}";
  }
  return text_of(value);
}

// Numbers that are whole as integers, inside lists and maps too.
static Node with_whole_numbers(Node value) {
  constexpr double kExact = 1e15;
  if (value.is(Kind::list))
    for (Node& item : value.items()) item = with_whole_numbers(std::move(item));
  if (value.is(Kind::map))
    for (Entry& entry : value.entries()) entry.value = with_whole_numbers(std::move(entry.value));
  const bool is_whole = value.is(Kind::number) && std::abs(value.number()) < kExact &&
                        value.number() == std::floor(value.number());
  return is_whole ? Node(static_cast<int64_t>(value.number())) : value;
}

static const char* sign_of(Override::Action action) {
  switch (action) {
    case Override::Action::add:
      return "+";
    case Override::Action::force:
      return "++";
    case Override::Action::remove:
      return "~";
    case Override::Action::change:
      break;
  }
  return "";
}

std::string usual_word(std::string_view text) {
  const Override word = parse_override(text);
  if (word.sweep || word.edit) return std::string(text);
  return sign_of(word.action) + word.key() +
         (word.has_value ? "=" + override_text(with_whole_numbers(word.value)) : "");
}

std::vector<Node> expand(const Sweep& sweep, const Place& place, std::span<const std::string> options) {
  if (sweep.kind == Sweep::Kind::interval)
    refuse_sweep(place, "an interval has no list of values; only a sampler draws from it");
  if (sweep.nested) refuse_sweep(place, "a sweep inside a choice: write its values out");
  std::vector<Node> values = sweep.kind == Sweep::Kind::choice  ? sweep.choices
                             : sweep.kind == Sweep::Kind::range ? expand_range(sweep, place)
                                                                : expand_glob(sweep, place, options);
  if (values.empty()) refuse_sweep(place, "a sweep without a single value");
  if (sweep.shuffled) shuffle_by_content(values);
  return values;
}

std::vector<std::string> expand(const Override& word, std::span<const std::string> options) {
  if (!word.sweep) return {word.text};
  if (word.action == Override::Action::remove) refuse_sweep(word.place, "a removal cannot be swept");
  std::vector<std::string> texts;
  for (const Node& value : expand(*word.sweep, word.place, options))
    texts.push_back(sign_of(word.action) + word.key() + "=" + override_text(value));
  return texts;
}

}  // namespace subband::config
