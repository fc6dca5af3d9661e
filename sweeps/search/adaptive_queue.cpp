#include "sweeps/search/adaptive_queue.h"

#include <algorithm>

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
