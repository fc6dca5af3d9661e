#include "runs/record/lease.h"

#include <signal.h>

#include <fstream>
#include <thread>

#include "core/error.h"
#include "core/files.h"
#include "core/testing/catch.h"
#include "core/testing/process.h"
#include "runs/record/record_writer.h"
#include "runs/testing/scratch.h"

namespace subband::lease_test {

namespace fs = std::filesystem;
using testing::Process;
using testing::Scratch;

// The claim of a process of another machine, as a shared folder shows it.
static void claim_from_elsewhere(const fs::path& folder, int64_t generation, int64_t beat,
                                 double expiry_s = 0.3) {
  write_file(folder / ("lease." + std::to_string(generation)),
             R"({"generation":)" + std::to_string(generation) + R"(,"token":"t","beat":)" +
                 std::to_string(beat) +
                 R"(,"host":"mill","process":71,"machine":"other","process_start":5,"expiry_s":)" +
                 std::to_string(expiry_s) + R"(,"locked":true,"released":false})");
}

static void note(RecordWriter& writer, const std::string& text) {
  writer.append("note", {{"text", text}}, false);
}

static std::string line_of(int64_t number, const std::string& text) {
  return sealed_line({{"seq", number}, {"time", 1.0}, {"event", "note"}, {"text", text}});
}

TEST_CASE("a claim from elsewhere that shows no new beat lapses, and the record's next generation begins",
          "[lease]") {
  const Scratch scratch;
  const fs::path file = scratch / "record.jsonl";
  { note(*std::make_unique<RecordWriter>(file), "first"); }
  fs::remove(scratch / "lease.0");
  claim_from_elsewhere(scratch.path(), 0, 3);
  const auto begin = std::chrono::steady_clock::now();
  RecordWriter writer(file);
  CHECK(std::chrono::steady_clock::now() - begin > std::chrono::milliseconds(290));
  note(writer, "second");
  // The former holder wakes up and writes on: none of it counts, half lines neither.
  std::ofstream(file, std::ios::app) << line_of(1, "late") << line_of(2, "later").substr(0, 20);
  note(writer, "third");
  const RunRecord run = read_record(file);
  CHECK(run.notes == std::vector<std::string>{
                         "first", "taken over from process 71 on mill, of which no sign of life was seen",
                         "second", "third"});
  CHECK(read_record_file(file).generation == 1);
}

TEST_CASE("a claim from elsewhere that beats is respected, whatever the time of day says", "[lease]") {
  const Scratch scratch;
  const fs::path file = scratch / "record.jsonl";
  claim_from_elsewhere(scratch.path(), 0, 0);
  fs::last_write_time(scratch / "lease.0", fs::file_time_type::clock::now() - std::chrono::hours(1000));
  std::jthread other([&](const std::stop_token& stop) {
    for (int64_t beat = 1; !stop.stop_requested(); ++beat) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      claim_from_elsewhere(scratch.path(), 0, beat);
    }
  });
  CHECK_THROWS_WITH(RecordWriter(file), Catch::ContainsSubstring("record = locked: is being written by"));
  LeaseSights sights;
  for (int i = 0; i < 10; ++i) {
    CHECK(is_being_written(file, sights));
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

TEST_CASE("who has watched a claim takes it over without waiting once it lapsed", "[lease]") {
  const Scratch scratch;
  const fs::path file = scratch / "record.jsonl";
  claim_from_elsewhere(scratch.path(), 0, 7);
  LeaseSights sights;
  CHECK_THROWS_WITH(RecordWriter(file, {.sights = &sights}), Catch::ContainsSubstring("record = locked"));
  CHECK(is_being_written(file, sights));
  std::this_thread::sleep_for(std::chrono::milliseconds(350));
  CHECK_FALSE(is_being_written(file, sights));
  CHECK_NOTHROW(RecordWriter(file, {.sights = &sights}));
}

TEST_CASE("a holder that was taken over notices it at its next line", "[lease]") {
  const Scratch scratch;
  RecordWriter writer(scratch / "record.jsonl");
  note(writer, "mine");
  claim_from_elsewhere(scratch.path(), 1, 0);
  CHECK_THROWS_WITH(
      note(writer, "still mine?"),
      (scratch / "record.jsonl").string() +
          ": record = taken over: another process goes on with this run; this one was silent for "
          "longer than its lease");
}

TEST_CASE("a killed holder of this machine is gone at once, and its generation goes on", "[lease]") {
  const Scratch scratch;
  const fs::path file = scratch / "record.jsonl";
  Process holder = Process::of([&] {
    RecordWriter writer(file);
    note(writer, "first");
    ::raise(SIGKILL);
    return 0;
  });
  CHECK(holder.wait() == -SIGKILL);
  CHECK_FALSE(is_being_written(file));
  const auto begin = std::chrono::steady_clock::now();
  RecordWriter writer(file);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(5));
  note(writer, "second");
  CHECK(read_record(file).notes == std::vector<std::string>{"first", "second"});
  CHECK_FALSE(fs::exists(scratch / "record.1.jsonl"));
}

TEST_CASE("of many who want a lapsed record one gets it", "[lease]") {
  const Scratch scratch;
  const fs::path file = scratch / "record.jsonl";
  claim_from_elsewhere(scratch.path(), 0, 7, 0.05);
  std::vector<Process> all;
  for (int i = 0; i < 6; ++i)
    all.push_back(Process::of([&] {
      try {
        RecordWriter writer(file);
        note(writer, "won");
        std::this_thread::sleep_for(std::chrono::milliseconds(400));
        return 0;
      } catch (const Error& error) {
        return error.first().kind == "locked" ? 1 : 2;
      }
    }));
  int winners = 0;
  for (Process& each : all) {
    const int code = each.wait();
    CHECK(code < 2);
    winners += code == 0 ? 1 : 0;
  }
  CHECK(winners == 1);
  CHECK(read_record(file).notes.size() == 2);
}

TEST_CASE("a takeover cut at every byte leaves a record that can be read and gone on with", "[lease]") {
  const Scratch scratch;
  const fs::path file = scratch / "record.jsonl";
  { note(*std::make_unique<RecordWriter>(file), "first"); }
  fs::remove(scratch / "lease.0");
  claim_from_elsewhere(scratch.path(), 0, 3, 0.01);
  { note(*std::make_unique<RecordWriter>(file), "second"); }
  const std::string whole = read_file(scratch / "record.1.jsonl");
  const size_t takeover = whole.find('\n') + 1;
  for (size_t bytes = 0; bytes <= whole.size(); ++bytes) {
    std::ofstream(scratch / "record.1.jsonl") << whole.substr(0, bytes);
    const RunRecord run = read_record(file);
    const size_t expected = bytes + 1 < takeover ? 1 : bytes + 1 < whole.size() ? 2 : 3;
    REQUIRE(run.notes.size() == expected);
  }
  std::ofstream(scratch / "record.1.jsonl") << whole.substr(0, takeover / 2);
  fs::remove(scratch / "lease.1");
  claim_from_elsewhere(scratch.path(), 1, 3, 0.01);
  RecordWriter writer(file);
  note(writer, "third");
  CHECK(read_record(file).notes.size() == 3);
  CHECK(read_record_file(file).generation == 2);
}

TEST_CASE("a takeover that ended before it made its file leaves a record that is read and gone on with", "[lease]") {
  const Scratch scratch;
  const fs::path file = scratch / "record.jsonl";
  { note(*std::make_unique<RecordWriter>(file), "first"); }
  fs::remove(scratch / "lease.0");
  for (const int64_t generation : {0, 1, 2}) claim_from_elsewhere(scratch.path(), generation, 3, 0.01);
  RecordWriter writer(file);
  note(writer, "second");
  CHECK(read_record(file).notes == std::vector<std::string>{
                                       "first", "taken over from process 71 on mill, of which no sign of life was seen",
                                       "second"});
  CHECK(read_record_file(file).generation == 3);
  CHECK(record_size(file).bytes == fs::file_size(file) + fs::file_size(scratch / "record.3.jsonl"));
}

TEST_CASE("a generation whose holder ended before it made its file is begun by the next one", "[lease]") {
  const Scratch scratch;
  const fs::path file = scratch / "record.jsonl";
  { note(*std::make_unique<RecordWriter>(file), "first"); }
  Process claimant = Process::of([&] {
    const auto lease = HeldLease::claim(scratch.path(), {.generation = 1, .is_locked = true});
    ::raise(SIGKILL);
    return 0;
  });
  CHECK(claimant.wait() == -SIGKILL);
  RecordWriter writer(file);
  note(writer, "second");
  std::ofstream(file, std::ios::app) << line_of(1, "late");  // by the holder of the generation before
  const RunRecord run = read_record(file);
  REQUIRE(run.notes.size() == 3);
  CHECK_THAT(run.notes[1], Catch::StartsWith("taken over from process " + std::to_string(claimant.id()) + " on "));
  CHECK(run.notes[2] == "second");
  CHECK(read_record_file(file).generation == 1);
}

}  // namespace subband::lease_test
