#include "experiments/training/profile/profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/languages/json.h"

namespace subband {

namespace profile_parts {
namespace {

using Kind = LoggedCall::Kind;

constexpr const char* kStep = "step";
constexpr const char* kBackward = "backward";
constexpr const char* kGradients = "gradients of weights";
constexpr size_t kOperations = 12;  // rows
constexpr double kBytesPerMib = 1 << 20;

// `step.blocks.3.lifting` -> `blocks.*.lifting`
std::string row_name(const std::string& path) {
  if (path.empty()) return "between steps";
  if (path == kStep) return "rest of the step";
  std::string name;
  const size_t begin = path.starts_with(std::string(kStep) + ".") ? std::string(kStep).size() + 1 : 0;
  for (size_t i = begin; i < path.size(); ++i) {
    const bool is_digit = std::isdigit(static_cast<unsigned char>(path[i])) != 0;
    if (!is_digit)
      name.push_back(path[i]);
    else if (name.ends_with('.'))
      name.push_back('*');
    else if (!name.ends_with(".*"))
      name.push_back(path[i]);
  }
  return name;
}

// `torch::autograd::CppNode<subband::paths::(anonymous namespace)::Mean>` -> `Mean, back`
std::string operation_name(const std::string& name) {
  constexpr std::string_view kNode = "torch::autograd::CppNode<";
  if (!name.starts_with(kNode) || !name.ends_with('>')) return name;
  const size_t last = name.rfind("::");
  return name.substr(last + 2, name.size() - last - 3) + ", back";
}

/// To which part every call belongs.
struct Places {
  std::vector<std::string> paths;
  std::vector<bool> in_backward;
};

// The way back of a node belongs to the part that made it: the last call that saw no later node.
class Makers {
 public:
  void add(int64_t sequence, const std::string& path) {
    if (sequence < 0) return;
    if (!made_.empty() && made_.back().first > sequence) sorted_ = false;
    made_.emplace_back(sequence, path);
  }
  std::string of(int64_t sequence) {
    if (sequence < 0) return std::string(kStep) + "." + kGradients;
    if (!std::exchange(sorted_, true))
      std::stable_sort(made_.begin(), made_.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    const auto after = std::upper_bound(made_.begin(), made_.end(), sequence,
                                        [](int64_t wanted, const auto& made) { return wanted < made.first; });
    return after == made_.begin() ? kStep : std::prev(after)->second;
  }

 private:
  std::vector<std::pair<int64_t, std::string>> made_;
  bool sorted_ = true;
};

Places places_of(const std::vector<LoggedCall>& calls) {
  Places places{std::vector<std::string>(calls.size()), std::vector<bool>(calls.size(), false)};
  Makers makers;
  for (size_t i = 0; i < calls.size(); ++i) {
    const LoggedCall& call = calls[i];
    const auto parent = static_cast<size_t>(call.parent);
    const std::string around = call.parent < 0 ? "" : places.paths[parent];
    places.in_backward[i] = call.kind == Kind::backward || (call.kind == Kind::part && call.name == kBackward) ||
                            (call.parent >= 0 && places.in_backward[parent]);
    if (call.kind == Kind::part)
      places.paths[i] = around.empty() ? call.name : around + "." + call.name;
    else
      places.paths[i] = call.kind == Kind::backward ? makers.of(call.sequence) : around;
    if (!places.in_backward[i]) makers.add(call.sequence, places.paths[i]);
  }
  return places;
}

/// What a call costs, with all that it calls.
struct Cost {
  double inner_us = 0;  // of what stands in it
  double bytes = 0, bound_us = 0;
};

std::vector<Cost> costs_of(const Profile& profile) {
  const double flops_per_us = profile.yardsticks.gflops * 1e3;
  const double bytes_per_us = profile.yardsticks.gib_per_s * std::pow(2.0, 30) / 1e6;
  std::vector<Cost> costs(profile.calls.size());
  for (size_t i = profile.calls.size(); i-- > 0;) {  // those inside come after
    const LoggedCall& call = profile.calls[i];
    Cost& cost = costs[i];
    if (call.kind != Kind::part) {
      cost.bytes = std::max(cost.bytes, call.bytes);
      if (flops_per_us > 0) cost.bound_us = std::max(cost.bound_us, call.flops / flops_per_us);
      if (bytes_per_us > 0) cost.bound_us = std::max(cost.bound_us, call.bytes / bytes_per_us);
    }
    if (call.parent < 0) continue;
    Cost& around = costs[static_cast<size_t>(call.parent)];
    around.inner_us += call.duration_us;
    if (call.kind == Kind::part || profile.calls[static_cast<size_t>(call.parent)].kind == Kind::part) continue;
    around.bytes += cost.bytes, around.bound_us += cost.bound_us;
  }
  return costs;
}

std::vector<ProfileRow> sorted_rows(const std::map<std::string, ProfileRow>& rows) {
  std::vector<ProfileRow> sorted;
  for (const auto& [name, row] : rows) sorted.push_back(row);
  std::ranges::stable_sort(sorted, [](const ProfileRow& a, const ProfileRow& b) { return a.ms() > b.ms(); });
  return sorted;
}

nlohmann::ordered_json rows_json(const std::vector<ProfileRow>& rows, bool is_of_parts) {
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const ProfileRow& row : rows) {
    nlohmann::ordered_json one = {{is_of_parts ? "part" : "operation", row.name},
                                  {"forward_ms", row.forward_ms},
                                  {"backward_ms", row.backward_ms}};
    if (is_of_parts)
      one.update({{"mib", row.mib}, {"bound_ms", row.bound_ms}});
    else
      one["calls"] = row.calls;
    all.push_back(one);
  }
  return all;
}

}  // namespace
}  // namespace profile_parts

ProfileTable profile_table(const Profile& profile) {
  using namespace profile_parts;
  const Places places = places_of(profile.calls);
  const std::vector<Cost> costs = costs_of(profile);
  std::map<std::string, ProfileRow> parts, operations;
  const auto steps = static_cast<double>(profile.steps);
  for (size_t i = 0; i < profile.calls.size(); ++i) {
    const LoggedCall& call = profile.calls[i];
    const std::string name = row_name(places.paths[i]);
    const double own_ms = (call.duration_us - costs[i].inner_us) / 1e3 / steps;
    const auto add_time = [&](ProfileRow& row) {
      (places.in_backward[i] ? row.backward_ms : row.forward_ms) += own_ms;
    };
    ProfileRow& part = parts.try_emplace(name, ProfileRow{.name = name}).first->second;
    add_time(part);
    if (call.kind == Kind::part) continue;
    const std::string called = operation_name(call.name);
    ProfileRow& operation = operations.try_emplace(called, ProfileRow{.name = called}).first->second;
    add_time(operation), operation.calls += 1 / steps;
    if (call.parent >= 0 && profile.calls[static_cast<size_t>(call.parent)].kind != Kind::part) continue;
    part.mib += costs[i].bytes / kBytesPerMib / steps, part.bound_ms += costs[i].bound_us / 1e3 / steps;
  }
  ProfileTable table{.parts = sorted_rows(parts), .operations = sorted_rows(operations), .of = {}};
  if (table.operations.size() > kOperations) table.operations.resize(kOperations);
  table.of = {.calls = {}, .first_step = profile.first_step, .steps = profile.steps, .yardsticks = profile.yardsticks};
  for (const ProfileRow& row : table.parts) table.step_ms += row.ms();
  return table;
}

std::string ProfileTable::text() const {
  size_t width = 16;
  for (const auto* rows : {&parts, &operations})
    for (const ProfileRow& row : *rows) width = std::max(width, row.name.size());
  std::string lines = fmt::format("{:<{}}  {:>10}  {:>11}  {:>7}  {:>8}  {:>9}\n", "part", width, "forward ms",
                                  "backward ms", "of step", "MiB", "of bound");
  const auto percent = [](double part, double whole) {
    return whole > 0 ? fmt::format("{:.1f} %", 100 * part / whole) : std::string("–");
  };
  const auto line = [&](const ProfileRow& row) {
    lines += fmt::format("{:<{}}  {:>10.2f}  {:>11.2f}  {:>7}  {:>8.1f}  {:>9}\n", row.name, width, row.forward_ms,
                         row.backward_ms, percent(row.ms(), step_ms), row.mib, percent(row.bound_ms, row.ms()));
  };
  ProfileRow total{.name = "step"};
  for (const ProfileRow& row : parts) {
    line(row);
    total.forward_ms += row.forward_ms, total.backward_ms += row.backward_ms;
    total.mib += row.mib, total.bound_ms += row.bound_ms;
  }
  line(total);
  lines += fmt::format("\n{:<{}}  {:>10}  {:>11}  {:>7}  {:>8}\n", "operation, alone", width, "forward ms",
                       "backward ms", "of step", "calls");
  for (const ProfileRow& row : operations)
    lines += fmt::format("{:<{}}  {:>10.2f}  {:>11.2f}  {:>7}  {:>8.1f}\n", row.name, width, row.forward_ms,
                         row.backward_ms, percent(row.ms(), step_ms), row.calls);
  lines += fmt::format(
      "\nsteps {} to {}, a step each; MiB: what operations read and write; bound: every operation's products at "
      "{:.0f} GFLOP/s, or its tensors once at {:.1f} GiB/s, whichever is longer (a product and a copy, measured "
      "after the run)\n",
      of.first_step, of.first_step + of.steps - 1, of.yardsticks.gflops, of.yardsticks.gib_per_s);
  return lines;
}

nlohmann::ordered_json ProfileTable::json() const {
  return {{"first_step", of.first_step},
          {"steps", of.steps},
          {"step_ms", step_ms},
          {"product_gflops", of.yardsticks.gflops},
          {"copy_gib_per_s", of.yardsticks.gib_per_s},
          {"parts", profile_parts::rows_json(parts, true)},
          {"operations", profile_parts::rows_json(operations, false)}};
}

std::string chrome_trace(const Profile& profile) {
  using namespace profile_parts;
  const Places places = places_of(profile.calls);
  std::string trace = "{\"displayTimeUnit\": \"ms\", \"otherData\": ";
  trace += json_document({{"first_step", profile.first_step},
                          {"steps", profile.steps},
                          {"product_gflops", profile.yardsticks.gflops},
                          {"copy_gib_per_s", profile.yardsticks.gib_per_s}});
  trace += ", \"traceEvents\": [";
  for (size_t i = 0; i < profile.calls.size(); ++i) {
    const LoggedCall& call = profile.calls[i];
    const char* const kind = call.kind == Kind::part       ? "part"
                             : places.in_backward[i] ? "backward"
                                                     : "forward";
    trace += i == 0 ? "\n" : ",\n";
    trace += json_document({{"name", operation_name(call.name)},
                            {"cat", kind},
                            {"ph", "X"},
                            {"pid", 1},
                            {"tid", call.thread},
                            {"ts", call.start_us},
                            {"dur", call.duration_us},
                            {"args",
                             {{"part", places.paths[i]}, {"flops", call.flops}, {"bytes", call.bytes}}}});
  }
  return trace + "\n]}\n";
}

}  // namespace subband
