#include "experiments/commands/parameter_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "core/text.h"

namespace subband {

// `blocks.0.mixer.q.weight` -> `blocks.*.mixer`: two words at most, numbers as stars, the tensor's own name
// apart.
static std::string group_of(const std::string& name) {
  std::vector<std::string> parts = split(name, '.');
  if (parts.size() > 1) parts.pop_back();
  std::string group;
  int words = 0;
  for (const std::string& part : parts) {
    const bool number = parse_integer(part).has_value();
    if (!number && words++ == 2) break;
    group += (group.empty() ? "" : ".") + (number ? "*" : part);
  }
  return group;
}

ParameterTable parameter_table(const torch::nn::Module& module) {
  ParameterTable table;
  std::set<const void*> seen;
  for (const auto& item : module.named_parameters()) {
    if (!seen.insert(item.value().unsafeGetTensorImpl()).second) continue;
    const std::string name = group_of(item.key());
    auto group = std::ranges::find(table.groups, name, &ParameterGroup::name);
    if (group == table.groups.end()) group = table.groups.insert(group, ParameterGroup{.name = name});
    ++group->tensors;
    group->parameters += item.value().numel();
    table.parameters += item.value().numel();
  }
  for (const auto& item : module.named_parameters())
    table.tensors.push_back({item.key(), item.value().sizes().vec()});
  for (const auto& item : module.named_buffers()) {
    table.buffers += item.value().numel();
    table.tensors.push_back({item.key(), item.value().sizes().vec(), /*learned=*/false});
  }
  return table;
}

std::string ParameterTable::text() const {
  size_t width = 5;
  for (const ParameterGroup& group : groups) width = std::max(width, group.name.size());
  std::string lines =
      fmt::format("{:<{}}  {:>7}  {:>15}  {:>6}\n", "group", width, "tensors", "parameters", "share");
  int64_t count = 0;
  for (const ParameterGroup& group : groups) {
    count += group.tensors;
    lines += fmt::format("{:<{}}  {:>7}  {:>15}  {:>5.1f}%\n", group.name, width, group.tensors,
                         grouped(group.parameters),
                         100.0 * static_cast<double>(group.parameters) / static_cast<double>(parameters));
  }
  lines += fmt::format("{:<{}}  {:>7}  {:>15}\n", "total", width, count, grouped(parameters));
  if (buffers > 0) lines += fmt::format("besides {} values that are not learned\n", grouped(buffers));
  return lines;
}

std::string ParameterTable::listing() const {
  std::string lines;
  for (const NamedShape& tensor : tensors) {
    lines += fmt::format("{}  [{}]{}\n", tensor.name, fmt::join(tensor.shape, ", "),
                         tensor.learned ? "" : "  not learned");
  }
  return lines;
}

nlohmann::ordered_json ParameterTable::json() const {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const ParameterGroup& group : groups) {
    rows.push_back({{"group", group.name}, {"tensors", group.tensors}, {"parameters", group.parameters}});
  }
  nlohmann::ordered_json named = nlohmann::ordered_json::array();
  for (const NamedShape& tensor : tensors)
    named.push_back({{"name", tensor.name}, {"shape", tensor.shape}, {"learned", tensor.learned}});
  return {{"total", parameters}, {"buffers", buffers}, {"groups", rows}, {"tensors", named}};
}

}  // namespace subband
