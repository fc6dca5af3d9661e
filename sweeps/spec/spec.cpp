#include "sweeps/spec/spec.h"

#include <algorithm>

#include "analysis/comparison.h"
#include "core/config/binder.h"
#include "core/config/override.h"
#include "core/text.h"
#include "sweeps/spec/sweep_fields.h"

namespace subband {

using config::Node;

namespace {

constexpr const char* kSeedRule = "the seeds of a sweep stand in its list `seeds`";

struct MetricGroup {
  std::string& name;
  std::string& goal;
  void bind(Binder& b) {
    b.field("name", name, "metric that judges a run, `split.quantity`");
    b.choice("goal", goal, {"min", "max"}, "whether less or more of it is better");
    b.check(!name.empty(), "name", "must name a metric");
  }
};

// Reads changes out of trees and complains through the binder, each complaint at the value's own place.
class SweepReader {
 public:
  explicit SweepReader(Binder& binder) : binder_(binder) {}

  // One override as text; empty after a complaint.
  std::string override_of(const std::string& key, const Node& node) {
    if (!node.is(Node::Kind::string)) {
      binder_.complain(key, &node, "expected an override such as a.b=c, +a=b or ~a");
      return {};
    }
    try {
      if (config::parse_override(node.string()).key() != "seed") return node.string();
      binder_.complain(key, &node, kSeedRule);
    } catch (const ConfigError& error) {
      binder_.complain(key, &node, error.first().message, error.first().kind);
    }
    return {};
  }

  std::vector<std::string> overrides_of(const std::string& key, const Node& node) {
    std::vector<std::string> overrides;
    if (!node.is(Node::Kind::list)) return {override_of(key, node)};
    if (node.size() == 0) binder_.complain(key, &node, "changes nothing; name an override");
    for (const Node& item : node.items()) overrides.push_back(override_of(key, item));
    return overrides;
  }

  // An override, a list of overrides, or `{recipe: …, set: [...]}`.
  SweepChange change_of(const std::string& key, const std::string& label, const Node& node) {
    SweepChange change{.label = label, .place = node.place};
    if (!node.is(Node::Kind::map)) {
      change.overrides = overrides_of(key, node);
    } else {
      for (const config::Entry& entry : node.entries()) read_key(key, entry, change);
    }
    const bool is_empty = node.is(Node::Kind::map) && node.size() == 0;
    if (is_empty) binder_.complain(key, &node, "changes nothing; give `recipe`, `set`, or both");
    if (change.label.empty()) change.label = standard_label(change);
    return change;
  }

  // `{a.b: [1, 2], c: [3, 4]}`: one list of changes for each key.
  std::vector<SweepFactor> axes_of(const std::string& kind, const Node& tree) {
    std::vector<SweepFactor> axes;
    if (!tree.is(Node::Kind::map)) {
      binder_.complain(kind, &tree, "expected a map from key to list of values");
      return axes;
    }
    for (const config::Entry& entry : tree.entries()) {
      if (!entry.value.is(Node::Kind::list) || entry.value.size() == 0) {
        binder_.complain(kind + "." + entry.key, &entry.value, "expected a list of values");
      } else if (entry.key == "seed") {
        binder_.complain(kind + "." + entry.key, &entry.value,
                         "the seeds of a sweep stand in its list `seeds`");
      } else {
        axes.push_back(axis_of(kind, entry));
      }
    }
    return axes;
  }

 private:
  void read_key(const std::string& key, const config::Entry& entry, SweepChange& change) {
    const std::string path = key + "." + entry.key;
    if (entry.key == "recipe" && entry.value.is(Node::Kind::string))
      change.recipe = entry.value.string();
    else if (entry.key == "recipe")
      binder_.complain(path, &entry.value, "expected the name of a recipe");
    else if (entry.key == "set")
      change.overrides = overrides_of(path, entry.value);
    else if (entry.key == "match")
      change.match = match_of(path, entry.value);
    else
      binder_.session().problems.push_back(
          {entry.key_place.text(), path + ": unknown key" + suggestion(entry.key, kKeys_), "unknown_key"});
  }

  // `2 %`, or a fraction.
  static std::optional<double> fraction_of(const Node& node) {
    if (node.is(Node::Kind::number) || node.is(Node::Kind::integer)) return node.number();
    if (!node.is(Node::Kind::string) || !node.string().ends_with('%')) return std::nullopt;
    const auto percent =
        parse_number(trim(std::string_view(node.string()).substr(0, node.string().size() - 1)));
    return percent ? std::optional(*percent / 100) : std::nullopt;
  }

  std::optional<SweepMatch> match_of(const std::string& key, const Node& node) {
    const auto refuse = [&](const Node& value, const std::string& rule) {
      binder_.complain(key, &value, rule);
      return std::nullopt;
    };
    SweepMatch match{.place = node.place};
    constexpr const char* kForm = "expected {model.parameters: base, by: net.width, within: 2 %}";
    if (!node.is(Node::Kind::map)) return refuse(node, kForm);
    for (const config::Entry& entry : node.entries()) {
      const Node& value = entry.value;
      const bool is_base = value.is(Node::Kind::string) && value.string() == "base";
      const bool is_number = value.is(Node::Kind::number) || value.is(Node::Kind::integer);
      if (entry.key == "by" && value.is(Node::Kind::string)) {
        match.by = value.string();
      } else if (entry.key == "within") {
        const auto fraction = fraction_of(value);
        if (!fraction || !(*fraction >= 0 && *fraction < 1))
          return refuse(value, "within: expected 2 % or 0.02");
        match.within = *fraction;
      } else if ((entry.key == "model.parameters" || entry.key == "model.flops") && (is_base || is_number)) {
        match.metric = entry.key;
        if (is_number) match.target = value.number();
      } else {
        return refuse(node, kForm);
      }
    }
    if (match.metric.empty() || match.by.empty()) return refuse(node, kForm);
    return match;
  }

  static std::string standard_label(const SweepChange& change) {
    std::vector<std::string> words;
    if (!change.recipe.empty()) words.push_back("recipe=" + change.recipe);
    words.insert(words.end(), change.overrides.begin(), change.overrides.end());
    return join(words, ", ");
  }

  static SweepFactor axis_of(const std::string& kind, const config::Entry& entry) {
    SweepFactor axis{.kind = kind};
    for (const Node& value : entry.value.items()) {
      SweepChange change{.place = value.place};
      if (entry.key == "recipe" && value.is(Node::Kind::string))
        change.recipe = value.string();
      else
        change.overrides = {entry.key + "=" + config::override_text(value)};
      change.label = entry.key + "=" + config::override_text(value, /*typed=*/true);
      axis.changes.push_back(std::move(change));
    }
    return axis;
  }

  Binder& binder_;
  const std::vector<std::string> kKeys_ = {"match", "recipe", "set"};
};

SweepFactor read_ablation(SweepReader& reader, Binder& b, const Node& tree) {
  SweepFactor ablation{.kind = "ablate", .changes = {SweepChange{}}};
  if (!tree.is(Node::Kind::map)) {
    b.complain("ablate", &tree, "expected a map from row to change");
    return ablation;
  }
  for (const config::Entry& entry : tree.entries()) {
    if (entry.key == "base") b.complain("ablate.base", &entry.value, "is the name of the unchanged row");
    ablation.changes.push_back(reader.change_of("ablate." + entry.label(), entry.label(), entry.value));
  }
  return ablation;
}

// The axes of a zip side by side: as many changes as each axis has values.
void read_zip(SweepReader& reader, Binder& b, const Node& tree, std::vector<SweepFactor>& factors) {
  const std::vector<SweepFactor> axes = reader.axes_of("zip", tree);
  if (axes.empty()) return;
  SweepFactor zip = axes.front();
  for (size_t i = 1; i < axes.size(); ++i) {
    if (axes[i].changes.size() != zip.changes.size()) {
      b.complain("zip", &tree,
                 "needs lists of one length, got " + std::to_string(zip.changes.size()) + " and " +
                     std::to_string(axes[i].changes.size()));
      return;
    }
    for (size_t k = 0; k < zip.changes.size(); ++k) {
      const SweepChange& more = axes[i].changes[k];
      SweepChange& change = zip.changes[k];
      change.label += ", " + more.label;
      if (!more.recipe.empty()) change.recipe = more.recipe;
      change.overrides.insert(change.overrides.end(), more.overrides.begin(), more.overrides.end());
    }
  }
  factors.push_back(std::move(zip));
}

void read_factors(SweepReader& reader, Binder& b, SweepSpec& spec) {
  Node ablate, list, grid, zip;
  b.tree("ablate", ablate,
         "rows: label to one change of the base; a change is an override, several, or a recipe");
  b.tree("list", list, "alternatives, each an override, several, or a recipe");
  b.tree("grid", grid, "key to list of values; every combination is a row");
  b.tree("zip", zip, "key to list of values, taken side by side");
  if (b.given("ablate")) spec.factors.push_back(read_ablation(reader, b, ablate));
  if (b.given("list") && !list.is(Node::Kind::list)) {
    b.complain("list", &list, "expected a list of changes");
  } else if (b.given("list")) {
    SweepFactor factor{.kind = "list"};
    for (size_t i = 0; i < list.size(); ++i)
      factor.changes.push_back(reader.change_of("list." + std::to_string(i), "", list.items()[i]));
    if (factor.changes.empty())
      b.complain("list", &list, "expected a list of changes");
    else
      spec.factors.push_back(std::move(factor));
  }
  if (b.given("grid")) {
    for (SweepFactor& axis : reader.axes_of("grid", grid)) spec.factors.push_back(std::move(axis));
  }
  if (b.given("zip")) read_zip(reader, b, zip, spec.factors);
}

void read_exclusions(SweepReader& reader, Binder& b, SweepSpec& spec) {
  Node tree;
  b.tree("exclude", tree, "cells to leave out: an override, several that must all hold, or {row: …}");
  if (!b.given("exclude")) return;
  if (!tree.is(Node::Kind::list)) {
    b.complain("exclude", &tree, "expected a list");
    return;
  }
  for (size_t i = 0; i < tree.size(); ++i) {
    const Node& item = tree.items()[i];
    const std::string key = "exclude." + std::to_string(i);
    SweepExclusion exclusion{.place = item.place};
    const Node* row = item.find("row");
    if (row != nullptr && item.size() == 1 && row->is(Node::Kind::string))
      exclusion.row = row->string();
    else if (item.is(Node::Kind::map))
      b.complain(key, &item, "expected overrides or {row: …}");
    else
      exclusion.overrides = reader.overrides_of(key, item);
    spec.exclude.push_back(std::move(exclusion));
  }
}

void read_claims(Binder& b, SweepSpec& spec) {
  Node tree;
  b.tree("claims", tree, "what is expected: {row: no bypass, is: worse, by: 0.001}");
  if (!b.given("claims")) return;
  if (!tree.is(Node::Kind::list)) {
    b.complain("claims", &tree, "expected a list");
    return;
  }
  for (size_t i = 0; i < tree.size(); ++i) {
    const Node& item = tree.items()[i];
    const std::string key = "claims." + std::to_string(i);
    if (!item.is(Node::Kind::map)) {
      b.complain(key, &item, "expected {row, is, by}");
      continue;
    }
    SweepClaim claim{.place = item.place};
    Binder inner = b.nested(key, item);
    inner.field("row", claim.row, "row that is spoken of");
    inner.choice("is", claim.is, {"better", "worse", "equal"}, "than the baseline");
    inner.field("by", claim.by, {0, 1e300}, "at least so much; for equal: at most");
    inner.check(inner.given("is"), "is", "must be given: better, worse, equal");
    inner.finish_keys();
    spec.claims.push_back(std::move(claim));
  }
}

// `{AUC: test.auc}`
void read_columns(Binder& b, SweepSpec& spec) {
  Node tree;
  b.tree("columns", tree, "of the table, beside the metric: title to metric");
  if (!b.given("columns")) return;
  if (!tree.is(Node::Kind::map)) return b.complain("columns", &tree, "expected a map from title to metric");
  const std::vector<std::string> taken = comparison_columns(spec.metric);
  for (const config::Entry& entry : tree.entries()) {
    const std::string title = entry.label();
    if (std::ranges::find(taken, title) != taken.end())
      b.complain("columns." + title, &entry.value, "is a column of every table; choose another title");
    else if (entry.value.is(Node::Kind::string))
      spec.columns.push_back({title, entry.value.string(), entry.key_place});
    else
      b.complain("columns." + title, &entry.value, "expected the name of a metric, `split.quantity`");
  }
}

// `{majority class: 0.17}`
void read_lines(Binder& b, SweepSpec& spec) {
  Node tree;
  b.tree("lines", tree, "values of the metric to print below the rows: label to number");
  if (!b.given("lines")) return;
  if (!tree.is(Node::Kind::map)) return b.complain("lines", &tree, "expected a map from label to number");
  for (const config::Entry& entry : tree.entries()) {
    if (entry.value.is(Node::Kind::number) || entry.value.is(Node::Kind::integer))
      spec.lines.push_back({entry.label(), entry.value.number(), entry.key_place});
    else
      b.complain("lines." + entry.label(), &entry.value, "expected a number");
  }
}

void check_seeds(Binder& b, const SweepSpec& spec) {
  std::vector<int64_t> sorted = spec.seeds;
  std::ranges::sort(sorted);
  b.check(!sorted.empty(), "seeds", "must name at least one seed");
  b.check(std::ranges::adjacent_find(sorted) == sorted.end(), "seeds", "names a seed twice");
}

}  // namespace

// Every field of a sweep; complaints go to the binder's session.
static void bind_sweep_fields(Binder& b, SweepSpec& spec) {
  Node set;
  SweepReader reader(b);
  b.field("base", spec.base, "recipe that every row starts from");
  b.check(!spec.base.empty(), "base", "must name a recipe");
  MetricGroup metric{spec.metric, spec.goal};
  b.group("metric", metric, "what judges a run");
  if (const Node* name = b.written("metric.name")) spec.metric_place = name->place;
  b.field("seeds", spec.seeds, {0, 9e15}, "every row is trained once for each");
  check_seeds(b, spec);
  b.tree("set", set, "overrides of every cell, before its own");
  if (b.given("set")) spec.set = reader.overrides_of("set", set);
  read_factors(reader, b, spec);
  read_exclusions(reader, b, spec);
  std::optional<std::string> baseline;
  b.field("baseline", baseline, "row that all are compared with; by default the base of the ablation");
  spec.baseline = baseline;
  read_claims(b, spec);
  read_columns(b, spec);
  read_lines(b, spec);
  b.field("published", spec.published, "section of a published ledger to print beside ours");
  b.finish_keys();
}

SweepSpec bind_sweep(const std::string& name, const Node& composed) {
  SweepSpec spec{.name = name};
  BindSession session;
  Node resolved;
  Binder b(session, composed, resolved);
  bind_sweep_fields(b, spec);
  session.finish();
  return spec;
}

std::vector<FieldInfo> sweep_fields() {
  SweepSpec spec;
  BindSession session;
  Node resolved;
  const Node nothing = Node::map();
  Binder b(session, nothing, resolved);
  bind_sweep_fields(b, spec);
  return session.fields;
}

bool is_spec_key(std::string_view key) {
  const std::vector<FieldInfo> fields = sweep_fields();
  return std::ranges::any_of(fields, [&](const FieldInfo& field) {
    return field.path == key || field.path.starts_with(std::string(key) + ".");
  });
}

SplitOverrides split_overrides(std::span<const std::string> overrides) {
  SplitOverrides split;
  for (size_t i = 0; i < overrides.size(); ++i) {
    const config::Override word = config::parse_override(overrides[i], static_cast<int>(i) + 1);
    const std::string first = word.target.substr(0, word.target.find('.'));
    if (first == "seed") throw ConfigError(word.place.text(), first + ": " + kSeedRule, "bad_value");
    (is_spec_key(first) ? split.spec : split.cells).push_back(overrides[i]);
  }
  return split;
}

}  // namespace subband
