#include "runs/commands/settings.h"

#include <algorithm>
#include <set>

#include "core/json.h"
#include "core/text.h"

namespace subband {

namespace {

void add_settings(Settings& settings, const RecordJson& tree, const std::string& path) {
  if (tree.is_object() && !tree.empty()) {
    for (const auto& [key, value] : tree.items())
      add_settings(settings, value, path.empty() ? key : path + "." + key);
    return;
  }
  settings[path] = tree.is_string() ? tree.get<std::string>() : json_text(tree);
}

constexpr const char* kAbsent = "–";

std::string setting_in(const Settings& settings, const std::string& path) {
  const auto found = settings.find(path);
  return found == settings.end() ? kAbsent : found->second;
}

// The commonest value of a setting, the first in the alphabet where several are.
std::string usual_value(const std::vector<const Settings*>& runs, const std::string& path) {
  std::map<std::string, size_t> counts;
  for (const Settings* settings : runs) ++counts[setting_in(*settings, path)];
  return std::ranges::max_element(counts, {}, [](const auto& each) { return each.second; })->first;
}

// Settings in which the runs differ, each with its usual value.
Settings usual_values(const std::vector<const Settings*>& runs) {
  std::set<std::string> paths;
  for (const Settings* settings : runs)
    for (const auto& [path, value] : *settings) paths.insert(path);
  Settings usual;
  for (const std::string& path : paths) {
    const bool is_same = std::ranges::all_of(
        runs, [&](const Settings* each) { return setting_in(*each, path) == setting_in(*runs[0], path); });
    if (!is_same && path != "seed") usual[path] = usual_value(runs, path);
  }
  return usual;
}

}  // namespace

Settings settings_of(const RecordJson& config) {
  Settings settings;
  if (config.is_object()) add_settings(settings, config, "");
  return settings;
}

std::vector<std::string> differing_settings(const std::vector<RunSummary>& runs) {
  std::vector<Settings> settings;
  for (const RunSummary& run : runs)
    settings.push_back(settings_of(read_json_or_null(run.config)));
  std::map<std::string, std::vector<const Settings*>> by_recipe;
  for (size_t i = 0; i < runs.size(); ++i)
    if (!settings[i].empty()) by_recipe[runs[i].recipe].push_back(&settings[i]);  // a damaged record has none
  std::map<std::string, Settings> usual;
  for (const auto& [recipe, each] : by_recipe) usual[recipe] = usual_values(each);
  std::vector<std::string> texts;
  for (size_t i = 0; i < runs.size(); ++i) {
    std::vector<std::string> words;
    for (const auto& [path, value] : usual[runs[i].recipe])
      if (!settings[i].empty() && setting_in(settings[i], path) != value)
        words.push_back(path + "=" + setting_in(settings[i], path));
    texts.push_back(join(words, " "));
  }
  return texts;
}

}  // namespace subband
