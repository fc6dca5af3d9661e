#include "runs/merge.h"

#include "core/error.h"
#include "core/files.h"
#include "core/hash.h"
#include "core/testing/catch.h"
#include "runs/sweep_manifest.h"
#include "runs/testing/example_run.h"
#include "runs/testing/scratch.h"

namespace subband::merge_test {

using testing::ExampleRun;
using testing::make_run;
using testing::Scratch;

static Outcome result_of(Status status, double bpb) {
  return {.status = status, .step = 8, .message = "", .metrics = {{"valid.bpb", bpb}}};
}

TEST_CASE("a merge brings what is not here, and the end of what had none; results of ours stay", "[merge]") {
  const Scratch scratch;
  const Store ours(scratch / "ours"), theirs(scratch / "theirs");
  make_run(ours, {.name = "both", .outcome = result_of(Status::done, 2.5)});
  make_run(theirs, {.name = "both", .outcome = result_of(Status::done, 2.5)});
  make_run(ours, {.name = "differs", .outcome = result_of(Status::done, 2.5)});
  const auto folder = make_run(theirs, {.name = "differs", .outcome = result_of(Status::done, 2.25)});
  make_run(ours, {.name = "stopped", .outcome = result_of(Status::stopped, 3)});
  make_run(theirs, {.name = "stopped", .outcome = result_of(Status::done, 2)});
  make_run(theirs, {.name = "new", .outcome = result_of(Status::nan, 9)});
  write_sweep_manifest(theirs.root(), {.name = "grid", .spec = "grid.yaml", .metric = "valid.bpb"});
  const MergeResult result = merge_store(ours, theirs);
  CHECK(result.copied == 1);
  CHECK(result.replaced == 1);
  CHECK(result.known == 2);
  CHECK(result.sweeps == 1);
  CHECK(result.notices == std::vector<std::string>{folder.filename().string() +
                                                   ": valid.bpb differs between the stores; ours stays"});
  CHECK(ours.folders().size() == 4);
  const auto replaced = ours.find(sha256_hex("stopped"), 1);
  REQUIRE(replaced);
  CHECK(read_record(*replaced / kRecordName).metrics.at("valid.bpb") == 2);
  const MergeResult again = merge_store(ours, theirs);
  CHECK(again.copied + again.replaced + again.sweeps == 0);
}

TEST_CASE("a store is not merged with itself, nor with one that is not there", "[merge]") {
  const Scratch scratch;
  const Store ours(scratch / "ours");
  make_run(ours, {.name = "one"});
  CHECK_THROWS_WITH(merge_store(ours, Store(scratch / "ours")),
                    (scratch / "ours").string() + ": store: is this very store; name another one");
  CHECK_THROWS_WITH(merge_store(ours, Store(scratch / "none")),
                    (scratch / "none").string() + ": store: does not exist");
}

TEST_CASE("a run that cannot be read, there or here, is left out and keeps no other from being brought", "[merge]") {
  const Scratch scratch;
  const Store ours(scratch / "ours"), theirs(scratch / "theirs");
  const auto bare = make_run(theirs, {.name = "bare"});
  std::filesystem::remove(bare / kRecordName);
  const auto damaged = make_run(theirs, {.name = "damaged"});
  write_file(damaged / kRecordName, "no record\n{\n");
  const auto taken = make_run(theirs, {.name = "taken"});
  std::filesystem::create_directories(ours.root() / taken.filename());
  write_file(ours.root() / taken.filename() / kRecordName, "no record\n{\n");
  make_run(theirs, {.name = "new"});
  const MergeResult result = merge_store(ours, theirs);
  CHECK(result.copied == 1);
  REQUIRE(result.notices.size() == 3);
  for (const auto& folder : {bare, damaged, taken}) {
    const std::string name = folder.filename().string() + ": ";
    CHECK(std::ranges::count_if(result.notices, [&](const std::string& notice) {
            return notice.starts_with(name) && notice.ends_with("; left out");
          }) == 1);
  }
  CHECK(ours.find(sha256_hex("new"), 1));
}

}  // namespace subband::merge_test
