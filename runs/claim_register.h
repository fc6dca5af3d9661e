// What a sweep claims is written down before its first run; what is claimed otherwise later shows as a deviation.
#pragma once
#include <string>
#include <vector>

#include "runs/sweep_manifest.h"

namespace subband {

/// SHA-256 of metric, goal and claims, without what was found: 64 hex digits. Empty without claims.
std::string claims_hash(const SweepManifest& sweep);

/// Takes over what `before`, the same sweep's manifest in the store, has registered, and adds the claims of `sweep`
/// where they are others than the last ones. `runs`: of the sweep, done by now; `time`: seconds since 1970 UTC.
void register_claims(SweepManifest& sweep, const SweepManifest& before, int64_t runs, double time);

/// `claims 1a2b3c4d: written down before the first run`, then one line for each later change of them.
std::vector<std::string> registration_notes(const SweepManifest& sweep);

/// `no bypass worse by 0.001, error rate 0.05`
std::string claim_text(const SweepClaim& claim);

}  // namespace subband
