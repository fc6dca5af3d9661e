// What a sweep claims is written down before its first run; what is claimed otherwise later shows as a deviation.
//   <store>/sweeps/<name>.claims.jsonl, append-only: {"sha256", "time", "runs", "claims": [{"row", "is", "by", "error"?}], "sum"}
//   and, where runs of the sweep were removed: {"removed": 3, "time", "sum"}; what they showed was seen all the same
#pragma once
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "runs/sweep_manifest.h"

namespace subband {

/// SHA-256 of metric, goal and claims, without what was found: 64 hex digits. Empty without claims.
std::string claims_hash(const SweepManifest& sweep);

/// Writes the claims of a sweep down where they are others than the last ones of its name in the store, and gives the
/// sweep all that were written down. `runs`: of the sweep, done by now; `time`: seconds since 1970 UTC.
void register_claims(const std::filesystem::path& store, SweepManifest& sweep, int64_t runs, double time);

/// Notes that runs, given by identity and seed, are removed from a store, beside the claims of every sweep that had them:
/// claims that are changed later were changed after those runs.
void note_removals(const std::filesystem::path& store, const std::vector<std::pair<std::string, int64_t>>& runs,
                   double time);

/// What was written down for the sweep with this manifest; `runs` of each: those done by then, the removed ones too.
std::vector<ClaimRegistration> read_registrations(const std::filesystem::path& manifest);

/// `claims 1a2b3c4d: written down before the first run`, then one line for each later change of them.
std::vector<std::string> registration_notes(const SweepManifest& sweep);

/// `no bypass worse by 0.001, error rate 0.05`
std::string claim_text(const SweepClaim& claim);

nlohmann::ordered_json claim_json(const SweepClaim& claim);
SweepClaim claim_of(const nlohmann::ordered_json& json);

}  // namespace subband
