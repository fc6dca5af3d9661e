// The queue of a spec whose cells depend on results: a search, tuned rows, or claims that spend seeds.
#pragma once
#include <filesystem>
#include <memory>

#include "core/registry.h"
#include "sweeps/planning/plan.h"
#include "sweeps/queue.h"

namespace subband {

/// nullptr where the cells are those of the plan. `plan` must outlive it; `store`: where drawn points are kept.
/// ConfigError for a sampler or pruner that cannot be made.
std::unique_ptr<CellQueue> make_adaptive_queue(const SweepPlan& plan, const AddCell& add, const Registry& registry,
                                               const std::filesystem::path& store);

/// ConfigError for a sampler or pruner of the spec that cannot be made.
void check_search_parts(const SweepSpec& spec, const Registry& registry);

/// Of a search, that its pruner has values to judge a bound row by. ConfigError where a rung is no multiple of
/// trainer.evaluate_every, or the metric is not measured there.
void check_rungs(const SweepSpec& spec, const Registry& registry, const PreparedRow& row);

/// Whether the spec's cells depend on results.
bool is_adaptive(const SweepSpec& spec);

}  // namespace subband
