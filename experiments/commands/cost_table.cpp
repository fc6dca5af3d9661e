#include "experiments/commands/cost_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/text.h"

namespace subband {

namespace {

constexpr const char* kRest = "norms, gains";

// 1234567 -> `1.235 M`
std::string engineering(double value) {
  const char* units[] = {"", " k", " M", " G", " T", " P"};
  size_t unit = 0;
  while (value >= 1000 && unit + 1 < std::size(units)) value /= 1000, ++unit;
  return unit == 0 ? fmt::format("{:.0f}", value) : fmt::format("{:.4g}{}", value, units[unit]);
}

}  // namespace

std::string CostTable::text() const {
  size_t width = std::string(kRest).size();
  for (const PartCost& each : costs.parts()) width = std::max(width, each.part.size());
  const double tokens = static_cast<double>(length);
  std::string lines = fmt::format("{:<{}}  {:>15}  {:>11}  {:>14}  {:>13}\n", "part", width, "parameters",
                                  "flops/token", "flops/sequence", "state bytes");
  const auto row = [&](const std::string& name, int64_t count, double flops, int64_t state) {
    lines += fmt::format("{:<{}}  {:>15}  {:>11}  {:>14}  {:>13}\n", name, width, grouped(count),
                         engineering(flops / tokens), engineering(flops), grouped(state));
  };
  for (const PartCost& each : costs.parts()) row(each.part, each.parameters, each.flops, each.state_bytes);
  if (parameters > costs.parameters()) row(kRest, parameters - costs.parameters(), 0, 0);
  row("total", parameters, costs.flops(), costs.state_bytes());
  return lines + fmt::format(
                     "forward pass over one sequence of {} tokens, a multiplication and an addition are two; "
                     "state of decoding after it, fp32\n",
                     grouped(length));
}

nlohmann::ordered_json CostTable::json() const {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const PartCost& each : costs.parts()) {
    rows.push_back({{"part", each.part},
                    {"parameters", each.parameters},
                    {"flops_per_token", each.flops / static_cast<double>(length)},
                    {"flops_per_sequence", each.flops},
                    {"state_bytes", each.state_bytes}});
  }
  return {{"length", length},
          {"parameters", parameters},
          {"flops_per_token", costs.flops() / static_cast<double>(length)},
          {"flops_per_sequence", costs.flops()},
          {"state_bytes", costs.state_bytes()},
          {"parts", rows}};
}

}  // namespace subband
