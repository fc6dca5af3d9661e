#include "experiments/training/machine.h"

#include <ATen/Version.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/json.h"
#include "core/text.h"

namespace subband {

namespace {

std::string path_text(const OpUse& use) {
  return use.path + (use.detail.empty() ? "" : " (" + use.detail + ")");
}

// The ways in which `op` ran.
std::vector<std::string> paths_of(const MachineTrace& trace, const std::string& op) {
  std::vector<std::string> paths;
  for (const OpUse& use : trace.ops)
    if (use.op == op) paths.push_back(path_text(use));
  return paths;
}

}  // namespace

std::string instruction_set() { return at::get_cpu_capability(); }

std::string machine_text(const MachineTrace& trace) {
  Json ops = Json::array();
  for (const OpUse& use : trace.ops) ops.push_back({use.op, use.path, use.detail});
  return Json{{"instructions", trace.instructions}, {"ops", ops}}.dump();
}

MachineTrace read_machine(const std::string& text) {
  const Json json = read_json_or_null(text);
  MachineTrace trace;
  if (!json.is_object()) return trace;
  trace.instructions = json.value("instructions", "");
  for (const Json& op : json.value("ops", Json::array()))
    if (op.is_array() && op.size() == 3) trace.ops.push_back({op[0], op[1], op[2]});
  return trace;
}

std::vector<std::string> machine_differences(const MachineTrace& before, const MachineTrace& now) {
  std::vector<std::string> differences;
  const bool are_known = !before.instructions.empty() && !now.instructions.empty();
  if (are_known && before.instructions != now.instructions)
    differences.push_back("instructions = " + now.instructions + ": were " + before.instructions);
  for (const OpUse& use : now.ops) {
    const std::vector<std::string> known = paths_of(before, use.op);
    if (known.empty() || std::ranges::find(known, path_text(use)) != known.end()) continue;
    differences.push_back(use.op + " = " + path_text(use) + ": was " + join(known, " and "));
  }
  return differences;
}

MachineTrace merged(MachineTrace before, const MachineTrace& now) {
  if (!now.instructions.empty()) before.instructions = now.instructions;
  for (const OpUse& use : now.ops) {
    const std::vector<std::string> known = paths_of(before, use.op);
    if (std::ranges::find(known, path_text(use)) == known.end()) before.ops.push_back(use);
  }
  return before;
}

}  // namespace subband
