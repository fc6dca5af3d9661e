// The functions of the override grammar: sweeps, order, and changes of lists.
#include <algorithm>

#include "core/config/override/function_call.h"
#include "core/text.h"

namespace subband::config {

namespace {

using Kind = Node::Kind;

bool is_numeric(const Node& node) { return node.is(Kind::integer) || node.is(Kind::number); }

void refuse_null(const Call& call, const Value& value) {
  if (value.plain() && value.node.is(Kind::null)) call.fail("null cannot be one of its values; write a,null");
}

Value choice(Call& call) {
  Value value;
  value.sweep = Sweep{};
  for (Value& each : call.rest()) {
    refuse_null(call, each);
    if (!each.plain()) call.fail("a sweep inside a choice");
    value.sweep->choices.push_back(std::move(each.node));
  }
  call.done();
  if (value.sweep->choices.empty()) call.fail("needs at least one value");
  return value;
}

Node number_argument(const Call& call, const Value& value) {
  if (!value.plain() || value.quoted || !is_numeric(value.node)) call.fail("expected numbers");
  return value.node;
}

Value range(Call& call) {
  Value value;
  value.sweep = Sweep{.kind = Sweep::Kind::range};
  value.sweep->start = call.placed(Node(int64_t{0}));
  value.sweep->stop = number_argument(call, call.need("start"));
  if (const auto stop = call.take("stop")) {  // the first of two is the start, a lone one the stop
    value.sweep->start = std::move(value.sweep->stop);
    value.sweep->stop = number_argument(call, *stop);
  }
  const auto step = call.take("step");
  value.sweep->step = step ? number_argument(call, *step) : call.placed(Node(int64_t{1}));
  call.done();
  return value;
}

Value interval(Call& call) {
  Value value;
  value.sweep = Sweep{.kind = Sweep::Kind::interval};
  const auto end_of = [&](const char* name) {
    const Value written = call.need(name);
    if (!written.plain() || written.quoted) call.fail("expected two numbers");
    return cast_to_number(call, written.node);
  };
  value.sweep->start = end_of("start");
  value.sweep->stop = end_of("end");
  call.done();
  return value;
}

std::vector<std::string> patterns(const Call& call, const Value& value) {
  if (!value.plain() || (!value.node.is(Kind::string) && !value.node.is(Kind::list)))
    call.fail("expected patterns of text");
  if (value.node.is(Kind::string)) return {value.node.string()};
  std::vector<std::string> out;
  for (const Node& item : value.node.items()) out.push_back(text_of(item));
  return out;
}

Value glob(Call& call) {
  Value value;
  value.sweep = Sweep{.kind = Sweep::Kind::glob};
  value.sweep->include = patterns(call, call.need("include"));
  if (const auto exclude = call.take("exclude")) value.sweep->exclude = patterns(call, *exclude);
  call.done();
  return value;
}

Value tag(Call& call) {
  std::optional<Value> named = call.take_named("sweep");
  std::vector<Value> words = call.rest();
  call.done();
  if (words.empty()) call.fail(named ? "needs a tag beside sweep=" : "needs a sweep");
  if (!named) {
    named = std::move(words.back());
    words.pop_back();
  }
  if (!named->sweep) call.fail("the last argument must be a sweep");
  for (const Value& word : words) {
    if (!word.plain() || !word.node.is(Kind::string)) call.fail("tags are words");
    named->sweep->tags.push_back(word.node.string());
  }
  return std::move(*named);
}

bool comes_before(const Call& call, const Node& a, const Node& b) {
  const auto number_like = [](const Node& node) { return is_numeric(node) || node.is(Kind::boolean); };
  const auto number = [](const Node& node) {
    return node.is(Kind::boolean) ? static_cast<double>(node.boolean()) : node.number();
  };
  if (number_like(a) && number_like(b)) return number(a) < number(b);
  if (a.is(Kind::string) && b.is(Kind::string)) return a.string() < b.string();
  if (a.is(Kind::list) && b.is(Kind::list))
    return std::lexicographical_compare(
        a.items().begin(), a.items().end(), b.items().begin(), b.items().end(),
        [&](const Node& x, const Node& y) { return comes_before(call, x, y); });
  call.fail(std::string("cannot order values of two kinds: ") + a.kind_name() + ", " + b.kind_name());
}

void sort_nodes(const Call& call, std::vector<Node>& nodes, bool reverse) {
  std::stable_sort(nodes.begin(), nodes.end(), [&](const Node& a, const Node& b) {
    return reverse ? comes_before(call, b, a) : comes_before(call, a, b);
  });
}

// `list=` or `sweep=`: it stands for what is written by position.
std::optional<Value> named_values(Call& call) {
  std::optional<Value> list = call.take_named("list"), sweep = call.take_named("sweep");
  if (list && sweep) call.fail("list and sweep at once");
  if (list && (!list->plain() || !list->node.is(Kind::list))) call.fail("list= needs a list");
  if (sweep && !sweep->sweep) call.fail("sweep= needs a sweep");
  return list ? std::move(list) : std::move(sweep);
}

Value sort(Call& call) {
  bool reverse = false;
  if (const auto written = call.take_named("reverse")) {
    if (!written->plain() || !written->node.is(Kind::boolean)) call.fail("reverse must be true or false");
    reverse = written->node.boolean();
  }
  std::vector<Value> values = call.rest();
  if (auto named = named_values(call)) values = {std::move(*named)};
  call.done();
  if (values.empty()) call.fail("needs a list, a sweep or values");
  for (const Value& each : values) refuse_null(call, each);
  if (values.size() > 1) {
    Value value;
    value.sweep = Sweep{.kind = Sweep::Kind::choice, .simple = true};
    for (Value& each : values) {
      if (!each.plain()) call.fail("a sweep among several arguments");
      if (each.node.is(Kind::list) || each.node.is(Kind::map))
        call.fail(std::string("a ") + each.node.kind_name() + " among several arguments");
      value.sweep->choices.push_back(std::move(each.node));
    }
    sort_nodes(call, value.sweep->choices, reverse);
    return value;
  }
  Value value = std::move(values.front());
  if (!value.plain()) {
    if (value.edit || value.sweep->kind == Sweep::Kind::interval || value.sweep->kind == Sweep::Kind::glob)
      call.fail("cannot order such a sweep");
    if (value.sweep->kind == Sweep::Kind::choice)
      sort_nodes(call, value.sweep->choices, reverse);
    else {
      std::vector<Node> values_of_range = expand(*value.sweep, call.place());
      sort_nodes(call, values_of_range, reverse);
      *value.sweep = Sweep{
          .kind = Sweep::Kind::choice, .choices = std::move(values_of_range), .tags = value.sweep->tags};
    }
  } else if (value.node.is(Kind::list)) {
    if (value.quoted_items && value.node.size() > 1)
      call.fail("cannot order quoted text; write the words without quotes");
    sort_nodes(call, value.node.items(), reverse);
  }
  return value;
}

Value shuffle(Call& call) {
  std::vector<Value> values = call.rest();
  if (auto named = named_values(call)) values = {std::move(*named)};
  call.done();
  if (values.empty()) call.fail("needs a list, a sweep or values");
  for (const Value& each : values) refuse_null(call, each);
  Value value = std::move(values.front());
  if (values.size() > 1) {
    Sweep sweep{.kind = Sweep::Kind::choice, .simple = true};
    values.front() = std::move(value);
    for (Value& each : values) {
      if (!each.plain()) call.fail("a sweep among several arguments");
      sweep.choices.push_back(std::move(each.node));
    }
    value = Value{};
    value.sweep = std::move(sweep);
  }
  if (value.edit || (value.sweep && value.sweep->kind == Sweep::Kind::interval))
    call.fail("cannot shuffle such a sweep");
  if (value.sweep)
    value.sweep->shuffled = true;
  else if (value.node.is(Kind::list)) {
    Sweep whole{.kind = Sweep::Kind::choice, .choices = value.node.items(), .shuffled = true};
    if (!whole.choices.empty()) value.node.items() = expand(whole, call.place());
  } else {
    call.fail("needs a list, a sweep or several values");
  }
  return value;
}

Value edit_list(Call& call, ListEdit::Kind kind) {
  Value value;
  value.edit = ListEdit{.kind = kind};
  if (kind == ListEdit::Kind::insert) {
    const Value index = call.need("index");
    if (!index.plain() || !index.node.is(Kind::integer)) call.fail("expected an index, then items");
    value.edit->index = index.node.integer();
  }
  for (Value& each : call.rest()) {
    if (!each.plain()) call.fail("a sweep among the items");
    value.edit->items.push_back(std::move(each.node));
  }
  call.done();
  if (value.edit->items.empty()) call.fail("needs at least one item");
  return value;
}

}  // namespace

Value call_function(const std::string& name, std::vector<Argument> arguments, const Place& place) {
  Call call(name, std::move(arguments), place);
  if (name == "int" || name == "float" || name == "str" || name == "bool") return cast_value(call, name);
  if (name == "choice") return choice(call);
  if (name == "range") return range(call);
  if (name == "interval") return interval(call);
  if (name == "glob") return glob(call);
  if (name == "tag") return tag(call);
  if (name == "sort") return sort(call);
  if (name == "shuffle") return shuffle(call);
  if (name == "append" || name == "extend_list") return edit_list(call, ListEdit::Kind::append);
  if (name == "prepend") return edit_list(call, ListEdit::Kind::prepend);
  if (name == "insert") return edit_list(call, ListEdit::Kind::insert);
  if (name == "remove") return edit_list(call, ListEdit::Kind::remove);
  const std::vector<std::string> known = {"int",     "float",    "str",     "bool",   "choice",
                                          "range",   "interval", "glob",    "tag",    "sort",
                                          "shuffle", "append",   "prepend", "insert", "remove"};
  throw ConfigError(place.text(), name + ": unknown function" + suggestion(name, known), "bad_value");
}

}  // namespace subband::config
