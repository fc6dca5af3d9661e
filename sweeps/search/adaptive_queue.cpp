#include "sweeps/search/adaptive_queue.h"

#include <algorithm>
#include <limits>

#include "core/error.h"

#include "core/hash.h"
#include "core/slot.h"
#include "runs/sweep_manifest.h"
#include "sweeps/search/claims_queue.h"
#include "sweeps/search/search_queue.h"
#include "sweeps/search/tune_queue.h"

namespace subband {

static bool is_spending(const SweepSpec& spec) {
  return spec.spend > static_cast<int64_t>(spec.seeds.size()) &&
         std::ranges::any_of(spec.claims, [](const SweepClaim& claim) { return claim.error.has_value(); });
}

bool is_adaptive(const SweepSpec& spec) { return spec.search || spec.tune || is_spending(spec); }

void check_search_parts(const SweepSpec& spec, const Registry& registry) {
  if (!spec.search) return;
  make_part<Sampler>(registry, spec.search->sampler);
  make_part<Pruner>(registry, spec.search->pruner);
}

static std::optional<int64_t> whole_number(const config::Node& config, const char* key) {
  const config::Node* found = config.is(config::Node::Kind::map) ? config.at(key) : nullptr;
  if (found == nullptr || !found->is(config::Node::Kind::integer)) return std::nullopt;
  return found->integer();
}

void check_rungs(const SweepSpec& spec, const Registry& registry, const PreparedRow& row) {
  const auto every = whole_number(row.resolved, "trainer.evaluate_every");
  if (!spec.search || !every) return;
  const auto pruner = make_part<Pruner>(registry, spec.search->pruner);
  const int64_t steps = whole_number(row.resolved, "trainer.steps").value_or(std::numeric_limits<int64_t>::max());
  const auto rung = pruner->rung_after(0, steps);  // later ones are multiples of it
  if (!rung) return;
  const std::string place = spec.search->place.source ? spec.search->place.text() : spec.name;
  if (*every == 0 || *rung % *every != 0)
    throw ConfigError(place,
                      "search.pruner: rung at step " + std::to_string(*rung) +
                          ": must be a multiple of trainer.evaluate_every = " + std::to_string(*every) +
                          "; a run is judged by what was measured there",
                      "bad_value");
  const bool is_estimated = spec.metric.ends_with("_estimate") ||
                            std::ranges::find(row.metrics, spec.metric + "_estimate") != row.metrics.end();
  if (!row.metrics.empty() && !is_estimated)
    throw ConfigError(place,
                      "search.pruner: metric.name = " + spec.metric +
                          ": is not measured at rungs; a metric of validation data is",
                      "bad_value");
}

std::unique_ptr<CellQueue> make_adaptive_queue(const SweepPlan& plan, const AddCell& add, const Registry& registry,
                                               const std::filesystem::path& store) {
  const SweepSpec& spec = plan.spec;
  if (spec.search) {
    const std::filesystem::path file = sweep_file(store, spec.name, ".draws.jsonl");
    return std::make_unique<SearchQueue>(plan, add, make_part<Sampler>(registry, spec.search->sampler),
                                         make_part<Pruner>(registry, spec.search->pruner),
                                         DrawLedger(file, sha256_hex(spec.search->text).substr(0, 16)));
  }
  if (spec.tune) return std::make_unique<TuneQueue>(plan, add);
  if (is_spending(spec)) return std::make_unique<ClaimsQueue>(plan, add);
  return nullptr;
}

}  // namespace subband
