#include "experiments/optimizers/parameter_groups.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cassert>
#include <map>
#include <utility>

#include "core/text.h"

namespace subband {

using config::Node;

static std::string rule_for_unknown(const std::string& role) {
  return "knows no role '" + role + "'; known: " + join(role_names(), ", ");
}

void GroupFields::bind(Binder& b) {
  b.field("no_decay", no_decay,
          "roles whose parameters have no weight decay; usual: [bias, norm, embedding]")
      .since(config::Node::list());
  for (const std::string& role : no_decay)
    b.check(role_named(role).has_value(), "no_decay", rule_for_unknown(role));
  b.tree("rates", rates, "factors of the learning rate by role, such as {embedding: 0.1}; the others have 1")
      .since(config::Node::map());
  const bool is_map = rates.is(Node::Kind::map);
  b.check(is_map, "rates", "expected a map from role to factor");
  if (!is_map) rates = Node::map();
  for (const auto& entry : rates.entries()) {
    const bool is_number = entry.value.is(Node::Kind::number) || entry.value.is(Node::Kind::integer);
    b.check(role_named(entry.key).has_value(), "rates", rule_for_unknown(entry.key));
    b.check(is_number && entry.value.number() >= 0 && entry.value.number() <= 1e3, "rates",
            entry.key + ": must be a number from 0 to 1000");
  }
}

double GroupFields::rate_of(Role role) const {
  const Node* written = rates.find(name_of(role));
  return written ? written->number() : 1;
}

bool GroupFields::decays(Role role) const { return std::ranges::count(no_decay, name_of(role)) == 0; }

std::vector<ParameterGroup> make_groups(const std::vector<Parameter>& parameters, const GroupFields& fields) {
  std::vector<ParameterGroup> groups;
  for (size_t i = 0; i < parameters.size(); ++i) {
    const Role role = parameters[i].purpose.role;
    const std::vector<int64_t> shape = parameters[i].value.sizes().vec();
    auto group = std::ranges::find_if(
        groups, [&](const ParameterGroup& each) { return each.role == role && each.shape == shape; });
    if (group == groups.end())
      group = groups.insert(group, {.name = fmt::format("{} [{}]", name_of(role), fmt::join(shape, ", ")),
                                    .role = role,
                                    .shape = shape,
                                    .members = {},
                                    .rate = fields.rate_of(role),
                                    .decays = fields.decays(role)});
    group->members.push_back(i);
  }
  return groups;
}

std::vector<StepPart> step_parts(std::span<const ParameterGroup> groups, std::span<const double> rates,
                                 double weight_decay) {
  assert(groups.size() == rates.size());
  std::map<std::pair<double, double>, std::vector<size_t>> parts;
  for (size_t g = 0; g < groups.size(); ++g) {
    std::vector<size_t>& members = parts[{rates[g], groups[g].decays ? weight_decay : 0}];
    members.insert(members.end(), groups[g].members.begin(), groups[g].members.end());
  }
  std::vector<StepPart> all;
  for (auto& [settings, members] : parts) {
    std::ranges::sort(members);
    all.push_back({settings.first, settings.second, std::move(members)});
  }
  return all;
}

}  // namespace subband
