#include "sweeps/scheduling/watch.h"

#include <cmath>
#include <sstream>

#include "core/hash.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "runs/testing/example_run.h"
#include "sweeps/scheduling/event_lines.h"
#include "sweeps/scheduling/rest.h"

namespace subband::watch_test {

struct Heard final : ScheduleObserver {
  std::vector<std::string> all;
  void hear(const ScheduleEvent& event) override {
    using What = ScheduleEvent::What;
    const std::string cell = std::to_string(event.cell);
    if (event.what == What::started) all.push_back("started " + cell);
    if (event.what == What::progressed) all.push_back("at " + cell + " " + std::to_string(event.progress.step));
    if (event.what == What::ended) all.push_back("ended " + cell + " " + word_of(event.outcome.status));
  }
};

static SweepCell cell_of(const std::string& name) { return {.row = name, .seed = 1, .id = sha256_hex(name)}; }

TEST_CASE("a watch tells from the store alone what begins, goes on and ends", "[watch]") {
  const TestFolder folder;
  const Store store(folder / "logs");
  const SweepManifest sweep{.name = "s", .cells = {cell_of("old"), cell_of("new")}};
  testing::make_run(store, {.name = "old"});
  Heard heard;
  SweepWatch watch(store, sweep, heard);
  watch.look();
  CHECK(heard.all.empty());  // it had ended before
  CHECK_FALSE(watch.is_over());
  {
    OpenRun run = store.open_or_create(testing::start_of({.name = "new"}), config::Node::map());
    RecordObserver observer(run.record, run.folder);
    observer.started(100, 0);
    observer.stepped({.step = 1, .steps = 8, .loss = 2});
    watch.look();
    watch.look();
    CHECK(watch.running() == 1);
    CHECK(heard.all == std::vector<std::string>{"started 1", "at 1 1"});
    run.record.end({.status = Status::nan, .step = 2, .message = "step 2"});
  }
  watch.look();
  CHECK(heard.all.back() == "ended 1 nan");
  CHECK(watch.is_over());
  CHECK(watch.has_failed());
  CHECK(watch.running() == 0);
}

TEST_CASE("a watch follows cells that a queue adds, takes what was pruned for done, and waits while more may come", "[watch]") {
  const TestFolder folder;
  const Store store(folder / "logs");
  SweepManifest sweep{.name = "s", .cells = {cell_of("one")}, .searched = "sampler tpe"};
  const auto sweep_folder = sweep_file(store.root(), "s", "");
  begin_decisions(sweep_folder);
  const Outcome pruned{.status = Status::stopped, .step = 2, .message = ""};
  testing::make_run(store, {.name = "one", .outcome = pruned});
  Heard heard;
  SweepWatch watch(store, sweep, heard);
  watch.look();
  CHECK_FALSE(watch.is_over());
  CHECK(watch_sweep(watch, heard, {.idle_s = 0}) == 4);
  sweep.cells.push_back(cell_of("two"));
  int asked = 0;
  const auto follow = [&] {
    if (asked == 2) {
      testing::make_run(store, {.name = "two"});
      end_decisions(sweep_folder);
    }
    watch.follow(sweep);
  };
  CHECK(watch_sweep(watch, heard, {.idle_s = 0, .follow = follow, .is_awaited = [&] { return ++asked < 9; }}) == 0);
  CHECK(asked == 2);
  CHECK(heard.all.back() == "ended 1 done");
  CHECK(watch.is_over());
  sweep.searched = "";
  watch.follow(sweep);
  CHECK(watch.has_failed());  // of a plan a stopped run is no result
}

TEST_CASE("events are lines of JSON, numbers that are none included", "[watch]") {
  std::ostringstream out;
  EventLines lines(
      out, [](size_t cell) { return std::pair(std::string("row \"x\""), static_cast<int64_t>(cell)); });
  lines.progressed(7, {.step = 3, .steps = 9, .loss = std::nan("")});
  lines.ended(7, {.status = Status::stopped, .message = "", .is_paused = true});
  const std::string text = out.str();
  CHECK(
      text.find(
          R"("row":"row \"x\"","seed":7,"step":3,"steps":9,"tokens":0,"tokens_per_s":0.0,"loss":".nan"})") !=
      std::string::npos);
  CHECK(text.find(R"("status":"paused","message":""})") != std::string::npos);
}

}  // namespace subband::watch_test
