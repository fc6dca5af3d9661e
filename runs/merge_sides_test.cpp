#include "runs/merge_sides.h"

#include "core/testing/catch.h"
#include "runs/claim_register.h"
#include "runs/merge.h"
#include "runs/record/line_file.h"
#include "runs/testing/scratch.h"

namespace subband::merge_sides_test {

namespace fs = std::filesystem;
using testing::Scratch;

static SweepManifest sweep_with(double by) {
  return {.name = "a/s", .spec = "s.yaml", .metric = "valid.bpb", .claims = {{.row = "x", .is = "worse", .by = by}}};
}

static std::vector<double> times_of(const fs::path& store) {
  std::vector<double> times;
  for (const ClaimRegistration& each : read_registrations(sweep_file(store, "a/s", ".json"))) times.push_back(each.time);
  return times;
}

TEST_CASE("a merge brings when claims were written down, in the order of time, each once", "[merge]") {
  const Scratch scratch;
  const Store ours(scratch / "ours"), theirs(scratch / "theirs");
  SweepManifest early = sweep_with(1), late = sweep_with(2);
  register_claims(theirs.root(), early, 0, 100);
  write_sweep_manifest(theirs.root(), early);
  CHECK(merge_store(ours, theirs).sweeps == 1);
  CHECK(times_of(ours.root()) == std::vector<double>{100});
  register_claims(ours.root(), late, 3, 300);
  SweepManifest middle = sweep_with(3);
  register_claims(theirs.root(), middle, 1, 200);
  CHECK(merge_store(ours, theirs).sweeps == 0);
  CHECK(times_of(ours.root()) == std::vector<double>{100, 200, 300});
  merge_store(ours, theirs);
  CHECK(times_of(ours.root()).size() == 3);
  CHECK(read_sweep_manifest(sweep_file(ours.root(), "a/s", ".json")).registered[1].claims[0].by == 3);
  CHECK(times_of(theirs.root()) == std::vector<double>{100, 200});
}

static void draw(const fs::path& store, const std::string& search, int trial, double point) {
  append_line(sweep_file(store, "a/s", ".draws.jsonl"),
              {{"search", search}, {"trial", trial}, {"point", RecordJson::array({point})}});
}

static std::string drawn(const fs::path& store) {
  std::string text;
  for (const RecordJson& line : read_line_file(sweep_file(store, "a/s", ".draws.jsonl")))
    text += text_in(line, "search") + " " + line.at("point")[0].dump() + "; ";
  return text;
}

TEST_CASE("a merge goes on with the points that a search has drawn, and never mixes two histories", "[merge]") {
  const Scratch scratch;
  const Store ours(scratch / "ours"), theirs(scratch / "theirs");
  SweepManifest sweep = sweep_with(1);
  write_sweep_manifest(theirs.root(), sweep);
  draw(theirs.root(), "one", 0, 0.5), draw(theirs.root(), "one", 1, 0.25);
  CHECK(merge_store(ours, theirs).notices.empty());
  CHECK(drawn(ours.root()) == "one 0.5; one 0.25; ");
  draw(theirs.root(), "one", 2, 0.125), draw(theirs.root(), "two", 0, 1.0);
  CHECK(merge_store(ours, theirs).notices.empty());
  CHECK(drawn(ours.root()) == "one 0.5; one 0.25; one 0.125; two 1.0; ");
  draw(ours.root(), "two", 1, 2.0), draw(theirs.root(), "two", 1, 3.0);
  CHECK(merge_store(ours, theirs).notices ==
        std::vector<std::string>{"a/s: point 1 of search two differs between the stores; ours stay"});
  CHECK(drawn(ours.root()) == "one 0.5; one 0.25; one 0.125; two 1.0; two 2.0; ");
}

}  // namespace subband::merge_sides_test
