#include "runs/record/record.h"

#include <fstream>

#include "core/error.h"
#include "core/files.h"
#include "core/testing/catch.h"
#include "core/text.h"
#include "runs/record/record_writer.h"
#include "runs/testing/scratch.h"

namespace subband::record_test {

namespace fs = std::filesystem;
using testing::Scratch;

static void write_bytes(const fs::path& file, const std::string& text) {
  std::ofstream(file, std::ios::binary) << text;
}

static RecordJson step_fields(int64_t step, double loss) {
  return {{"step", step}, {"steps", 8},           {"tokens", step * 64}, {"loss", loss},
          {"rate", 0.01}, {"gradient_norm", 1.5}, {"seconds", 0.25}};
}

// A run with every kind of event, stopped after step 4 and resumed after step 2.
static fs::path example_record(const Scratch& scratch) {
  const fs::path file = scratch / "record.jsonl";
  RecordWriter writer(file);
  writer.start({.id = std::string(64, 'a'),
                .recipe = "tiny/wavelet",
                .seed = 7,
                .config = {{"net", {{"width", 8}}}},
                .parts = {{"net:wavelet_lm", 1}},
                .data = {{"train.txt", "00"}},
                .provenance = {{"process", 12}}});
  writer.append("model", {{"parameters", 1234}, {"step", 0}}, false);
  for (int64_t step = 1; step <= 4; ++step) writer.append("step", step_fields(step, 5.0), false);
  writer.append("metrics", {{"step", 2}, {"metrics", {{"valid.bpb", 3.5}}}}, true);
  writer.append("metrics", {{"step", 4}, {"metrics", {{"valid.bpb", 3.0}, {"valid.loss", 2.0}}}}, true);
  writer.append("checkpoint", {{"step", 2}, {"file", "step_2.safetensors"}}, true);
  writer.resume({{"process", 13}});
  writer.append("model", {{"parameters", 1234}, {"step", 2}}, false);
  for (int64_t step = 3; step <= 8; ++step) writer.append("step", step_fields(step, 4.0), false);
  writer.append("sample", {{"step", 8}, {"text", "To be\nor not"}}, false);
  writer.append("note", {{"text", "flash attention took its plain path"}}, false);
  writer.end({.status = Status::done,
              .step = 8,
              .message = "",
              .metrics = {{"valid.bpb", 2.5}, {"train.seconds", 3.0}}});
  return file;
}

TEST_CASE("a clock that jumps back takes no time away", "[record]") {
  const Scratch scratch;
  std::ofstream(scratch / "record.jsonl")
      << sealed_line({{"seq", 0}, {"time", 1000.0}, {"event", "start"}, {"id", "1"}})
      << sealed_line({{"seq", 1}, {"time", 1005.0}, {"event", "note"}, {"text", "a"}})
      << sealed_line({{"seq", 2}, {"time", 10.0}, {"event", "resume"}})
      << sealed_line({{"seq", 3}, {"time", 12.0}, {"event", "end"}, {"status", "done"}});
  const RunRecord run = read_record(scratch / "record.jsonl");
  CHECK(run.status == Status::done);
  CHECK(run.seconds == 7);
}

TEST_CASE("a record reads back as what was written, resumed steps once", "[record]") {
  const Scratch scratch;
  const RunRecord run = read_record(example_record(scratch));
  CHECK(run.id == std::string(64, 'a'));
  CHECK(run.recipe == "tiny/wavelet");
  CHECK(run.seed == 7);
  CHECK(run.config["net"]["width"] == 8);
  CHECK(run.provenance["process"] == 13);
  CHECK(run.status == Status::done);
  CHECK(run.parameters == 1234);
  CHECK(run.resumes == 1);
  REQUIRE(run.curve.size() == 8);
  for (size_t i = 0; i < 8; ++i) {
    CHECK(run.curve[i].step == static_cast<int64_t>(i) + 1);
    CHECK(run.curve[i].loss == (i < 2 ? 5.0 : 4.0));
  }
  REQUIRE(run.evaluations.size() == 1);  // that of step 4 is void: the run went on from step 2
  CHECK(run.metrics == Metrics{{"valid.bpb", 2.5}, {"train.seconds", 3.0}});
  CHECK(run.samples.at(0).text == "To be\nor not");
  CHECK(run.notes == std::vector<std::string>{"flash attention took its plain path"});
  CHECK(run.torn == "");
}

TEST_CASE("a record cut at any byte keeps every whole line and can be gone on with", "[record]") {
  const Scratch scratch;
  const std::string text = read_file(example_record(scratch));
  const fs::path cut = scratch / "cut.jsonl";
  for (size_t length = 0; length <= text.size(); ++length) {
    const std::string kept = text.substr(0, length);
    const auto ends = static_cast<size_t>(std::count(kept.begin(), kept.end(), '\n'));
    const bool is_whole_without_end = length < text.size() && text[length] == '\n';
    write_bytes(cut, kept);
    const RecordFile record = read_record_file(cut);
    const size_t expected = ends + (is_whole_without_end ? 1 : 0);
    const bool is_torn = length > 0 && text[length - 1] != '\n' && !is_whole_without_end;
    if (record.events.size() != expected || record.torn.empty() == is_torn) FAIL("cut at byte " << length);
    if (length % 7 != 0) continue;  // opening for writing syncs nothing, but does lock and cut
    { RecordWriter(cut).append("note", {{"text", "again"}}, false); }
    const RecordFile longer = read_record_file(cut);
    if (longer.events.size() != expected + 1 || !longer.torn.empty())
      FAIL("gone on after a cut at byte " << length);
  }
}

TEST_CASE("a torn last line is reported with its place and length", "[record]") {
  const Scratch scratch;
  const fs::path file = scratch / "record.jsonl";
  { RecordWriter(file).append("note", {{"text", "whole"}}, false); }
  std::ofstream(file, std::ios::app) << "{\"seq\":1,\"ti";
  const std::string expected = file.string() +
                               ":2: torn line = 12 bytes: dropped; the run was cut off while it was "
                               "written";
  CHECK(read_record(file).torn == expected);
  CHECK(RecordWriter(file).torn() == expected);
  CHECK(read_record(file).torn == "");  // the writer cut it off
}

TEST_CASE("a damaged line before the end is an error that names it", "[record]") {
  const Scratch scratch;
  const fs::path file = example_record(scratch);
  std::string text = read_file(file);
  text[text.find('\n') + 30] ^= 1;
  write_bytes(file, text);
  CHECK_THROWS_WITH(read_record(file), Catch::StartsWith(file.string() + ":2: checksum = "));
}

TEST_CASE("a missing line is an error that names what follows it", "[record]") {
  const Scratch scratch;
  const fs::path file = example_record(scratch);
  const std::string text = read_file(file);
  const size_t second = text.find('\n') + 1;
  write_bytes(file, text.substr(0, second) + text.substr(text.find('\n', second) + 1));
  CHECK_THROWS_WITH(read_record(file),
                    file.string() + ":2: seq = 2: expected 1; lines are missing or doubled");
}

TEST_CASE("only results that would come again settle a run", "[record]") {
  for (const Status status : {Status::done, Status::nan, Status::diverged}) CHECK(is_settled(status));
  for (const Status status :
       {Status::running, Status::stopped, Status::out_of_memory, Status::time_out, Status::failed})
    CHECK_FALSE(is_settled(status));
}

}  // namespace subband::record_test
