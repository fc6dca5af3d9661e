#include "runs/conduct.h"

#include <fstream>

#include "core/error.h"
#include "core/files.h"
#include "core/hash.h"
#include "core/testing/catch.h"
#include "runs/testing/scratch.h"

namespace subband::conduct_test {

namespace fs = std::filesystem;
using testing::Scratch;

static RunPlan example_plan(int64_t seed = 7) {
  RunPlan plan{.start = {.id = sha256_hex("plan"),
                         .recipe = "tiny",
                         .seed = seed,
                         .config = RecordJson::object(),
                         .parts = RecordJson::object(),
                         .data = RecordJson::object(),
                         .provenance = {{"threads", 1}}},
               .resolved = config::Node::map()};
  plan.resolved.set("seed", config::Node(seed));
  return plan;
}

// An experiment of ten steps that counts how often it is asked, and ends as it is told.
struct FakeExperiment {
  Outcome outcome{.status = Status::done, .step = 10, .metrics = {{"valid.bpb", 2.0}}};
  int64_t calls = 0;
  Outcome operator()(const fs::path&, Observer& observer) {
    ++calls;
    observer.started(100, 0);
    for (int64_t step = 1; step <= 4; ++step) observer.stepped({.step = step, .steps = 10});
    return outcome;
  }
};

TEST_CASE("the same identity and seed is computed once", "[conduct]") {
  const Scratch scratch;
  const Store store(scratch / "logs");
  FakeExperiment fake;
  const RunResult first = conduct(example_plan(), store, {}, std::ref(fake));
  const RunResult second = conduct(example_plan(), store, {}, std::ref(fake));
  CHECK(fake.calls == 1);
  CHECK_FALSE(first.is_reused);
  CHECK(second.is_reused);
  CHECK(second.folder == first.folder);
  CHECK(second.outcome.metrics == Metrics{{"valid.bpb", 2.0}});
  CHECK(second.outcome.step == 10);
  (void)conduct(example_plan(8), store, {}, std::ref(fake));
  CHECK(fake.calls == 2);
}

TEST_CASE("failures that would come again are results like others", "[conduct]") {
  const Scratch scratch;
  const Store store(scratch / "logs");
  FakeExperiment fake{.outcome = {.status = Status::nan, .step = 4, .message = "loss is NaN"}};
  (void)conduct(example_plan(), store, {}, std::ref(fake));
  const RunResult again = conduct(example_plan(), store, {}, std::ref(fake));
  CHECK(fake.calls == 1);
  CHECK(again.outcome.status == Status::nan);
  CHECK(again.outcome.message == "loss is NaN");
}

TEST_CASE("a stopped run is gone on with in its folder", "[conduct]") {
  const Scratch scratch;
  const Store store(scratch / "logs");
  FakeExperiment fake{.outcome = {.status = Status::stopped, .step = 4}};
  const RunResult first = conduct(example_plan(), store, {.retry = false}, std::ref(fake));
  fake.outcome = {.status = Status::done, .step = 10};
  const RunResult second = conduct(example_plan(), store, {.retry = false}, std::ref(fake));
  CHECK(second.folder == first.folder);
  CHECK(fake.calls == 2);
  const RunRecord run = read_record(second.folder / kRecordName);
  CHECK(run.status == Status::done);
  CHECK(run.resumes == 1);
  CHECK(run.provenance["threads"] == 1);
  CHECK(run.provenance.contains("compiler"));
}

TEST_CASE("a run that failed for the world's reasons is tried again, unless told not to", "[conduct]") {
  const Scratch scratch;
  const Store store(scratch / "logs");
  FakeExperiment fake{.outcome = {.status = Status::out_of_memory, .step = 4}};
  (void)conduct(example_plan(), store, {}, std::ref(fake));
  (void)conduct(example_plan(), store, {.retry = false}, std::ref(fake));
  CHECK(fake.calls == 1);
  (void)conduct(example_plan(), store, {}, std::ref(fake));
  CHECK(fake.calls == 2);
}

TEST_CASE("an error is written down with the last step, and thrown on", "[conduct]") {
  const Scratch scratch;
  const Store store(scratch / "logs");
  const Experiment broken = [](const fs::path&, Observer& observer) -> Outcome {
    observer.started(100, 0);
    observer.stepped({.step = 3, .steps = 10});
    throw Error("corpus.txt", "cannot be read: No such file or directory");
  };
  CHECK_THROWS_WITH(conduct(example_plan(), store, {}, broken),
                    "corpus.txt: cannot be read: No such file or directory");
  const RunRecord run = read_record(store.folders().at(0) / kRecordName);
  CHECK(run.status == Status::failed);
  CHECK(run.step == 3);
  CHECK(run.message == "corpus.txt: cannot be read: No such file or directory");
}

TEST_CASE("exhausted memory and foreign exceptions are results", "[conduct]") {
  const Scratch scratch;
  const Store store(scratch / "logs");
  const auto thrower = [](const std::exception& kind) {
    return [&kind](const fs::path&, Observer&) -> Outcome {
      if (dynamic_cast<const std::bad_alloc*>(&kind) != nullptr) throw std::bad_alloc();
      throw std::runtime_error("size mismatch\nframe #0: somewhere");
    };
  };
  CHECK(conduct(example_plan(), store, {}, thrower(std::bad_alloc())).outcome.status ==
        Status::out_of_memory);
  const RunResult foreign = conduct(example_plan(2), store, {}, thrower(std::runtime_error("")));
  CHECK(foreign.outcome.status == Status::failed);
  CHECK(foreign.outcome.message == "size mismatch");
}

TEST_CASE("force sets the earlier run aside and computes again", "[conduct]") {
  const Scratch scratch;
  const Store store(scratch / "logs");
  FakeExperiment fake;
  const RunResult first = conduct(example_plan(), store, {}, std::ref(fake));
  const RunResult second = conduct(example_plan(), store, {.force = true}, std::ref(fake));
  CHECK(fake.calls == 2);
  CHECK_FALSE(second.is_reused);
  CHECK(fs::exists(store.root() / "replaced" / first.folder.filename() / kRecordName));
}

// As example_plan, by a program whose mixer is of this code.
static RunPlan coded_plan(const std::string& digest) {
  RunPlan plan = example_plan();
  plan.start.provenance["code"] = {{"mixer:mean", digest}};
  return plan;
}

TEST_CASE("what failed under other code is set aside and begun anew", "[conduct]") {
  for (const Status status : {Status::nan, Status::diverged, Status::failed, Status::out_of_memory}) {
    CAPTURE(word_of(status));
    const Scratch scratch;
    const Store store(scratch / "logs");
    FakeExperiment fake{.outcome = {.status = status, .step = 4}};
    const RunResult first = conduct(coded_plan("11"), store, {}, std::ref(fake));
    fake.outcome = {.status = Status::done, .step = 10};
    const RunResult second = conduct(coded_plan("22"), store, {}, std::ref(fake));
    CHECK(fake.calls == 2);
    CHECK(second.outcome.done());
    REQUIRE(second.notices.size() == 1);
    const fs::path aside = store.root() / "replaced" / first.folder.filename();
    CHECK(second.notices[0] == first.id.substr(0, 8) + ": was " + word_of(status) +
                                   " under other code (mean); begun anew, the other is in " + aside.string());
    CHECK(read_record(second.folder / kRecordName).resumes == 0);
    CHECK(read_record(second.folder / kRecordName).code == PartCode{{"mixer:mean", "22"}});
    CHECK(conduct(coded_plan("33"), store, {}, std::ref(fake)).is_reused);  // what is done is said, not done again
  }
}

TEST_CASE("a run that goes on under other code says so and is of neither", "[conduct]") {
  const Scratch scratch;
  const Store store(scratch / "logs");
  FakeExperiment fake{.outcome = {.status = Status::stopped, .step = 4}};
  (void)conduct(coded_plan("11"), store, {}, std::ref(fake));
  fake.outcome = {.status = Status::done, .step = 10};
  const RunRecord run = read_record(conduct(coded_plan("22"), store, {}, std::ref(fake)).folder / kRecordName);
  CHECK(run.notes == std::vector<std::string>{"goes on under other code than it began with: mean"});
  CHECK(run.code == PartCode{{"mixer:mean", "mixed"}});
}

TEST_CASE("a run that another process computes is refused", "[conduct]") {
  const Scratch scratch;
  const Store store(scratch / "logs");
  FakeExperiment fake{.outcome = {.status = Status::stopped}};
  const fs::path folder = conduct(example_plan(), store, {}, std::ref(fake)).folder;
  const RecordWriter other(folder / kRecordName);
  CHECK_THROWS_WITH(conduct(example_plan(), store, {}, std::ref(fake)),
                    Catch::ContainsSubstring("record = locked: is being written by"));
  CHECK_THROWS_WITH(conduct(example_plan(), store, {.force = true}, std::ref(fake)),
                    Catch::ContainsSubstring("record = locked"));
  CHECK(fs::exists(folder));
}

// Bad neighbours: an empty record, a torn first line, links that lead nowhere.
static void spoil(const fs::path& folder, const std::string& how) {
  if (how == "link") {
    fs::remove_all(folder);
    fs::create_symlink("nowhere", folder);
    return;
  }
  fs::remove(folder / kRecordName);
  if (how == "record link") fs::create_symlink("nowhere", folder / kRecordName);
  if (how == "empty") std::ofstream(folder / kRecordName) << "";
  if (how == "torn") std::ofstream(folder / kRecordName) << "{\"seq\":0,\"ti";
}

TEST_CASE("a record that holds nothing is named, and the run is begun beside it or in its place",
          "[conduct]") {
  for (const std::string how : {"empty", "torn", "record link", "link", "no record"}) {
    for (const bool force : {false, true}) {
      CAPTURE(how, force);
      const Scratch scratch;
      const Store store(scratch / "logs");
      FakeExperiment fake;
      const fs::path spoiled = conduct(example_plan(), store, {}, std::ref(fake)).folder;
      spoil(spoiled, how);
      const RunResult result = conduct(example_plan(), store, {.force = force}, std::ref(fake));
      CHECK(result.outcome.done());
      CHECK((result.folder == spoiled) == force);
      REQUIRE(result.notices.size() == 1);
      CHECK(result.notices[0] == (spoiled / kRecordName).string() + ":1: no checksum at its end; " +
                                     (force ? "set aside" : "the run is begun beside it"));
      CHECK(conduct(example_plan(), store, {}, std::ref(fake)).is_reused);
      CHECK(fake.calls == 2);
    }
  }
}

TEST_CASE("a record that is damaged in its middle is refused by name, and set aside when forced",
          "[conduct]") {
  const Scratch scratch;
  const Store store(scratch / "logs");
  FakeExperiment fake;
  const fs::path folder = conduct(example_plan(), store, {}, std::ref(fake)).folder;
  std::string text = read_file(folder / kRecordName);
  text[text.find('\n') + 5] ^= 1;
  std::ofstream(folder / kRecordName, std::ios::trunc) << text;
  CHECK_THROWS_WITH(conduct(example_plan(), store, {}, std::ref(fake)),
                    Catch::StartsWith((folder / kRecordName).string() + ":2: checksum = "));
  CHECK(conduct(example_plan(), store, {.force = true}, std::ref(fake)).outcome.done());
  CHECK(fake.calls == 2);
}

}  // namespace subband::conduct_test
