#include "runs/perform.h"

#include <torch/version.h>

#include "core/json.h"
#include "experiments/training/experiment.h"
#include "experiments/training/machine.h"
#include "runs/identity.h"
#include "runs/other_code.h"

namespace subband {

DataManifest data_manifest(const Recipe& recipe) {
  const auto data = make_data(recipe);
  return data ? data->manifest() : DataManifest{};
}

RunPlan run_plan(const Recipe& recipe) {
  const DataManifest manifest = data_manifest(recipe);
  RunStart start{.id = run_identity(recipe.identity, recipe.parts, manifest),
                 .recipe = recipe.name,
                 .seed = recipe.seed,
                 .config = read_json(config::to_json(recipe.resolved), recipe.name),
                 .parts = RecordJson::object(),
                 .data = RecordJson::object(),
                 .provenance = RecordJson::object()};
  for (const auto& [part, version] : recipe.versions) start.parts[part] = version;
  for (const auto& [file, checksum] : manifest) start.data[file] = checksum;
  start.provenance["libtorch"] = TORCH_VERSION;
  start.provenance["device"] = recipe.trainer.device;
  start.provenance["instructions"] = instruction_set();
  start.provenance["threads"] = recipe.trainer.threads;
  start.provenance["code"] = part_code_json(part_code(recipe.versions));
  return {.start = std::move(start), .resolved = recipe.resolved};
}

RunResult perform(const Recipe& recipe, const RunPlan& plan, const Store& store,
                  const PerformOptions& options) {
  Recipe pinned = recipe;
  for (const auto& [file, checksum] : plan.start.data.items())
    pinned.data_pin.emplace(file, checksum.get<std::string>());
  return conduct(plan, store, options, [&](const std::filesystem::path& folder, Observer& observer) {
    return run_experiment(pinned, {.checkpoints = folder / "checkpoints",
                                   .cache = store.root() / "cache",
                                   .observer = &observer,
                                   .stop = options.stop,
                                   .checkpoint = options.checkpoint,
                                   .other_machine = options.other_machine});
  });
}

}  // namespace subband
