#include "sweeps/spec/between_runs.h"

#include "core/config/yaml.h"
#include "core/error.h"
#include "sweeps/spec/ablation.h"

namespace subband {

void read_between_runs(SweepSpec& spec, const Store& store, const std::vector<std::string>& every_cell,
                       const TryRow& row) {
  if (!spec.between) return;
  const auto config_of = [&](const std::string& run) { return (store.resolve(run) / "config.yaml").string(); };
  const std::string from = config_of(spec.between->from), to = config_of(spec.between->to);
  const auto is_legal = [&](const std::vector<std::string>& changes) {
    std::vector<std::string> overrides = spec.set;
    overrides.insert(overrides.end(), changes.begin(), changes.end());
    overrides.insert(overrides.end(), every_cell.begin(), every_cell.end());
    try {
      row(from, overrides);
      return true;
    } catch (const Error&) {
      return false;
    }
  };
  add_between(spec, from, config_differences(config::read_yaml(from), config::read_yaml(to), is_legal));
}

}  // namespace subband
