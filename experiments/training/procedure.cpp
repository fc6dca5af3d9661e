#include "experiments/training/procedure.h"

namespace subband {

void register_procedures(Registry& registry) {
  auto& all = registry.of<Procedure>();
  const auto add = [&](const char* name, int version, const char* summary) {
    all.add<Procedure, Procedure::Config>({.name = name, .summary = summary, .version = version});
  };
  add("training", 2, "one optimiser step: micro-batches, loss scale, clipping, the order of what is drawn");
  add("evaluation", 1, "windows and sums of the final measurements and of estimates");
  add("reading", 1, "texts and labelled examples to ids, and the order of batches");
  add("initialization", 1, "initial weights that nets draw for the maps of their parts");
}

std::map<std::string, int> procedure_versions(const Registry& registry) {
  std::map<std::string, int> versions;
  const auto& all = registry.of<Procedure>();
  for (const std::string& name : all.names())
    versions[std::string(Procedure::kKind) + ":" + name] = all.info(name)->version;
  return versions;
}

}  // namespace subband
