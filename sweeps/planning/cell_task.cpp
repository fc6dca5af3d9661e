#include "sweeps/planning/cell_task.h"

#include "core/config/yaml.h"
#include "core/error.h"
#include "core/files.h"
#include "sweeps/planning/plan.h"

namespace subband {

namespace fs = std::filesystem;
using config::Node;

namespace {

const Node& task_field(const Node& task, const char* key, Node::Kind kind, const fs::path& file) {
  const Node* value = task.find(key);
  if (value == nullptr || !value->is(kind))
    throw Error(
        Problem{file.string(), std::string("task: ") + key + ": is missing or of another kind", "damaged"});
  return *value;
}

void set_if_known(Node& map, const char* key, const std::optional<double>& value) {
  if (value) map.set(key, Node(*value));
}

std::optional<double> number_under(const Node& map, const char* key) {
  const Node* value = map.find(key);
  const bool is_number =
      value != nullptr && (value->is(Node::Kind::number) || value->is(Node::Kind::integer));
  return is_number ? std::optional(value->number()) : std::nullopt;
}

int64_t count_under(const Node& map, const char* key, int64_t otherwise) {
  const Node* value = map.find(key);
  return value != nullptr && value->is(Node::Kind::integer) ? value->integer() : otherwise;
}

Node needs_node(const TaskNeeds& needs) {
  Node node = Node::map();
  node.set("threads", Node(needs.threads));
  node.set("devices", Node(needs.devices));
  set_if_known(node, "memory_mib", needs.memory_mib);
  set_if_known(node, "seconds", needs.seconds);
  return node;
}

}  // namespace

CellTask task_of(const SweepPlan& plan, size_t number) {
  const PlannedCell& cell = plan.cells[number];
  const SweepRow& row = plan.grid.rows[cell.cell.row];
  CellTask task{.sweep = plan.spec.name,
                .row = row.label,
                .seed = cell.cell.seed,
                .id = cell.id,
                .recipe = row.recipe,
                .overrides = cell_overrides(plan.spec, row, cell.cell.seed, plan.extra),
                .keep = plan.spec.keep,
                .needs = {.threads = cell.threads,
                          .devices = cell.devices,
                          .memory_mib = cell.peak_mib,
                          .seconds = cell.seconds},
                .data = cell.data};
  if (cell.split > 0) task.overrides.push_back(split_override(cell.split));
  Node composed = *cell.recipe;  // its row may have been composed with another seed
  Node seed(cell.cell.seed);
  seed.place = {std::make_shared<const std::string>("seeds of the sweep")};
  composed.set("seed", std::move(seed));
  task.config = std::make_shared<const Node>(std::move(composed));
  return task;
}

std::string task_text(const CellTask& task) {
  Node node = Node::map();
  node.set("sweep", Node(task.sweep));
  node.set("row", Node(task.row));
  node.set("seed", Node(task.seed));
  node.set("id", Node(task.id));
  node.set("recipe", Node(task.recipe));
  Node overrides = Node::list();
  for (const std::string& each : task.overrides) overrides.items().emplace_back(each);
  node.set("overrides", std::move(overrides));
  node.set("keep", Node(task.keep));
  node.set("needs", needs_node(task.needs));
  Node data = Node::map();
  if (task.data)
    for (const auto& [file, checksum] : *task.data) data.set(file, Node(checksum));
  node.set("data", std::move(data));
  node.set("config", *task.config);
  return config::to_yaml(node);
}

CellTask read_task(const fs::path& file) {
  const Node node = config::read_yaml(file);
  if (!node.is(Node::Kind::map)) throw Error(Problem{file.string(), "task: is no map", "damaged"});
  const auto text = [&](const char* key) { return task_field(node, key, Node::Kind::string, file).string(); };
  const Node& needs = task_field(node, "needs", Node::Kind::map, file);
  CellTask task{.sweep = text("sweep"),
                .row = text("row"),
                .seed = task_field(node, "seed", Node::Kind::integer, file).integer(),
                .id = text("id"),
                .recipe = text("recipe"),
                .keep = text("keep"),
                .needs = {.threads = count_under(needs, "threads", 1),
                          .devices = count_under(needs, "devices", 0),
                          .memory_mib = number_under(needs, "memory_mib"),
                          .seconds = number_under(needs, "seconds")}};
  for (const Node& each : task_field(node, "overrides", Node::Kind::list, file).items())
    if (each.is(Node::Kind::string)) task.overrides.push_back(each.string());
  DataManifest data;
  for (const config::Entry& entry : task_field(node, "data", Node::Kind::map, file).entries())
    if (entry.value.is(Node::Kind::string)) data.emplace(entry.key, entry.value.string());
  task.data = std::make_shared<const DataManifest>(std::move(data));
  task.config = std::make_shared<const Node>(task_field(node, "config", Node::Kind::map, file));
  return task;
}

fs::path task_file(const fs::path& sweep_folder, const CellTask& task) {
  return sweep_folder / "tasks" / (task.id.substr(0, 16) + "-s" + std::to_string(task.seed) + ".yaml");
}

fs::path write_task(const fs::path& sweep_folder, const CellTask& task) {
  const fs::path file = task_file(sweep_folder, task);
  const std::string text = task_text(task);
  std::error_code failed;
  if (fs::file_size(file, failed) == text.size() && !failed && read_file(file) == text) return file;
  fs::create_directories(file.parent_path(), failed);
  if (failed) throw Error(file.parent_path().string(), "cannot be made: " + failed.message());
  write_file(file, text);
  return file;
}

}  // namespace subband
