#include "sweeps/spec/spec.h"

#include <algorithm>

#include "analysis/comparison.h"
#include "core/config/binder.h"
#include "core/config/override.h"
#include "core/text.h"
#include "runs/disk_use.h"
#include "sweeps/spec/ablation.h"
#include "sweeps/spec/change_reader.h"
#include "sweeps/spec/read_search.h"
#include "sweeps/spec/sweep_fields.h"

namespace subband {

using config::Node;

namespace {

struct MetricGroup {
  std::string& name;
  std::string& goal;
  void bind(Binder& b) {
    b.field("name", name, "metric that judges a run, `split.quantity`");
    b.choice("goal", goal, {"min", "max"}, "whether less or more of it is better");
    b.check(!name.empty(), "name", "must name a metric");
  }
};

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
  Node list, grid, zip;
  read_ablation(reader, b, spec.factors);
  b.tree("list", list, "alternatives, each an override, several, or a recipe");
  b.tree("grid", grid, "key to list of values; every combination is a row");
  b.tree("zip", zip, "key to list of values, taken side by side");
  if (b.given("list") && !list.is(Node::Kind::list)) {
    b.complain("list", &list, "expected a list of changes");
  } else if (b.given("list")) {
    SweepFactor factor{.kind = "list", .changes = reader.changes_of("list", list)};
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
  b.tree("claims", tree, "what is expected: {row: no bypass, is: worse, by: 0.001, error: 0.05}");
  b.field("spend", spec.spend, {0, 100000},
          "seeds of a row at most: after `seeds` the next numbers, one after another, while a claim with an error "
          "rate is open; 0: those of `seeds` alone");
  if (!b.given("claims")) return;
  if (!tree.is(Node::Kind::list)) {
    b.complain("claims", &tree, "expected a list");
    return;
  }
  for (size_t i = 0; i < tree.size(); ++i) {
    const Node& item = tree.items()[i];
    const std::string key = "claims." + std::to_string(i);
    if (!item.is(Node::Kind::map)) {
      b.complain(key, &item, "expected {row, is, by, error}");
      continue;
    }
    SweepClaim claim{.place = item.place};
    Binder inner = b.nested(key, item);
    inner.field("row", claim.row, "row that is spoken of");
    inner.choice("is", claim.is, {"better", "worse", "equal"}, "than the baseline");
    inner.field("by", claim.by, {0, 1e300}, "at least so much; for equal: at most");
    inner.check(inner.given("is"), "is", "must be given: better, worse, equal");
    inner.field("error", claim.error, {0, 0.5, /*above=*/true},
                "chance of a wrong verdict, however often it is looked at, of all claims together; without it the "
                "means are compared");
    inner.check(claim.is != "equal" || !claim.error || claim.by > 0, "by",
                "must be above 0: the largest difference that does not matter");
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
  b.check(!spec.base.empty() || b.given("between"), "base", "must name a recipe");
  MetricGroup metric{spec.metric, spec.goal};
  b.group("metric", metric, "what judges a run");
  if (const Node* name = b.written("metric.name")) spec.metric_place = name->place;
  b.field("seeds", spec.seeds, {0, 9e15}, "every row is trained once for each");
  check_seeds(b, spec);
  b.tree("set", set, "overrides of every cell, before its own");
  if (b.given("set")) spec.set = reader.overrides_of("set", set);
  read_between(b, spec);
  read_factors(reader, b, spec);
  read_exclusions(reader, b, spec);
  std::optional<std::string> baseline;
  b.field("baseline", baseline, "row that all are compared with; by default the base of the ablation");
  spec.baseline = baseline;
  read_claims(b, spec);
  read_search(b, spec);
  read_tuning(reader, b, spec);
  read_columns(b, spec);
  read_lines(b, spec);
  b.field("published", spec.published, "section of a published ledger to print beside ours");
  b.choice("on_memory", spec.on_memory, {"record", "split"},
           "of a cell that lacks memory. record: that is its result; split: its micro-batches are computed in halves, as often "
           "as it takes, in a run of its own identity");
  b.choice("keep", spec.keep, kKeepWords,
           "checkpoints that stay when a cell is done; all: those the trainer leaves");
  read_part(b, "launcher", spec.launcher, {.kind = "launcher", .standard = "local"},
            "where its workers run: the name of a launcher, or a map with `type`");
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
    (first == "launcher"  ? split.launcher
     : is_spec_key(first) ? split.spec
                          : split.cells)
        .push_back(overrides[i]);
  }
  return split;
}

}  // namespace subband
