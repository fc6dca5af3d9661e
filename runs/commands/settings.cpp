#include "runs/commands/settings.h"

#include <algorithm>
#include <set>

#include "core/json.h"
#include "core/text.h"
#include "runs/settings_text.h"

namespace subband {

namespace {

constexpr std::string_view kAbsent = "–";

// The settings of a run, as parts of what the index has; else of `made`, which is made.
std::vector<std::string_view> settings_of_run(const RunSummary& run, std::string& made) {
  if (!run.leaves.all) {
    made = settings_text(read_json_or_null(run.config));
    return settings_in(made);
  }
  std::vector<std::string_view> settings;
  settings.reserve(run.leaves.numbers.size());
  for (const int32_t number : run.leaves.numbers) settings.push_back((*run.leaves.all)[static_cast<size_t>(number)]);
  return settings;
}

bool is_same_setting(std::string_view a, std::string_view b) {
  return (a.data() == b.data() && a.size() == b.size()) || a == b;
}

// Where a run is not as the first one of its recipe: path and value, in the order of the paths.
using Differences = std::vector<std::pair<std::string_view, std::string_view>>;

Differences differences(const std::vector<std::string_view>& first, const std::vector<std::string_view>& other) {
  Differences found;
  size_t i = 0;
  for (const std::string_view setting : other) {
    if (i < first.size() && is_same_setting(setting, first[i])) {
      ++i;
      continue;
    }
    const std::string_view path = setting_path(setting);
    for (; i < first.size() && setting_path(first[i]) < path; ++i) found.emplace_back(setting_path(first[i]), kAbsent);
    if (i < first.size() && setting_path(first[i]) == path) ++i;
    found.emplace_back(path, setting_value(setting));
  }
  for (; i < first.size(); ++i) found.emplace_back(setting_path(first[i]), kAbsent);
  return found;
}

// The runs of one recipe that have settings, compared with the first of them.
class RecipeRuns {
 public:
  void add(size_t run, const std::vector<std::string_view>& settings) {
    if (runs_.empty()) {
      for (const std::string_view setting : settings) first_.emplace(setting_path(setting), setting_value(setting));
      first_lines_ = settings;
    }
    runs_.push_back(run);
    differences_.push_back(differences(first_lines_, settings));
  }

  void tell(std::vector<std::string>& texts) const {
    const std::map<std::string_view, std::string_view> usual = usual_values();
    for (size_t i = 0; i < runs_.size(); ++i) {
      std::string& text = texts[runs_[i]];
      auto own = differences_[i].begin();
      for (const auto& [path, value] : usual) {
        while (own != differences_[i].end() && own->first < path) ++own;
        const bool is_own = own != differences_[i].end() && own->first == path;
        const std::string_view here = is_own ? own->second : value_of_first(path);
        if (here != value) text.append(text.empty() ? "" : " ").append(path).append("=").append(here);
      }
    }
  }

 private:
  std::string_view value_of_first(std::string_view path) const {
    const auto found = first_.find(path);
    return found == first_.end() ? kAbsent : found->second;
  }

  // Of each setting in which runs differ the commonest value, the first in the alphabet where several are; the seed apart.
  std::map<std::string_view, std::string_view> usual_values() const {
    std::map<std::string_view, std::map<std::string_view, size_t>> counts;
    for (const Differences& each : differences_)
      for (const auto& [path, value] : each) ++counts[path][value];
    std::map<std::string_view, std::string_view> usual;
    for (auto& [path, values] : counts) {
      if (path == "seed") continue;
      size_t others = 0;
      for (const auto& [value, count] : values) others += count;
      values[value_of_first(path)] += runs_.size() - others;
      usual[path] = std::ranges::max_element(values, {}, [](const auto& each) { return each.second; })->first;
    }
    return usual;
  }

  std::vector<size_t> runs_;
  std::vector<Differences> differences_;  // of each run
  std::vector<std::string_view> first_lines_;
  std::map<std::string_view, std::string_view> first_;
};

}  // namespace

Settings settings_of(const RunSummary& run) {
  Settings settings;
  std::string made;
  for (const std::string_view setting : settings_of_run(run, made))
    settings.emplace(setting_path(setting), setting_value(setting));
  return settings;
}

std::vector<std::string> differing_settings(const std::vector<RunSummary>& runs) {
  std::vector<std::string> made(runs.size());  // what is compared are parts of texts
  std::map<std::string_view, RecipeRuns> by_recipe;
  for (size_t i = 0; i < runs.size(); ++i) {
    const std::vector<std::string_view> settings = settings_of_run(runs[i], made[i]);
    if (!settings.empty()) by_recipe[runs[i].recipe].add(i, settings);  // a damaged record has none
  }
  std::vector<std::string> texts(runs.size());
  for (const auto& [recipe, each] : by_recipe) each.tell(texts);
  return texts;
}

}  // namespace subband
