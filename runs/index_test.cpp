#include "runs/index.h"

#include <sqlite3.h>

#include <chrono>
#include <cmath>
#include <fstream>
#include <memory>
#include <set>

#include "core/error.h"
#include "core/files.h"
#include "core/hash.h"
#include "core/testing/catch.h"
#include "runs/testing/example_run.h"
#include "runs/testing/scratch.h"

namespace subband::index_test {

namespace fs = std::filesystem;
using testing::make_run;
using testing::Scratch;

static bool same(const RunSummary& a, const RunSummary& b) {
  return a.folder == b.folder && a.id == b.id && a.recipe == b.recipe && a.seed == b.seed &&
         a.status == b.status && a.message == b.message && a.step == b.step && a.steps == b.steps &&
         a.parameters == b.parameters && a.resumes == b.resumes && a.started == b.started &&
         a.seconds == b.seconds && json_text(metrics_json(a.metrics)) == json_text(metrics_json(b.metrics)) &&
         a.config == b.config;
}

static bool same(const std::vector<RunSummary>& a, const std::vector<RunSummary>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto& x, const auto& y) { return same(x, y); });
}

// Three runs; one of them failed, and its loss is no number.
static Store example_store(const Scratch& scratch) {
  Store store(scratch / "logs");
  make_run(store, {.name = "a", .seed = 1});
  make_run(store, {.name = "b",
                   .seed = 2,
                   .outcome = {.status = Status::nan,
                               .step = 3,
                               .message = "loss is NaN",
                               .metrics = {{"train.loss", std::nan("")}}}});
  make_run(store, {.name = "c", .seed = 3});
  return store;
}

TEST_CASE("an index kept through changes equals one made anew", "[index]") {
  const Scratch scratch;
  const Store store = example_store(scratch);
  CHECK(read_index(store).records_read == 3);
  const std::vector<fs::path> first = store.folders();
  make_run(store, {.name = "d", .seed = 4});
  { RecordWriter(first[0] / kRecordName).end({.status = Status::failed, .step = 9, .message = "later"}); }
  fs::remove_all(first[1]);
  const IndexReading kept = read_index(store);
  CHECK(kept.records_read == 2);
  CHECK(read_index(store).records_read == 0);
  const IndexReading anew = rebuild_index(store);
  CHECK(anew.records_read == 3);
  CHECK(same(kept.runs, anew.runs));
  CHECK(same(read_index(store).runs, anew.runs));
  CHECK(anew.notices.empty());
}

TEST_CASE("the leaves of configs are kept as numbers of one list, whichever reader met them first", "[index]") {
  const Scratch scratch;
  const Store store = example_store(scratch);
  const IndexWants listing{.configs = false, .code = false, .leaves = true};
  CHECK_FALSE(read_index(store, listing).runs[0].leaves.all);  // just read, and not from the index
  make_run(store, {.name = "d", .seed = 4});
  read_index(store);
  const IndexReading reading = read_index(store, listing);
  CHECK(reading.records_read == 0);
  std::set<std::string> names;
  for (const RunSummary& run : reading.runs) {
    CHECK(run.config.empty());
    REQUIRE(run.leaves.all);
    std::string text;
    for (const int32_t number : run.leaves.numbers) text += run.leaves.all->at(static_cast<size_t>(number)) + " ";
    CHECK(text.find(" net.width=8 seed=" + std::to_string(run.seed) + " ") != std::string::npos);
    names.insert(text);
  }
  CHECK(names.size() == 4);
  CHECK(reading.runs[0].leaves.all->size() == 4 + 4 + 1);  // names, seeds, the width
}

TEST_CASE("a deleted or damaged index is made anew", "[index]") {
  const Scratch scratch;
  const Store store = example_store(scratch);
  const IndexReading before = read_index(store);
  fs::remove(scratch / "logs/index.sqlite");
  CHECK(same(read_index(store).runs, before.runs));
  std::ofstream(scratch / "logs/index.sqlite", std::ios::trunc) << std::string(5000, 'x');
  const IndexReading after = read_index(store);
  CHECK(same(after.runs, before.runs));
  REQUIRE(after.notices.size() == 1);
  CHECK(after.notices[0] == (scratch / "logs/index.sqlite").string() +
                                ": index: file is not a database; made anew from the records");
  CHECK(read_index(store).records_read == 0);
}

TEST_CASE("a locked index is not waited for: the records are read", "[index]") {
  const Scratch scratch;
  const Store store = example_store(scratch);
  const IndexReading before = read_index(store);
  sqlite3* opened = nullptr;
  REQUIRE(::sqlite3_open((scratch / "logs/index.sqlite").c_str(), &opened) == SQLITE_OK);
  const std::unique_ptr<sqlite3, int (*)(sqlite3*)> other(opened, &::sqlite3_close);
  REQUIRE(::sqlite3_exec(opened, "BEGIN EXCLUSIVE", nullptr, nullptr, nullptr) == SQLITE_OK);
  const IndexReading during = read_index(store);
  CHECK(same(during.runs, before.runs));
  CHECK(during.records_read == 3);
  CHECK(during.notices.at(0).ends_with("database is locked; the records are read instead"));
}

TEST_CASE("a damaged record is listed with its complaint, and hides no other run", "[index]") {
  const Scratch scratch;
  const Store store = example_store(scratch);
  const fs::path file = store.folders()[1] / kRecordName;
  std::string text = read_file(file);
  text[text.find('\n') + 5] ^= 1;
  std::ofstream(file, std::ios::trunc) << text;
  const IndexReading reading = read_index(store);
  REQUIRE(reading.runs.size() == 3);
  CHECK(reading.runs[1].status == Status::damaged);
  CHECK(reading.runs[1].message.starts_with(file.string() + ":2: checksum = "));
  CHECK(reading.runs[2].status == Status::done);
}

TEST_CASE("an empty record and links that lead nowhere are listed as damaged", "[index]") {
  const Scratch scratch;
  const Store store = example_store(scratch);
  const fs::path empty = store.folders()[0], link = store.folders()[1];
  std::ofstream(empty / kRecordName, std::ios::trunc) << "";
  fs::remove_all(link);
  fs::create_symlink("nowhere", link);
  const IndexReading reading = read_index(store);
  REQUIRE(reading.runs.size() == 3);
  CHECK(reading.runs[0].status == Status::damaged);
  CHECK(reading.runs[0].message == (empty / kRecordName).string() + ": record: has no whole line");
  CHECK(reading.runs[1].status == Status::damaged);
  CHECK(reading.runs[2].status == Status::done);
}

TEST_CASE("a run without an end is running while it is being written, else interrupted", "[index]") {
  const Scratch scratch;
  const Store store(scratch / "logs");
  const fs::path folder = make_run(store, {.name = "a", .seed = 1, .has_end = false});
  CHECK(read_index(store).runs.at(0).status == Status::interrupted);
  const RecordWriter writer(folder / kRecordName);
  CHECK(read_index(store).runs.at(0).status == Status::running);
}

TEST_CASE("the leading metric is the one runs are compared by", "[index]") {
  CHECK(leading_metric({{"test.bpb", 1}, {"train.loss", 2}, {"valid.bpb", 3}}) == "valid.bpb");
  CHECK(leading_metric({{"train.loss", 2}, {"test.recall", 3}}) == "test.recall");
  CHECK(leading_metric({{"model.flops", 9}, {"train.loss", 2}}) == "");
}

TEST_CASE("a thousand runs are listed at once from the index", "[index]") {
  const Scratch scratch;
  const Store store(scratch / "logs");
  for (int64_t seed = 0; seed < 1000; ++seed)
    make_run(store, {.name = "a", .seed = seed, .is_durable = false});
  CHECK(read_index(store).records_read == 1000);
  const auto start = std::chrono::steady_clock::now();
  const IndexReading reading = read_index(store);
  const double ms =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  CHECK(reading.runs.size() == 1000);
  CHECK(reading.records_read == 0);
  INFO("1,000 runs in " << ms << " ms");
  CHECK(ms < 500);  // 37 ms observed on a busy machine; sanitisers are slower still
}

}  // namespace subband::index_test
