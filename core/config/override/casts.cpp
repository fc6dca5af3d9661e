// Casts: what `int(...)`, `float(...)`, `str(...)` and `bool(...)` make of every kind of value.
#include <cmath>
#include <limits>

#include "core/config/override/function_call.h"
#include "core/text.h"

namespace subband::config {

namespace {

using Kind = Node::Kind;

bool is_number_node(const Node& node) { return node.is(Kind::integer) || node.is(Kind::number); }

std::string without_underscores(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto digit = [&](size_t k) { return k < text.size() && text[k] >= '0' && text[k] <= '9'; };
    if (text[i] == '_' && i > 0 && digit(i - 1) && digit(i + 1)) continue;
    out += text[i];
  }
  return out;
}

double text_to_number(const Call& call, const std::string& text) {
  std::string plain = without_underscores(trim(text));
  for (char& c : plain)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  const std::string_view word =
      std::string_view(plain).substr(plain.starts_with('-') || plain.starts_with('+') ? 1 : 0);
  const double sign = plain.starts_with('-') ? -1.0 : 1.0;
  if (word == "inf" || word == "infinity" || word == ".inf")
    return sign * std::numeric_limits<double>::infinity();
  if (word == "nan" || word == ".nan") return std::numeric_limits<double>::quiet_NaN();
  if (!word.empty() && word.front() != '-' && word.front() != '+')
    if (const auto value = parse_number(plain)) return *value;
  call.fail("'" + text + "' is no number");
}

Node to_integer(const Call& call, const Node& node) {
  if (node.is(Kind::boolean)) return Node(int64_t{node.boolean()});
  if (node.is(Kind::integer)) return node;
  if (node.is(Kind::number)) {
    if (!std::isfinite(node.number()) || std::abs(node.number()) >= 9.2e18)
      call.fail(number_text(node.number()) + " is no whole number");
    return Node(static_cast<int64_t>(node.number()));
  }
  if (!node.is(Kind::string)) call.fail("null is no number");
  const std::string plain = without_underscores(trim(node.string()));
  const auto value = parse_integer(plain);
  if (!value || plain.starts_with("+-")) call.fail("'" + node.string() + "' is no whole number");
  return Node(*value);
}

Node to_number(const Call& call, const Node& node) {
  if (node.is(Kind::boolean)) return Node(node.boolean() ? 1.0 : 0.0);
  if (is_number_node(node)) return Node(node.number());
  if (!node.is(Kind::string)) call.fail("null is no number");
  return Node(text_to_number(call, node.string()));
}

Node to_text(const Call& call, const Node& node) {
  if (node.is(Kind::null)) call.fail("null has no text; write 'null' in quotes");
  return Node(text_of(node));
}

Node to_boolean(const Call& call, const Node& node) {
  if (node.is(Kind::null)) return Node(false);
  if (node.is(Kind::boolean)) return node;
  if (is_number_node(node)) return Node(node.number() != 0);
  std::string lower = node.string();
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  if (lower != "true" && lower != "false") call.fail("'" + node.string() + "' is neither true nor false");
  return Node(lower == "true");
}

using Cast = Node (*)(const Call&, const Node&);

Node cast_node(const Call& call, Cast cast, const Node& node) {
  Node out;
  if (node.is(Kind::list)) {
    out = Node::list();
    for (const Node& item : node.items()) out.items().push_back(cast_node(call, cast, item));
  } else if (node.is(Kind::map)) {
    out = node;
    for (Entry& entry : out.entries()) entry.value = cast_node(call, cast, entry.value);
  } else {
    out = cast(call, node);
  }
  return call.placed(std::move(out));
}

}  // namespace

Node cast_to_number(const Call& call, const Node& node) { return cast_node(call, to_number, node); }

Value cast_value(Call& call, const std::string& type) {
  const Cast cast = type == "int"     ? to_integer
                    : type == "float" ? to_number
                    : type == "str"   ? to_text
                                      : to_boolean;
  std::vector<Value> values = call.rest();
  if (values.empty()) values.push_back(call.need("value"));
  call.done();
  if (values.size() > 1) {
    Sweep choice{.kind = Sweep::Kind::choice, .simple = true};
    for (Value& each : values) {
      if (!each.plain()) call.fail("a sweep among several arguments");
      choice.choices.push_back(std::move(each.node));
    }
    values.resize(1);
    values.front() = Value{};
    values.front().sweep = std::move(choice);
  }
  Value value = std::move(values.front());
  if (value.edit) call.fail("a change of a list cannot be cast");
  if (!value.sweep) {
    value.quoted = value.quoted && cast == to_text;
    value.quoted_items = false;
    value.node = cast_node(call, cast, value.node);
    return value;
  }
  Sweep& sweep = *value.sweep;
  if (sweep.kind == Sweep::Kind::choice) {
    for (Node& each : sweep.choices) each = cast_node(call, cast, each);
    return value;
  }
  const bool numeric = cast == to_integer || cast == to_number;
  if (!numeric || sweep.kind == Sweep::Kind::glob) call.fail("cannot cast such a sweep");
  for (Node* part : {&sweep.start, &sweep.stop, &sweep.step})
    if (!part->is(Kind::null)) *part = cast_node(call, cast, *part);
  return value;
}

}  // namespace subband::config
