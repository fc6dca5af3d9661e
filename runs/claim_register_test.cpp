#include "runs/claim_register.h"

#include "core/testing/catch.h"
#include "runs/testing/scratch.h"

namespace subband::claim_register_test {

static SweepManifest sweep_of(std::vector<SweepClaim> claims) {
  return {.name = "s", .metric = "valid.bpb", .goal = "min", .claims = std::move(claims)};
}

TEST_CASE("claims are registered once and every later change of them is noted", "[claim_register]") {
  const SweepClaim claim{.row = "no bypass", .is = "worse", .by = 0.001, .error = 0.05};
  const testing::Scratch scratch;
  const auto registered = [&](SweepManifest& sweep, int64_t runs, double time) {
    register_claims(scratch.path(), sweep, runs, time);
  };
  SweepManifest first = sweep_of({claim});
  registered(first, 0, 100);
  REQUIRE(first.registered.size() == 1);
  CHECK(first.registered[0].hash == claims_hash(first));
  CHECK(first.registered[0].time == 100);
  SweepManifest again = sweep_of({claim});
  registered(again, 7, 200);
  CHECK(again.registered.size() == 1);
  SweepManifest other = sweep_of({{.row = "no bypass", .is = "worse", .by = 0.01, .error = 0.05}});
  registered(other, 7, 300);
  REQUIRE(other.registered.size() == 2);
  const std::string before = claims_hash(first).substr(0, 16), after = claims_hash(other).substr(0, 16);
  CHECK(registration_notes(other) ==
        std::vector<std::string>{"claims " + before + ": written down before the first run",
                                 "deviation: claims " + after +
                                     ": changed when 7 runs were done; no longer: no bypass worse by 0.001, error "
                                     "rate 0.05; new: no bypass worse by 0.01, error rate 0.05"});
  SweepManifest none = sweep_of({});
  registered(none, 9, 400);
  CHECK(registration_notes(none).back() ==
        "deviation: claims none: changed when 9 runs were done; no longer: no bypass worse by 0.01, error rate 0.05");
  write_sweep_manifest(scratch.path(), first);  // written anew, as whenever the sweep is begun
  CHECK(read_sweep_manifests(scratch.path()).sweeps.at(0).registered.size() == 3);
  CHECK(read_sweep_manifest(sweep_file(scratch.path(), "s", ".json")).registered[1].claims[0].by == 0.01);
}

TEST_CASE("claims that are changed after runs were removed are a deviation all the same", "[claim_register]") {
  const testing::Scratch scratch;
  SweepManifest first = sweep_of({{.row = "a", .is = "worse", .by = 1}});
  first.cells = {{.row = "a", .seed = 1, .id = "x"}, {.row = "a", .seed = 2, .id = "x"}, {.row = "b", .seed = 1, .id = "y"}};
  register_claims(scratch.path(), first, 0, 100);
  write_sweep_manifest(scratch.path(), first);
  SweepManifest other = sweep_of({{.row = "b", .is = "worse", .by = 1}});
  other.name = "other";
  other.cells = {{.row = "b", .seed = 9, .id = "z"}};
  register_claims(scratch.path(), other, 0, 100);
  write_sweep_manifest(scratch.path(), other);
  note_removals(scratch.path(), {{"x", 1}, {"x", 2}, {"unknown", 1}}, 200);
  SweepManifest changed = sweep_of({{.row = "a", .is = "worse", .by = 0.5}});
  register_claims(scratch.path(), changed, 0, 300);
  REQUIRE(changed.registered.size() == 2);
  CHECK_THAT(registration_notes(changed).back(), Catch::ContainsSubstring("changed when 2 runs were done"));
  CHECK(registration_notes(changed).back().starts_with("deviation: "));
  CHECK(changed.registered[0].runs == 0);
  CHECK(read_registrations(sweep_file(scratch.path(), "other", ".json")).size() == 1);
}

TEST_CASE("claims of another direction, row, rate or metric have another hash", "[claim_register]") {
  const SweepManifest sweep = sweep_of({{.row = "a", .is = "worse", .by = 1}});
  SweepManifest metric = sweep;
  metric.metric = "test.bpb";
  CHECK(claims_hash(sweep).size() == 64);
  CHECK(claims_hash(sweep) != claims_hash(metric));
  CHECK(claims_hash(sweep) != claims_hash(sweep_of({{.row = "a", .is = "better", .by = 1}})));
  CHECK(claims_hash(sweep) != claims_hash(sweep_of({{.row = "a", .is = "worse", .by = 1, .error = 0.05}})));
  CHECK(claims_hash(sweep_of({})).empty());
  SweepManifest found = sweep;
  found.claims[0].finding = "worse by 2";
  CHECK(claims_hash(found) == claims_hash(sweep));
}

}  // namespace subband::claim_register_test
