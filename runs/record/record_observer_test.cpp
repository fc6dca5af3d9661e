#include "runs/record/record_observer.h"

#include "core/error.h"
#include "core/files.h"
#include "core/testing/catch.h"
#include "runs/testing/scratch.h"

namespace subband::record_observer_test {

using testing::Scratch;

TEST_CASE("a curve keeps its first and last step and about 200 between", "[record]") {
  for (const int64_t steps : {1, 7, 199, 200, 401, 100000}) {
    int64_t kept = 0;
    for (int64_t step = 1; step <= steps; ++step) kept += is_kept_step(step, steps) ? 1 : 0;
    CHECK(is_kept_step(1, steps));
    CHECK(is_kept_step(steps, steps));
    CHECK(kept <= 402);
    CHECK(kept >= std::min<int64_t>(steps, 200));
  }
}

class Listener final : public Observer {
 public:
  void stepped(const StepEvent& event) override { last = event.step; }
  int64_t last = 0;
};

TEST_CASE("how operations ran is counted over all sessions", "[record]") {
  const Scratch scratch;
  RecordWriter record(scratch / "record.jsonl");
  RecordObserver observer(record, scratch.path());
  observer.counted({{"fwht", "loops", "avx2", 5}});
  observer.counted({{"fwht", "loops", "avx2", 9}});  // of the same session: not added
  record.resume(RecordJson::object());
  observer.counted({{"fwht", "loops", "avx2", 2}, {"fwht", "reference", "forced", 1}});
  CHECK(read_record(scratch / "record.jsonl").ops ==
        std::vector<OpUse>{{"fwht", "loops", "avx2", 11}, {"fwht", "reference", "forced", 1}});
}

TEST_CASE("what an experiment tells is in the record, and every observer of a list is told", "[record]") {
  const Scratch scratch;
  Listener listener;
  RecordWriter record(scratch / "record.jsonl");
  RecordObserver writes(record, scratch.path());
  Observers observer{&writes, nullptr, &listener};
  observer.started(1234567, 0);
  for (int64_t step = 1; step <= 1000; ++step)
    observer.stepped({.step = step, .steps = 1000, .tokens = step * 8, .loss = 5.0, .rate = 0.01});
  observer.measured(1000, {{"valid.bpb", 2.5}});
  observer.sampled(1000, "To be");
  observer.checkpointed(1000, scratch / "checkpoints/1000.safetensors");
  observer.noted("by the way");
  observer.ended({.status = Status::nan, .step = 1000, .message = "loss is NaN"});
  CHECK(listener.last == 1000);
  const RunRecord run = read_record(scratch / "record.jsonl");
  CHECK(run.parameters == 1234567);
  CHECK(run.curve.size() == 201);
  CHECK(run.curve.back().tokens == 8000);
  CHECK(run.metrics == Metrics{{"valid.bpb", 2.5}});
  CHECK(run.samples.at(0).step == 1000);
  CHECK(run.notes.at(0) == "by the way");
  CHECK(run.status == Status::running);
  CHECK(read_record_file(scratch / "record.jsonl").events[204]["file"] == "checkpoints/1000.safetensors");
  const std::string log = read_file(scratch / "log.txt");
  CHECK(log.find("1,234,567 parameters\n") != std::string::npos);
  CHECK(log.find("nan at step 1000: loss is NaN\n") != std::string::npos);
  CHECK(read_file(scratch / "samples.txt") == "--- step 1000\nTo be\n");
}

}  // namespace subband::record_observer_test
