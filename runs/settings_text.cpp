#include "runs/settings_text.h"

#include <algorithm>
#include <map>

#include "core/json.h"

namespace subband {

static constexpr char kEnd = '\x1f';

static void add_leaves(std::map<std::string, std::string>& leaves, const RecordJson& tree, const std::string& path) {
  if (tree.is_object() && !tree.empty()) {
    for (const auto& [key, value] : tree.items()) add_leaves(leaves, value, path.empty() ? key : path + "." + key);
    return;
  }
  leaves[path] = tree.is_string() ? tree.get<std::string>() : json_text(tree);
}

std::string settings_text(const RecordJson& config) {
  std::map<std::string, std::string> leaves;
  if (config.is_object()) add_leaves(leaves, config, "");
  std::string text;
  for (auto& [path, value] : leaves) {
    std::ranges::replace(value, kEnd, ' ');
    text.append(path).append("=").append(value) += kEnd;
  }
  return text;
}

std::vector<std::string_view> settings_in(std::string_view text) {
  std::vector<std::string_view> settings;
  settings.reserve(128);
  while (!text.empty()) {
    const size_t end = text.find(kEnd);
    settings.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end, text.size() - 1) + 1);
  }
  return settings;
}

std::string_view setting_path(std::string_view setting) { return setting.substr(0, setting.find('=')); }

std::string_view setting_value(std::string_view setting) {
  const size_t sign = setting.find('=');
  return sign == std::string_view::npos ? std::string_view() : setting.substr(sign + 1);
}

}  // namespace subband
