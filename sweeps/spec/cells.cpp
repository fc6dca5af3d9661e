#include "sweeps/spec/cells.h"

#include <algorithm>
#include <map>
#include <set>

#include "core/config/override.h"
#include "core/error.h"
#include "core/text.h"

namespace subband {

namespace {

constexpr const char* kBaseRow = "base";

std::string row_label(const std::vector<std::string>& words) {
  return words.empty() ? kBaseRow : join(words, ", ");
}

// The row that takes `choice[i]` of factor i.
SweepRow row_of(const SweepSpec& spec, const std::vector<size_t>& choice) {
  SweepRow row{.recipe = spec.base};
  std::vector<std::string> words, baseline;
  bool is_ablation = false;
  for (size_t i = 0; i < choice.size(); ++i) {
    const SweepFactor& factor = spec.factors[i];
    const SweepChange& change = factor.changes[choice[i]];
    if (!change.label.empty()) words.push_back(change.label);
    if (factor.is_ablation()) is_ablation = true;
    const std::string& compared = factor.is_ablation() ? change.against : change.label;
    if (!compared.empty()) baseline.push_back(compared);
    if (!change.recipe.empty()) row.recipe = change.recipe;
    row.overrides.insert(row.overrides.end(), change.overrides.begin(), change.overrides.end());
    if (change.match) row.match = change.match;
    if (change.place.source) row.place = change.place;
  }
  row.label = row_label(words);
  if (spec.baseline)
    row.baseline = *spec.baseline;
  else if (is_ablation)
    row.baseline = row_label(baseline);
  return row;
}

// Words of equal values are equal.
std::vector<std::string> usual_words(const std::vector<std::string>& overrides) {
  std::vector<std::string> words;
  for (const std::string& each : overrides) words.push_back(config::usual_word(each));
  return words;
}

bool matches(const SweepExclusion& exclusion, const SweepRow& row) {
  if (!exclusion.row.empty()) return exclusion.row == row.label;
  const std::vector<std::string> words = usual_words(row.overrides);
  return std::ranges::all_of(usual_words(exclusion.overrides), [&](const std::string& each) {
    return std::ranges::find(words, each) != words.end();
  });
}

bool is_excluded(const SweepSpec& spec, const SweepRow& row, std::vector<bool>& used) {
  bool excluded = false;
  for (size_t i = 0; i < spec.exclude.size(); ++i) {
    if (!matches(spec.exclude[i], row)) continue;
    used[i] = true;
    excluded = true;
  }
  return excluded;
}

// Counts up, the last factor fastest; false after the last combination.
bool next_choice(const SweepSpec& spec, std::vector<size_t>& choice) {
  for (size_t i = choice.size(); i-- > 0;) {
    if (++choice[i] < spec.factors[i].changes.size()) return true;
    choice[i] = 0;
  }
  return false;
}

void check_rows(const std::vector<SweepRow>& rows, std::vector<Problem>& problems) {
  std::map<std::string, const SweepRow*> labels;
  std::map<std::string, const SweepRow*> settings;
  for (const SweepRow& row : rows) {
    const std::string setting = row.recipe + "\n" + join(usual_words(row.overrides), "\n") +
                                (row.match ? "\nmatch " + row.match->place.text() : "");
    const auto [label, is_new_label] = labels.emplace(row.label, &row);
    const auto [same, is_new] = settings.emplace(setting, &row);
    if (!is_new_label)
      problems.push_back({row.place.text(), "row '" + row.label + "': is there twice", "bad_value"});
    else if (!is_new)
      problems.push_back({row.place.text(),
                          "row '" + row.label + "': is the same cell as row '" + same->second->label + "'",
                          "bad_value"});
  }
}

void check_mentions(const SweepSpec& spec, std::vector<SweepRow>& rows, std::vector<Problem>& problems) {
  std::set<std::string> known;
  for (const SweepRow& row : rows) known.insert(row.label);
  const auto is_known = [&](const std::string& label) { return known.contains(label); };
  const auto nearest = [&](const std::string& label) {
    return suggestion(label, std::vector<std::string>(known.begin(), known.end()));
  };
  for (SweepRow& row : rows) {
    if (!is_known(row.baseline)) row.baseline.clear();  // it was excluded
  }
  const bool is_baseline_wrong = spec.baseline && !is_known(*spec.baseline);
  if (is_baseline_wrong)
    problems.push_back(
        {spec.name, "baseline = " + *spec.baseline + ": no such row" + nearest(*spec.baseline), "bad_value"});
  for (const SweepClaim& claim : spec.claims) {
    const auto row = std::ranges::find(rows, claim.row, &SweepRow::label);
    if (row == rows.end())
      problems.push_back({claim.place.text(),
                          "claims: row = " + claim.row + ": no such row" + nearest(claim.row), "bad_value"});
    else if (!is_baseline_wrong && (row->baseline.empty() || row->baseline == row->label))
      problems.push_back({claim.place.text(),
                          "claims: row = " + claim.row + ": has no baseline to compare with; give `baseline`",
                          "bad_value"});
  }
  for (const SweepLine& line : spec.lines) {
    if (is_known(line.label))
      problems.push_back({line.place.text(),
                          "lines." + line.label + ": is the name of a row; choose another label",
                          "bad_value"});
  }
}

}  // namespace

// Every row with every combination of what is tuned.
static std::vector<SweepRow> trials_of(const std::vector<SweepRow>& rows, const SweepTuning& tuning) {
  std::vector<SweepRow> trials;
  SweepSpec axes{.factors = tuning.axes};
  for (const SweepRow& row : rows) {
    std::vector<size_t> choice(axes.factors.size(), 0);
    do {
      const SweepRow setting = row_of(axes, choice);
      SweepRow trial = row;
      trial.label = row.label + ": " + setting.label;
      trial.trial_of = row.label;
      if (!row.baseline.empty()) trial.baseline = row.baseline + ": " + setting.label;
      trial.overrides.insert(trial.overrides.end(), setting.overrides.begin(), setting.overrides.end());
      trials.push_back(std::move(trial));
    } while (next_choice(axes, choice));
  }
  return trials;
}

// Refuses what would take the memory of the machine before it is even planned.
static void check_size(const SweepSpec& spec) {
  constexpr double kMost = 100'000;
  double cells = static_cast<double>(spec.seeds.size());
  for (const SweepFactor& factor : spec.factors) cells *= static_cast<double>(factor.changes.size());
  if (spec.tune)
    for (const SweepFactor& factor : spec.tune->axes) cells *= static_cast<double>(factor.changes.size());
  if (cells <= kMost) return;
  const std::string number = cells < 1e15 ? grouped(static_cast<int64_t>(cells))
                                          : "more than " + grouped(int64_t{1'000'000'000'000'000});
  throw ConfigError(spec.name,
                    "cells = " + number + ": must be at most " + grouped(static_cast<int64_t>(kMost)) +
                        "; take axes, values or seeds out",
                    "bad_value");
}

// A search reads no factors: those of the command line come behind what the spec's own check saw.
static void check_alone(const SweepSpec& spec) {
  if (!spec.search || spec.factors.empty()) return;
  std::vector<std::string> values;
  for (const SweepFactor& factor : spec.factors)
    for (const SweepChange& change : factor.changes) values.push_back(change.label);
  throw ConfigError(spec.search->place.text(),
                    "search: draws its rows itself; it stands alone, without several values of " + join(values, ", ") +
                        " on the command line; give them in search.space",
                    "bad_value");
}

SweepGrid expand(const SweepSpec& spec) {
  check_size(spec);
  check_alone(spec);
  SweepGrid grid;
  std::vector<Problem> problems;
  std::vector<bool> used(spec.exclude.size(), false);
  std::vector<size_t> choice(spec.factors.size(), 0);
  do {
    SweepRow row = row_of(spec, choice);
    if (is_excluded(spec, row, used))
      ++grid.excluded;
    else
      grid.rows.push_back(std::move(row));
  } while (next_choice(spec, choice));
  for (size_t i = 0; i < used.size(); ++i) {
    if (!used[i])
      problems.push_back(
          {spec.exclude[i].place.text(), "exclude." + std::to_string(i) + ": excludes no cell", "bad_value"});
  }
  if (grid.rows.empty()) problems.push_back({spec.name, "exclude: leaves no cell", "bad_value"});
  check_rows(grid.rows, problems);
  check_mentions(spec, grid.rows, problems);
  if (!problems.empty()) throw ConfigError(problems);
  if (spec.search) return grid;
  if (spec.tune) {
    grid.tuned = std::move(grid.rows);
    grid.rows = trials_of(grid.tuned, *spec.tune);
  }
  for (size_t i = 0; i < grid.rows.size(); ++i) {
    for (const int64_t seed : spec.tune ? spec.tune->seeds : spec.seeds)
      grid.cells.push_back({i, seed, grid.rows[i].label + ", seed " + std::to_string(seed)});
  }
  return grid;
}

std::vector<std::string> cell_overrides(const SweepSpec& spec, const SweepRow& row, int64_t seed,
                                        const std::vector<std::string>& extra) {
  std::vector<std::string> overrides = spec.set;
  overrides.insert(overrides.end(), row.overrides.begin(), row.overrides.end());
  overrides.insert(overrides.end(), extra.begin(), extra.end());
  overrides.push_back("++seed=" + std::to_string(seed));
  return overrides;
}

}  // namespace subband
