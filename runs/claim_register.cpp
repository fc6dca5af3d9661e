#include "runs/claim_register.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/hash.h"
#include "core/json.h"
#include "core/languages/json.h"
#include "core/text.h"
#include "runs/record/line_file.h"

namespace subband {

static std::vector<std::string> texts_of(const std::vector<SweepClaim>& claims) {
  std::vector<std::string> texts;
  for (const SweepClaim& claim : claims) texts.push_back(claim_text(claim));
  return texts;
}

// Those of `some` that `others` lack.
static std::vector<std::string> without(std::vector<std::string> some, const std::vector<std::string>& others) {
  std::erase_if(some, [&](const std::string& each) { return std::ranges::find(others, each) != others.end(); });
  return some;
}

std::string claim_text(const SweepClaim& claim) {
  std::string text = claim.row + " " + claim.is;
  if (claim.by > 0 || claim.is == "equal")
    text += (claim.is == "equal" ? " within " : " by ") + fmt::format("{:g}", claim.by);
  if (claim.error) text += fmt::format(", error rate {:g}", *claim.error);
  return text;
}

Json claim_json(const SweepClaim& claim) {
  Json json = {{"row", claim.row}, {"is", claim.is}, {"by", claim.by}};
  if (claim.error) json["error"] = *claim.error;
  return json;
}

SweepClaim claim_of(const Json& json) {
  SweepClaim claim{.row = json.at("row"), .is = json.at("is"), .by = json.at("by")};
  if (json.contains("error")) claim.error = json.at("error").get<double>();
  return claim;
}

std::string claims_hash(const SweepManifest& sweep) {
  if (sweep.claims.empty()) return "";
  Json document = {{"metric", sweep.metric}, {"goal", sweep.goal}, {"claims", Json::array()}};
  for (const SweepClaim& claim : sweep.claims) document["claims"].push_back(claim_json(claim));
  return sha256_hex(json_document(document));
}

static std::filesystem::path register_of(const std::filesystem::path& manifest) {
  return std::filesystem::path(manifest).replace_extension(".claims.jsonl");
}

std::vector<ClaimRegistration> read_registrations(const std::filesystem::path& manifest) {
  std::vector<ClaimRegistration> all;
  int64_t removed = 0;
  for (const RecordJson& line : read_line_file(register_of(manifest))) {
    removed += integer_in(line, "removed");
    if (!line.contains("sha256")) continue;
    all.push_back({.hash = text_in(line, "sha256"),
                   .time = number_in(line, "time"),
                   .runs = integer_in(line, "runs") + removed});
    for (const auto& claim : line.value("claims", Json::array())) all.back().claims.push_back(claim_of(claim));
  }
  return all;
}

void register_claims(const std::filesystem::path& store, SweepManifest& sweep, int64_t runs, double time) {
  const std::filesystem::path manifest = sweep_file(store, sweep.name, ".json");
  sweep.registered = read_registrations(manifest);
  const std::string hash = claims_hash(sweep);
  const std::string last = sweep.registered.empty() ? "" : sweep.registered.back().hash;
  if (hash == last) return;
  RecordJson line = {{"sha256", hash}, {"time", time}, {"runs", runs}, {"claims", Json::array()}};
  for (const SweepClaim& claim : sweep.claims) line["claims"].push_back(claim_json(claim));
  append_line(register_of(manifest), line);
  sweep.registered = read_registrations(manifest);
}

void note_removals(const std::filesystem::path& store, const std::vector<std::pair<std::string, int64_t>>& runs,
                   double time) {
  for (const SweepManifest& sweep : read_sweep_manifests(store).sweeps) {
    if (sweep.registered.empty()) continue;
    const auto removed = std::ranges::count_if(sweep.cells, [&](const SweepCell& cell) {
      return std::ranges::find(runs, std::pair(cell.id, cell.seed)) != runs.end();
    });
    if (removed > 0)
      append_line(register_of(sweep_file(store, sweep.name, ".json")), {{"removed", removed}, {"time", time}});
  }
}

std::vector<std::string> registration_notes(const SweepManifest& sweep) {
  std::vector<std::string> notes;
  std::vector<std::string> before;
  for (const ClaimRegistration& each : sweep.registered) {
    const std::vector<std::string> now = texts_of(each.claims);
    const std::string name = each.hash.empty() ? "none" : each.hash.substr(0, 16);
    const std::string when = each.runs == 0   ? "before the first run"
                             : each.runs == 1 ? "when one run was done"
                                              : fmt::format("when {} runs were done", each.runs);
    if (&each == &sweep.registered.front()) {
      notes.push_back("claims " + name + ": written down " + when);
    } else {
      std::string changes;
      if (const auto gone = without(before, now); !gone.empty()) changes += "; no longer: " + join(gone, "; ");
      if (const auto come = without(now, before); !come.empty()) changes += "; new: " + join(come, "; ");
      if (changes.empty()) changes = "; of another metric or goal";
      notes.push_back((each.runs == 0 ? "claims " : "deviation: claims ") + name + ": changed " + when + changes);
    }
    before = now;
  }
  return notes;
}

}  // namespace subband
