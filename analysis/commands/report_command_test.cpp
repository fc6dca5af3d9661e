#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <fstream>
#include <iostream>
#include <sstream>

#include "analysis/commands/commands.h"
#include "core/files.h"
#include "core/testing/catch.h"
#include "core/testing/nasty_names.h"
#include "core/testing/process.h"
#include "runs/testing/example_run.h"
#include "runs/testing/scratch.h"

namespace subband::report_command_test {

namespace fs = std::filesystem;
using testing::make_run;
using testing::Scratch;

struct ReportAnswer {
  int code = 0;
  std::string out, err;
};

static ReportAnswer report(const Store& store, std::vector<std::string> words) {
  words.insert(words.end(), {"--store", store.root().string()});
  std::ostringstream out, err;
  std::streambuf* const stdout_buffer = std::cout.rdbuf(out.rdbuf());
  std::streambuf* const stderr_buffer = std::cerr.rdbuf(err.rdbuf());
  const int code = command_report(words);
  std::cout.rdbuf(stdout_buffer);
  std::cerr.rdbuf(stderr_buffer);
  return {code, out.str(), err.str()};
}

static SweepManifest sweep_of(const std::string& name, const std::vector<std::string>& rows) {
  SweepManifest sweep{
      .name = name, .spec = name + ".yaml", .metric = "valid.bpb", .baseline = rows[0], .seeds = {1}};
  for (const std::string& row : rows) sweep.cells.push_back({.row = row, .seed = 1, .id = sha256_hex("run")});
  return sweep;
}

static Store example_store(const Scratch& scratch, const std::vector<std::string>& rows = {"base", "other"}) {
  Store store(scratch / "logs");
  make_run(store, {.name = "run", .seed = 1});
  write_sweep_manifest(store.root(), sweep_of("ok", rows));
  return store;
}

TEST_CASE("a report in several formats leaves files that nobody takes for a manifest", "[report_command]") {
  const Scratch scratch;
  const Store store = example_store(scratch);
  const ReportAnswer files = report(store, {"ok", "--format", "json,csv,md,html,latex,text"});
  CHECK(files.code == 0);
  const std::string folder = (store.root() / "reports").string();
  CHECK(files.out == folder + "/ok.json\n" + folder + "/ok.csv\n" + folder + "/ok.md\n" + folder +
                         "/ok.html\n" + folder + "/ok.tex\n" + folder + "/ok.txt\n");
  for (int round = 0; round < 2; ++round) {
    const ReportAnswer all = report(store, {"--all", "--quiet"});
    CHECK(all.code == 0);
    CHECK(all.err.empty());
    CHECK(all.out.find("base") != std::string::npos);
  }
}

TEST_CASE("a damaged manifest is named, and the other sweeps are reported", "[report_command]") {
  const Scratch scratch;
  const Store store = example_store(scratch);
  write_file(store.root() / "sweeps/half.json", "{\"name\":");
  const ReportAnswer all = report(store, {"--all"});
  CHECK(all.code == 0);
  CHECK(all.out.find("base") != std::string::npos);
  CHECK(all.err.starts_with((store.root() / "sweeps/half.json").string() + ": sweep manifest: is damaged;"));
  CHECK(report(store, {"ok"}).code == 0);
  CHECK(report(store, {"half"}).code == 1);
}

TEST_CASE("a report of nasty labels is drawn and written, and runs none of them", "[report_command]") {
  const Scratch scratch;
  std::vector<std::string> rows = testing::nasty_names();
  rows.push_back("`touch " + (scratch / "PWNED").string() + "`");
  const Store store = example_store(scratch, rows);
  for (const char* format : {"text", "md", "csv", "latex", "html", "json"}) {
    const ReportAnswer answer = report(store, {"ok", "--format", format});
    CAPTURE(format, answer.err);
    CHECK(answer.code == 0);
    CHECK(fs::exists(store.root() / "runs.md"));
  }
  CHECK(!fs::exists(scratch / "PWNED"));
}

TEST_CASE("a store that may only be read is reported, with a notice for what it does not take",
          "[report_command]") {
  const Scratch scratch;
  const Store store = example_store(scratch);
  std::ofstream(scratch / "out");
  testing::Process child = testing::Process::of([&] {
    if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
      return 77;
    const char* root = store.root().c_str();
    if (::mount(root, root, nullptr, MS_BIND, nullptr) != 0 ||
        ::mount(nullptr, root, nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) != 0)
      return 77;
    const ReportAnswer answer = report(store, {"ok"});
    std::ofstream(scratch / "out") << answer.out << "====\n" << answer.err;
    return answer.code;
  });
  const int code = child.wait();
  if (code == 77) {
    WARN("skipped: no private mount here");
    return;
  }
  CHECK(code == 0);
  const std::string text = read_file(scratch / "out");
  const std::string page = (store.root() / "sweeps/ok.md").string(),
                    ledger = (store.root() / "runs.md").string();
  CHECK(text.starts_with("ok: valid.bpb, less is better\n"));
  CHECK(text.find("\nbase ") != std::string::npos);
  CHECK(text.find(page + ": cannot be written: Read-only file system\n") != std::string::npos);
  CHECK(text.find(ledger + ": cannot be written: Read-only file system\n") != std::string::npos);
}

}  // namespace subband::report_command_test
