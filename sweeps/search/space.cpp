#include "sweeps/search/space.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/config/override.h"
#include "core/text.h"

namespace subband {

using config::Node;

namespace {

bool is_number(const Node& node) { return node.is(Node::Kind::number) || node.is(Node::Kind::integer); }

class SpaceReader {
 public:
  SpaceReader(Binder& binder, std::string key) : binder_(binder), key_(std::move(key)) {}

  SearchSpace read(const Node& tree) {
    for (const config::Entry& entry : tree.entries()) {
      SearchAxis axis{.key = entry.key};
      if (entry.key == "seed")
        complain(entry, entry.value, "the seeds of a sweep stand in its list `seeds`");
      else if (entry.value.is(Node::Kind::list))
        read_choices(entry, entry.value, axis);
      else if (entry.value.is(Node::Kind::map))
        read_axis(entry, axis);
      else
        complain(entry, entry.value, "expected a list of choices or {low, high}");
      space_.axes.push_back(std::move(axis));
    }
    return std::move(space_);
  }

 private:
  void complain(const config::Entry& entry, const Node& value, const std::string& rule) {
    binder_.complain(key_ + "." + entry.key, &value, rule);
  }

  void read_choices(const config::Entry& entry, const Node& list, SearchAxis& axis) {
    axis.form = SearchAxis::Form::choice;
    if (list.is(Node::Kind::list) && list.size() > 0)
      axis.choices = list.items();
    else
      complain(entry, list, "expected a list of choices");
  }

  void read_axis(const config::Entry& entry, SearchAxis& axis) {
    const Node& map = entry.value;
    for (const config::Entry& each : map.entries()) {
      if (each.key == "choice")
        read_choices(entry, each.value, axis);
      else if (each.key == "when")
        read_when(entry, each.value, axis);
      else if (each.key == "log" && each.value.is(Node::Kind::boolean))
        axis.is_log = each.value.boolean();
      else if (each.key == "points" && each.value.is(Node::Kind::integer) && each.value.integer() > 1)
        axis.points = each.value.integer();
      else if ((each.key != "low" && each.key != "high") || !is_number(each.value))
        complain(entry, map, "expected {low, high, log, points, when} or {choice, when}");
    }
    if (axis.form == SearchAxis::Form::choice) return;
    const Node *low = map.find("low"), *high = map.find("high");
    if (low == nullptr || high == nullptr || !is_number(*low) || !is_number(*high))
      return complain(entry, map, "needs low and high, or choice");
    axis.low = low->number(), axis.high = high->number();
    const bool is_whole = low->is(Node::Kind::integer) && high->is(Node::Kind::integer);
    axis.form = is_whole ? SearchAxis::Form::integer : SearchAxis::Form::number;
    if (!(axis.low < axis.high)) complain(entry, map, "low must be below high");
    if (axis.is_log && !(axis.low > 0)) complain(entry, map, "a logarithmic axis begins above 0");
  }

  // `{net.mixer: wersa}` or `{net.mixer: [wersa, performer]}`
  void read_when(const config::Entry& entry, const Node& tree, SearchAxis& axis) {
    if (!tree.is(Node::Kind::map) || tree.size() != 1)
      return complain(entry, tree, "when: expected {key: value} of a choice above");
    const config::Entry& when = tree.entries().front();
    const auto other = std::ranges::find(space_.axes, when.key, &SearchAxis::key);
    if (other == space_.axes.end() || other->form != SearchAxis::Form::choice)
      return complain(entry, tree, "when: " + when.key + " is no choice above");
    axis.when = static_cast<size_t>(other - space_.axes.begin());
    const std::vector<Node> values =
        when.value.is(Node::Kind::list) ? when.value.items() : std::vector<Node>{when.value};
    for (const Node& value : values) {
      const auto choice = std::ranges::find(other->choices, value);
      if (choice == other->choices.end())
        complain(entry, value, "when: " + when.key + " is never " + config::brief(value));
      else
        axis.when_choices.push_back(static_cast<size_t>(choice - other->choices.begin()));
    }
  }

  Binder& binder_;
  std::string key_;
  SearchSpace space_;
};

}  // namespace

bool SearchSpace::is_active(size_t axis, const SearchPoint& point) const {
  const SearchAxis& each = axes[axis];
  if (!each.when) return true;
  const std::optional<double>& other = point[*each.when];
  return other && std::ranges::find(each.when_choices, static_cast<size_t>(*other)) != each.when_choices.end();
}

std::vector<std::string> SearchSpace::overrides(const SearchPoint& point) const {
  std::vector<std::string> words;
  for (size_t i = 0; i < axes.size(); ++i) {
    if (!point[i]) continue;
    Node value(*point[i]);
    if (axes[i].form == SearchAxis::Form::integer) value = Node(static_cast<int64_t>(*point[i]));
    if (axes[i].form == SearchAxis::Form::choice) value = axes[i].choices[static_cast<size_t>(*point[i])];
    words.push_back(axes[i].key + "=" + config::override_text(value));
  }
  return words;
}

double rounded(const SearchAxis& axis, double value) {
  if (axis.form != SearchAxis::Form::number) return value;
  return std::clamp(*parse_number(fmt::format("{:.3e}", value)), axis.low, axis.high);
}

SearchSpace read_space(Binder& b, const std::string& key, const Node& tree) {
  if (tree.is(Node::Kind::map) && tree.size() > 0) return SpaceReader(b, key).read(tree);
  b.complain(key, &tree, "expected a map from key to what it is drawn from");
  return {};
}

}  // namespace subband
