#include "experiments/commands/parameter_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/text.h"
#include "models/module.h"

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

static void count(std::vector<ParameterCount>& counts, const std::string& name, const at::Tensor& tensor) {
  auto found = std::ranges::find(counts, name, &ParameterCount::name);
  if (found == counts.end()) found = counts.insert(found, ParameterCount{.name = name});
  ++found->tensors;
  found->parameters += tensor.numel();
}

ParameterTable parameter_table(const torch::nn::Module& module) {
  ParameterTable table;
  for (const std::string& role : role_names()) table.roles.push_back({.name = role});
  for (const Parameter& each : parameters_of(module)) {
    const std::string& role = name_of(each.purpose.role);
    count(table.groups, group_of(each.name), each.value);
    count(table.roles, role, each.value);
    table.parameters += each.value.numel();
    table.tensors.push_back(
        {each.name, each.value.sizes().vec(), /*learned=*/true, role, each.purpose.own_start});
  }
  std::erase_if(table.roles, [](const ParameterCount& role) { return role.tensors == 0; });
  for (const auto& item : module.named_buffers()) {
    table.buffers += item.value().numel();
    table.tensors.push_back({item.key(), item.value().sizes().vec(), /*learned=*/false});
  }
  return table;
}

std::string ParameterTable::text() const {
  size_t width = 5;
  for (const auto* counts : {&groups, &roles})
    for (const ParameterCount& each : *counts) width = std::max(width, each.name.size());
  const auto rows = [&](const char* title, const std::vector<ParameterCount>& counts) {
    std::string lines =
        fmt::format("{:<{}}  {:>7}  {:>15}  {:>6}\n", title, width, "tensors", "parameters", "share");
    for (const ParameterCount& each : counts)
      lines += fmt::format("{:<{}}  {:>7}  {:>15}  {:>5.1f}%\n", each.name, width, each.tensors,
                           grouped(each.parameters),
                           100.0 * static_cast<double>(each.parameters) / static_cast<double>(parameters));
    return lines;
  };
  int64_t count = 0;
  for (const ParameterCount& group : groups) count += group.tensors;
  std::string lines = rows("group", groups);
  lines += fmt::format("{:<{}}  {:>7}  {:>15}\n", "total", width, count, grouped(parameters));
  lines += "\n" + rows("role", roles);
  if (buffers > 0) lines += fmt::format("besides {} values that are not learned\n", grouped(buffers));
  return lines;
}

std::string ParameterTable::listing() const {
  std::string lines;
  for (const NamedShape& tensor : tensors) {
    lines += fmt::format("{}  [{}]  {}{}\n", tensor.name, fmt::join(tensor.shape, ", "),
                         tensor.learned ? tensor.role : "not learned", tensor.own_start ? ", own start" : "");
  }
  return lines;
}

nlohmann::ordered_json ParameterTable::json() const {
  const auto rows = [](const char* title, const std::vector<ParameterCount>& counts) {
    nlohmann::ordered_json all = nlohmann::ordered_json::array();
    for (const ParameterCount& each : counts)
      all.push_back({{title, each.name}, {"tensors", each.tensors}, {"parameters", each.parameters}});
    return all;
  };
  nlohmann::ordered_json named = nlohmann::ordered_json::array();
  for (const NamedShape& tensor : tensors) {
    named.push_back({{"name", tensor.name}, {"shape", tensor.shape}, {"learned", tensor.learned}});
    if (!tensor.learned) continue;
    named.back()["role"] = tensor.role;
    named.back()["own_start"] = tensor.own_start;
  }
  return {{"total", parameters},
          {"buffers", buffers},
          {"groups", rows("group", groups)},
          {"roles", rows("role", roles)},
          {"tensors", named}};
}

}  // namespace subband
