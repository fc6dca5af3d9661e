#include "sweeps/spec/ablation.h"

#include <algorithm>
#include <set>

#include "core/config/override.h"
#include "core/error.h"
#include "core/text.h"

namespace subband {

using config::Node;

namespace {

// `net.block` and `net.block.lifting` are the same place, or one is inside the other.
bool is_same_place(const std::string& a, const std::string& b) {
  const std::string& inner = a.size() > b.size() ? a : b;
  const std::string& outer = a.size() > b.size() ? b : a;
  return inner.starts_with(outer) && (inner.size() == outer.size() || inner[outer.size()] == '.');
}

std::vector<std::string> places_of(const SweepChange& change) {
  std::vector<std::string> places;
  for (const std::string& each : change.overrides) places.push_back(config::parse_override(each).target);
  return places;
}

// Two changes that set the same key, or both take another recipe, are alternatives: they cannot be made together.
bool are_alternatives(const SweepChange& a, const SweepChange& b) {
  if (!a.recipe.empty() && !b.recipe.empty()) return true;
  for (const std::string& one : places_of(a))
    for (const std::string& other : places_of(b))
      if (is_same_place(one, other)) return true;
  return false;
}

SweepChange together(const std::vector<const SweepChange*>& changes, const std::string& label) {
  SweepChange sum{.label = label};
  for (const SweepChange* each : changes) {
    if (!each->recipe.empty()) sum.recipe = each->recipe;
    sum.overrides.insert(sum.overrides.end(), each->overrides.begin(), each->overrides.end());
    if (each->match) sum.match = each->match;
    sum.place = each->place;
  }
  return sum;
}

void add_pairs(const std::vector<SweepChange>& single, SweepFactor& ablation) {
  for (size_t i = 0; i < single.size(); ++i)
    for (size_t j = i + 1; j < single.size(); ++j)
      if (!are_alternatives(single[i], single[j]))
        ablation.changes.push_back(
            together({&single[i], &single[j]}, single[i].label + " + " + single[j].label));
}

// All changes at once, then all but each one: what that one is worth where nothing else is left of the base.
void add_leave_one_in(Binder& b, const std::vector<SweepChange>& single, SweepFactor& ablation) {
  constexpr const char* kAll = "all changes";
  std::vector<const SweepChange*> all;
  for (const SweepChange& each : single) {
    for (const SweepChange* other : all)
      if (are_alternatives(*other, each))
        return b.complain("leave_one_in", b.written("leave_one_in"),
                          "rows '" + other->label + "' and '" + each.label +
                              "' change the same, so that they cannot be made together");
    all.push_back(&each);
  }
  if (single.size() < 3)
    return b.complain("leave_one_in", b.written("leave_one_in"), "needs three changes or more in `ablate`");
  ablation.changes.push_back(together(all, kAll));
  for (size_t i = 0; i < single.size(); ++i) {
    std::vector<const SweepChange*> others = all;
    others.erase(others.begin() + static_cast<std::ptrdiff_t>(i));
    ablation.changes.push_back(together(others, "all but " + single[i].label));
    ablation.changes.back().against = kAll;
  }
}

// Each change on top of those before it.
SweepFactor ladder(const std::string& kind, const std::vector<SweepChange>& steps) {
  SweepFactor factor{.kind = kind, .changes = {SweepChange{}}};
  std::vector<const SweepChange*> so_far;
  for (const SweepChange& step : steps) {
    so_far.push_back(&step);
    factor.changes.push_back(together(so_far, "+ " + step.label));
    factor.changes.back().against = factor.changes[factor.changes.size() - 2].label;
  }
  return factor;
}

void add_differences(const Node& from, const Node& to, const std::string& path,
                     std::vector<SweepChange>& changes) {
  const auto is_map = [](const Node& node) { return node.is(Node::Kind::map); };
  const auto word = [](const Node& value) { return config::override_text(value); };
  const auto add = [&](const std::string& change) {
    changes.push_back({.label = change.substr(change.find_first_not_of('+')), .overrides = {change}});
  };
  const Node *before = from.find("type"), *after = to.find("type");
  const bool is_other_part = (before != nullptr) != (after != nullptr) || (before && !(*before == *after));
  if (!is_map(from) || !is_map(to) || is_other_part) {
    // A slot takes the whole part, in which nothing of the other is left.
    if (!(from == to)) {
      add("++" + path + "=" + word(to));
      if (is_other_part && after != nullptr && after->is(Node::Kind::string))
        changes.back().label = path + "=" + after->string();
    }
    return;
  }
  for (const config::Entry& entry : to.entries()) {
    const std::string below = path.empty() ? entry.key : path + "." + entry.key;
    if (below == "seed") continue;
    if (const Node* other = from.find(entry.key))
      add_differences(*other, entry.value, below, changes);
    else
      add("++" + below + "=" + word(entry.value));
  }
  for (const config::Entry& entry : from.entries())
    if (to.find(entry.key) == nullptr) add("~" + (path.empty() ? entry.key : path + "." + entry.key));
}

}  // namespace

void read_ablation(SweepReader& reader, Binder& b, std::vector<SweepFactor>& factors) {
  Node ablate, add;
  bool pairs = false, leave_one_in = false;
  b.tree("ablate", ablate,
         "rows: label to one change of the base; a change is an override, several, or a recipe; a list: each is "
         "called by what it changes");
  b.field("pairs", pairs, "every two changes of `ablate` together too, but for those of the same key");
  b.field("leave_one_in", leave_one_in, "all changes of `ablate` together too, and all but each one");
  b.tree("add", add, "rows, label to change: each adds one change to the row before, from the base upward");
  if (b.given("ablate")) {
    SweepFactor ablation{.kind = "ablate", .changes = {SweepChange{}}};
    const std::vector<SweepChange> single = reader.changes_of("ablate", ablate);
    ablation.changes.insert(ablation.changes.end(), single.begin(), single.end());
    if (b.session().problems.empty()) {
      if (pairs) add_pairs(single, ablation);
      if (leave_one_in) add_leave_one_in(b, single, ablation);
    }
    factors.push_back(std::move(ablation));
  }
  b.check(!pairs || b.given("ablate"), "pairs", "needs changes in `ablate`");
  b.check(!leave_one_in || b.given("ablate"), "leave_one_in", "needs changes in `ablate`");
  if (b.given("add")) factors.push_back(ladder("add", reader.changes_of("add", add)));
}

void read_between(Binder& b, SweepSpec& spec) {
  Node tree;
  b.tree("between", tree,
         "two runs, {from: RUN, to: RUN, pairs: 5}: rows that take over one difference after another, over so many "
         "seeds");
  if (!b.given("between")) return;
  if (!tree.is(Node::Kind::map))
    return b.complain("between", &tree, "expected {from: RUN, to: RUN, pairs: 5}");
  SweepBetween between{.place = tree.place};
  Binder inner = b.nested("between", tree);
  inner.field("from", between.from, "run in the store, by its folder or the start of its identity");
  inner.field("to", between.to, "run in the store");
  inner.field("pairs", between.pairs, {1, 10000}, "seeds of every row, from the first of `seeds` on");
  inner.check(!between.from.empty(), "from", "must name a run");
  inner.check(!between.to.empty(), "to", "must name a run");
  inner.finish_keys();
  spec.between = between;
}

std::vector<SweepChange> config_differences(const Node& from, const Node& to, const IsLegal& legal) {
  std::vector<SweepChange> single, steps;
  add_differences(from, to, "", single);
  std::vector<std::string> so_far;
  std::vector<const SweepChange*> waiting;
  for (const SweepChange& each : single) {
    so_far.insert(so_far.end(), each.overrides.begin(), each.overrides.end());
    waiting.push_back(&each);
    if (&each != &single.back() && !legal(so_far)) continue;
    std::vector<std::string> labels;
    for (const SweepChange* one : waiting) labels.push_back(one->label);
    steps.push_back(together(waiting, join(labels, ", ")));
    waiting.clear();
  }
  return steps;
}

void add_between(SweepSpec& spec, const std::string& recipe, std::vector<SweepChange> differences) {
  if (differences.empty())
    throw ConfigError(spec.between->place.text(),
                      "between = " + spec.between->from + ", " + spec.between->to + ": have the same config",
                      "bad_value");
  spec.base = recipe;
  const int64_t first = spec.seeds.front();
  spec.seeds.clear();
  for (int64_t i = 0; i < spec.between->pairs; ++i) spec.seeds.push_back(first + i);
  for (SweepChange& each : differences) each.place = spec.between->place;
  spec.factors.insert(spec.factors.begin(), ladder("between", differences));
}

}  // namespace subband
