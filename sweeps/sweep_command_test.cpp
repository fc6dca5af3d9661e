// The built program, end to end: a tiny sweep, killed, resumed and shared. Skipped where the program is not built.
#include <signal.h>

#include <cmath>
#include <cstdlib>
#include <random>
#include <thread>

#include <nlohmann/json.hpp>

#include "core/files.h"
#include "core/json.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "core/testing/process.h"
#include "core/testing/program.h"
#include "runs/other_code.h"
#include "runs/record/line_file.h"
#include "runs/store.h"
#include "runs/sweep_manifest.h"
#include "sweeps/testing/small_recipe.h"

namespace subband::sweep_command_test {

using testing::Process;

// Starts the program; its output goes to `log`, its complaints to `log`.err.
static Process start(std::vector<std::string> words, const std::filesystem::path& log,
                     testing::ProcessSetting setting = {}) {
  words.insert(words.begin(), testing::built_program());
  setting.out = log;
  setting.err = log.string() + ".err";
  return Process::of(words, setting);
}

static int run(const std::vector<std::string>& words, const std::filesystem::path& log) {
  return start(words, log).wait();
}

static void write_spec(const std::filesystem::path& file, const std::string& rows,
                       const std::string& changes = "trainer.steps=12") {
  const std::string base = testing::write_small_recipe(file.parent_path(), testing::small_recipe::kWavelet);
  write_file(file, "base: " + base + "\nseeds: [1, 2]\nset: [" + changes + "]\nablate:\n" + rows);
}

static std::string table_of(const std::string& sweep, const std::filesystem::path& store,
                            const std::filesystem::path& log) {
  CHECK(run({"report", sweep, "--store", store.string(), "--format", "csv", "--without-cost", "--quiet"},
            log) == 0);
  return read_file(log);
}

// Until it has processes of its own, or has ended.
static void wait_for_workers(const Process& sweep) {
  const auto has_ended = [&] {
    return read_file("/proc/" + std::to_string(sweep.id()) + "/stat").find(") Z") != std::string::npos;
  };
  for (int i = 0; i < 4000 && sweep.children().empty() && !has_ended(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

TEST_CASE("a sweep killed at random instants ends with the table of an untouched one", "[sweep_command]") {
  if (testing::lacks_program()) return;
  const TestFolder folder;
  write_spec(
      folder / "probe.yaml",
      "  no bypass: net.block.bypass=none\n  no crawl: net.block.dilation=dyadic\n  wide: net.width=24\n"
      "  haar: net.block.lifting=haar\n  deep: net.layers=3\n",
      "trainer.steps=30");
  const std::string spec = (folder / "probe.yaml").string();
  const auto words = [&](const std::string& store) {
    return std::vector<std::string>{"sweep", spec, "--store", (folder / store).string(), "--jobs", "2"};
  };
  REQUIRE(run(words("whole"), folder / "log") == 0);
  const std::string expected = table_of("probe", folder / "whole", folder / "table");
  CHECK(expected.find("no bypass,") != std::string::npos);
  std::mt19937 random(7);  // the instants only
  const int kills = std::getenv("SUBBAND_SWEEPS_WHOLE") != nullptr ? 200 : 20;
  int at_work = 0;
  for (int kill = 0; kill < kills; ++kill) {
    Process sweep = start(words("killed"), folder / "log", testing::without_leak_check());
    if (kill % 5 != 4) wait_for_workers(sweep);  // the others hit its beginning
    std::this_thread::sleep_for(std::chrono::milliseconds(std::uniform_int_distribution<int>(0, 120)(random)));
    at_work += sweep.children().empty() ? 0 : 1;
    if (kill % 3 != 1)
      for (const pid_t worker : sweep.children()) ::kill(worker, SIGKILL);
    if (kill % 3 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(80));  // it begins with the lost ones again
    sweep.signal(SIGKILL);
    sweep.wait();
  }
  CHECK(at_work >= 6);  // by when the cells may all be done
  CHECK(run(words("killed"), folder / "log") == 0);
  CHECK(table_of("probe", folder / "killed", folder / "table") == expected);
  CHECK(Store(folder / "killed").folders().size() == 12);
}

TEST_CASE("a sweep tells programs what happens, to whoever runs it and to whoever watches",
          "[sweep_command]") {
  if (testing::lacks_program()) return;
  const TestFolder folder;
  write_spec(folder / "one.yaml", "  no bypass: net.block.bypass=none\n");
  const std::string spec = (folder / "one.yaml").string(), store = (folder / "store").string();
  Process sweep = start({"sweep", spec, "--store", store, "--jobs", "2", "--json-lines"}, folder / "log");
  for (int i = 0; i < 4000 && !std::filesystem::exists(folder / "store/sweeps/one.json"); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  CHECK(run({"sweep", spec, "--store", store, "--watch", "--json-lines"}, folder / "watch") == 0);
  CHECK(sweep.wait() == 0);
  const std::string events = read_file(folder / "log"), seen = read_file(folder / "watch");
  CHECK_THAT(events, Catch::ContainsSubstring(R"("sweep":"one","cells":4,"to_run":4)"));
  for (const char* seed : {"1", "2"})
    for (const char* row : {"base", "no bypass"})
      CHECK_THAT(events, Catch::ContainsSubstring(std::string(R"("row":")") + row + R"(","seed":)" + seed +
                                                  R"(,"status":"done")"));
  CHECK_THAT(seen, Catch::ContainsSubstring(R"("status":"done")") && Catch::EndsWith("\"exit\":0}\n"));
}

TEST_CASE("a cell's task gives the same run on another store", "[sweep_command]") {
  if (testing::lacks_program()) return;
  const TestFolder folder;
  write_spec(folder / "one.yaml", "  no bypass: net.block.bypass=none\n");
  REQUIRE(run({"sweep", (folder / "one.yaml").string(), "seeds=[1]", "--name", "one", "--store",
               (folder / "store").string(), "--jobs", "2"},
              folder / "log") == 0);
  const Store there(folder / "store"), here(folder / "other");
  for (const auto& task : std::filesystem::directory_iterator(folder / "store/sweeps/one/tasks"))
    CHECK(run({"cell", task.path().string(), "--store", here.root().string(), "--quiet"}, folder / "log") ==
          0);
  REQUIRE(here.folders().size() == 2);
  for (const auto& run_folder : here.folders()) {
    const RunRecord own = read_record(run_folder / kRecordName);
    const RunRecord first = read_record(*there.find(own.id, own.seed) / kRecordName);
    CHECK(own.metrics.at("valid.bpb") == first.metrics.at("valid.bpb"));
  }
  CHECK(run({"cell", (folder / "no.yaml").string()}, folder / "log") == 1);
}

TEST_CASE("a program that is replaced while it sweeps goes on as it was", "[sweep_command]") {
  if (testing::lacks_program()) return;
  namespace fs = std::filesystem;
  const TestFolder folder;
  fs::create_directories(folder / "bin");
  for (const char* name : {"subband", "libsubband_laboratory.so"})
    fs::copy_file(fs::path(testing::built_program()).parent_path() / name, folder / "bin" / name);
  write_spec(folder / "one.yaml", "  no bypass: net.block.bypass=none\n");
  Process sweep = Process::of({(folder / "bin/subband").string(), "sweep", (folder / "one.yaml").string(),
                               "--store", (folder / "store").string(), "--jobs", "2", "seeds=[1]"},
                              {.out = folder / "log", .err = folder / "log.err"});
  const Store store(folder / "store");
  for (int i = 0; i < 4000 && store.folders().empty(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  for (const char* name : {"subband", "libsubband_laboratory.so"}) {
    write_file(folder / "other", "no program");
    fs::rename(folder / "other", folder / "bin" / name);
  }
  CHECK(sweep.wait() == 0);
  CHECK(store.folders().size() == 2);
}

TEST_CASE("two sweeps that share cells train them once, one after the other and at the same time",
          "[sweep_command]") {
  if (testing::lacks_program()) return;
  const TestFolder folder;
  write_spec(folder / "one.yaml", "  no bypass: net.block.bypass=none\n");
  write_spec(folder / "two.yaml", "  no crawl: net.block.dilation=dyadic\n");
  const auto words = [&](const std::string& name) {
    return std::vector<std::string>{
        "sweep", (folder / (name + ".yaml")).string(), "--store", (folder / "store").string(), "--jobs", "1"};
  };
  Process one = start(words("one"), folder / "one.log");
  Process two = start(words("two"), folder / "two.log");
  CHECK(one.wait() == 0);
  CHECK(two.wait() == 0);
  const Store store(folder / "store");
  CHECK(store.folders().size() == 6);  // the base's two seeds are shared
  for (const auto& run_folder : store.folders()) {
    const RecordFile record = read_record_file(run_folder / kRecordName);
    int64_t starts = 0;
    for (const RecordJson& event : record.events)
      if (text_in(event, "event") == "model") ++starts;
    CHECK(starts == 1);
  }
  CHECK(run(words("one"), folder / "again.log") == 0);
  CHECK(read_file(folder / "again.log.err").find("to run") == std::string::npos);  // nothing was
}

TEST_CASE("a sweep on one processor plans for one worker", "[sweep_command]") {
  if (testing::lacks_program()) return;
  const TestFolder folder;
  write_spec(folder / "one.yaml", "  no bypass: net.block.bypass=none\n");
  const std::vector<std::string> words = {"taskset",  "-c",
                                          "0",        testing::built_program(),
                                          "sweep",    (folder / "one.yaml").string(),
                                          "--store",  (folder / "store").string(),
                                          "--dry-run"};
  CHECK(Process::of(words, {.out = folder / "plan"}).wait() == 0);
  CHECK(read_file(folder / "plan").find("; time on 1 worker: ") != std::string::npos);
}

TEST_CASE("a plan too large for any machine is refused before it is made", "[sweep_command]") {
  if (testing::lacks_program()) return;
  const TestFolder folder;
  std::string grid = "base: tinyshakespeare/wavelet\ngrid:\n";
  for (int i = 0; i < 15; ++i) grid += "  net.a" + std::to_string(i) + ": [1, 2, 3]\n";
  write_file(folder / "huge.yaml", grid);
  CHECK(run({"sweep", (folder / "huge.yaml").string(), "--store", (folder / "store").string()},
            folder / "log") == 2);
  CHECK(read_file(folder / "log.err")
            .find("huge: cells = 14,348,907: must be at most 100,000; take axes, values or "
                  "seeds out\n") != std::string::npos);
}

TEST_CASE("a sweep's file that cannot be read is named for what it is", "[sweep_command]") {
  if (testing::lacks_program()) return;
  const TestFolder folder;
  write_file(folder / "mine.yml", "base: tinyshakespeare/wavelet\n");
  const std::string yml = (folder / "mine.yml").string();
  CHECK(run({"sweep", yml}, folder / "log") == 2);
  CHECK(read_file(folder / "log.err") == yml + ": is not read: its name must end in .yaml\n");
  write_file(folder / "wide.yaml", std::string("\xFF\xFE"
                                               "b\0:\0",
                                               6));
  const std::string wide = (folder / "wide.yaml").string();
  CHECK(run({"sweep", wide}, folder / "log") == 2);
  CHECK(read_file(folder / "log.err") == wide + ":1:1: is UTF-16 text, no YAML; iconv -t utf-8 converts it\n");
}

TEST_CASE("the mistakes of all rows stop a sweep before anything runs", "[sweep_command]") {
  if (testing::lacks_program()) return;
  const TestFolder folder;
  write_spec(folder / "bad.yaml", "  one: net.block.bypas=none\n  two: net.width=15.5\n");
  const auto store = folder / "store";
  CHECK(run({"sweep", (folder / "bad.yaml").string(), "--store", store.string()}, folder / "log") == 2);
  const std::string errors = read_file(folder / "log.err");
  CHECK(errors.find("row 'one': ") != std::string::npos);
  CHECK(errors.find("row 'two': ") != std::string::npos);
  CHECK(!std::filesystem::exists(store));
}

// Runs the program where the store may only be read.
static int run_read_only(const std::string& words, const std::filesystem::path& store,
                         const std::filesystem::path& log) {
  const std::string script =
      "mount --bind \"$STORE\" \"$STORE\" && mount -o remount,bind,ro \"$STORE\" || exit 77\n\"$PROGRAM\" " +
      words + " --store \"$STORE\"\n";
  return Process::of({"unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script},
                     {.out = log,
                      .err = log.string() + ".err",
                      .environment = {"STORE=" + store.string(), "PROGRAM=" + testing::built_program(),
                                      "SPEC=" + log.parent_path().string()}})
      .wait();
}

TEST_CASE(
    "names of any letters are swept, shown and linked, and a finished sweep is shown from a store that may "
    "only be read",
    "[sweep_command]") {
  if (testing::lacks_program()) return;
  const TestFolder folder;
  const std::string name = "my sweep (v2) #1 50%";
  write_spec(folder / (name + ".yaml"), "  \"`touch PWNED` | <img src=x>\": net.block.bypass=none\n");
  const auto store = folder / "store";
  REQUIRE(run({"sweep", (folder / (name + ".yaml")).string(), "--store", store.string(), "--jobs", "2"},
              folder / "log") == 0);
  CHECK(read_file(folder / "log").find("`touch PWNED` | <img src=x>") != std::string::npos);
  CHECK(std::filesystem::exists(store / "sweeps" / (name + ".svg")));
  const std::string ledger = read_file(store / "runs.md");
  CHECK(ledger.find("sweeps/my%20sweep%20%28v2%29%20%231%2050%25.svg") != std::string::npos);
  CHECK(ledger.find("\\`touch PWNED\\` \\| \\<img src=x\\>") != std::string::npos);
  CHECK(!std::filesystem::exists("PWNED"));
  if (Process::of({"unshare", "--user", "--map-root-user", "--mount", "true"}).wait() != 0) {
    WARN("skipped: no private mount here");
    return;
  }
  const std::pair<std::string, std::string> answers[] = {{"sweep \"$SPEC/" + name + ".yaml\"", "<img src=x>"},
                                                         {"report \"" + name + "\"", "<img src=x>"},
                                                         {"runs list", "done"}};
  for (const auto& [words, expected] : answers) {
    CHECK(run_read_only(words, store, folder / "answer") == 0);
    CHECK(read_file(folder / "answer").find(expected) != std::string::npos);
  }
  CHECK(run_read_only("sweep \"$SPEC/" + name + ".yaml\" 'seeds=[3]' --quiet", store, folder / "answer") ==
        1);
  const std::string refused = read_file(folder / "answer.err");
  CHECK(std::ranges::count(refused, '\n') == 1);
  CHECK_THAT(refused, Catch::StartsWith(store.string()) && Catch::EndsWith(": Read-only file system\n"));
}

TEST_CASE("a sweep on a full disk says so, and with room again ends with the table of an untouched one",
          "[sweep_command]") {
  if (testing::lacks_program()) return;
  if (Process::of({"unshare", "--user", "--map-root-user", "--mount", "sh", "-c", "mount -t tmpfs none /mnt"})
          .wait() != 0) {
    WARN("skipped: no file system of one's own here");
    return;
  }
  const TestFolder folder;
  write_spec(folder / "one.yaml", "  no bypass: net.block.bypass=none\n");
  const std::string sweep = "sweep \"$HERE/one.yaml\" 'seeds=[1]' --name one --jobs 2 --store ";
  const std::string script =
      "mkdir \"$HERE/disk\"\nmount -t tmpfs -o size=16k none \"$HERE/disk\"\n\"$PROGRAM\" " + sweep +
      "\"$HERE/whole\" >/dev/null 2>&1 || exit 77\n"
      "for size in 16k 200k 64m; do\n"
      "  mount -o remount,size=$size \"$HERE/disk\"\n  \"$PROGRAM\" " +
      sweep +
      "\"$HERE/disk/logs\" >\"$HERE/told.$size\" 2>&1\n"
      "  echo $? >\"$HERE/code.$size\"\ndone\ncp -r \"$HERE/disk/logs\" \"$HERE/logs\"\n";
  REQUIRE(
      Process::of({"unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script},
                  {.environment = {"HERE=" + folder.path().string(), "PROGRAM=" + testing::built_program()}})
          .wait() == 0);
  int refused = 0;
  for (const std::string size : {"16k", "200k"}) {
    if (read_file(folder / ("code." + size)) == "0\n") continue;
    ++refused;
    CAPTURE(size, read_file(folder / ("code." + size)));
    CHECK_THAT(read_file(folder / ("told." + size)), Catch::ContainsSubstring("No space left on device"));
  }
  CHECK(refused >= 1);
  CHECK(read_file(folder / "code.64m") == "0\n");
  CHECK(Store(folder / "logs").folders().size() == 2);
  CHECK(table_of("one", folder / "logs", folder / "table") ==
        table_of("one", folder / "whole", folder / "table"));
}

TEST_CASE("files of one name and changes on the command line are sweeps of their own", "[sweep_command]") {
  if (testing::lacks_program()) return;
  const TestFolder folder;
  for (const char* each : {"a/lr.yaml", "b/lr.yaml"})
    write_spec(folder / each, "  no bypass: net.block.bypass=none\n");
  const auto store = folder / "store";
  const auto sweep = [&](std::vector<std::string> words) {
    words.insert(words.begin(), "sweep");
    words.insert(words.end(), {"--store", store.string(), "--jobs", "2"});
    return run(words, folder / "log");
  };
  CHECK(sweep({(folder / "a/lr.yaml").string()}) == 0);
  CHECK(sweep({(folder / "b/lr.yaml").string()}) == 0);
  CHECK(read_file(folder / "log.err").find("this sweep is called b/lr;") != std::string::npos);
  CHECK(sweep({(folder / "a/lr.yaml").string(), "seeds=[1]"}) == 0);
  CHECK(sweep({(folder / "a/lr.yaml").string(), "seeds=[1]", "--name", "one seed"}) == 0);
  std::vector<std::string> names;
  for (const SweepManifest& each : read_sweep_manifests(store).sweeps) names.push_back(each.name);
  CHECK(names == std::vector<std::string>{"b/lr", "lr", "lr+seeds=[1]", "one seed"});
  CHECK(run({"report", (folder / "b/lr.yaml").string(), "--store", store.string()}, folder / "log") == 0);
  CHECK(read_file(folder / "log").starts_with("b/lr: valid.bpb"));
}

TEST_CASE("a recipe and values make a sweep, whose rows are every combination", "[sweep_command]") {
  if (testing::lacks_program()) return;
  const TestFolder folder;
  const auto log = folder / "log.txt";
  const std::vector<std::string> common = {"--dry-run", "--json", "--store", (folder / "logs").string()};
  const auto planned = [&](std::vector<std::string> words) {
    words.insert(words.begin(), "sweep");
    words.insert(words.end(), common.begin(), common.end());
    CHECK(run(words, log) == 0);
    return read_file(log);
  };
  const std::string plan = planned({"mqar/attention", "optimizer.lr=0.01,0.02", "net.layers=range(1,3)",
                                    "trainer.steps=5", "--metric", "test.accuracy"});
  CHECK_THAT(plan, Catch::ContainsSubstring(R"("metric":{"name":"test.accuracy","goal":"max"})") &&
                       Catch::ContainsSubstring(R"("row":"optimizer.lr=0.02, net.layers=2")"));
  CHECK_THAT(planned({"quickstart", "net.width=48,96", "seeds=[1]"}),
             Catch::ContainsSubstring(R"("sweep":"quickstart+net.width=48,96+seeds=[1]")") &&
                 Catch::ContainsSubstring(R"("row":"no bypass, net.width=96")"));
  CHECK(run({"sweep", "mqar/attention", "net.layers=1,2", "--dry-run"}, log) == 2);
  CHECK_THAT(read_file(log.string() + ".err"),
             Catch::ContainsSubstring("metric.name = valid.bpb: no row reports it; 'subband list metric mqar/attention' lists what there is"));
}

TEST_CASE("a sweep without a spec runs, and is reported under its name", "[sweep_command]") {
  if (testing::lacks_program()) return;
  const TestFolder folder;
  const auto log = folder / "log.txt", store = folder / "logs";
  CHECK(
      run({"sweep", "mqar/attention", "net.width=8,16", "trainer.steps=2", "trainer.batch=2", "task.valid=4",
           "task.test=4", "--metric", "valid.loss", "--name", "widths", "--quiet", "--store", store.string()},
          log) == 0);
  CHECK(run({"report", "widths", "--store", store.string(), "--format", "csv", "--quiet"}, log) == 0);
  CHECK_THAT(read_file(log), Catch::ContainsSubstring("net.width=16"));
  CHECK(read_sweep_manifest(sweep_file(store, "widths", ".json")).goal == "min");
}

TEST_CASE("the gap between two runs is explained by the change that makes it", "[sweep_command]") {
  if (testing::lacks_program()) return;
  const TestFolder folder;
  const std::string store = (folder / "logs").string();
  const std::string recipe = testing::write_small_recipe(folder.path(), testing::small_recipe::kWavelet);
  const auto run_with = [&](const std::vector<std::string>& changes) {
    std::vector<std::string> words = {"run", recipe, "--store", store, "trainer.steps=30"};
    words.insert(words.end(), changes.begin(), changes.end());
    REQUIRE(run(words, folder / "log") == 0);
  };
  // The planted effect: at a rate of 1e-9 nothing is learned.
  run_with({"optimizer.lr=0.02"});
  run_with({"optimizer.lr=1e-9", "net.block.bypass=none", "trainer.clip_norm=0.9"});
  std::vector<std::string> runs;
  for (const auto& each : Store(store).folders()) runs.push_back(each.filename().string());
  const bool is_first = read_file(Store(store).folders()[0] / "config.yaml").find("lr: 0.02") != std::string::npos;
  write_file(folder / "gap.yaml",
             "metric: {name: valid.bpb}\nseeds: [1]\nbetween: {from: " + runs[is_first ? 0 : 1] +
                 ", to: " + runs[is_first ? 1 : 0] + ", pairs: 3}\n");
  REQUIRE(run({"sweep", (folder / "gap.yaml").string(), "--store", store, "--json", "--quiet"}, folder / "out") == 0);
  const auto report = read_json(read_file(folder / "out"), "out");
  const auto& waterfall = report.at("waterfall");
  REQUIRE(waterfall.size() == 5);
  const double whole = waterfall[4].at("change");
  CHECK(whole > 1);
  for (const auto& step : waterfall) {
    const std::string row = step.at("row");
    if (row.starts_with("+ optimizer.lr")) CHECK(step.at("change").get<double>() > 0.9 * whole);
    if (row.starts_with("+ optimizer.lr")) CHECK(step.at("low").get<double>() > 0);
    if (row.starts_with("+ trainer") || row.starts_with("+ net"))
      CHECK(std::abs(step.at("change").get<double>()) < 0.1 * whole);
  }
  CHECK(Store(store).folders().size() == 2 + 4 * 3 - 2);  // the runs at both ends are reused
}

// As if its parts had been of other code.
static void age(const std::filesystem::path& record) {
  std::string text;
  for (RecordJson line : read_line_file(record)) {
    if (line.contains("provenance"))
      for (auto& [part, digest] : line["provenance"]["code"].items()) digest = "0000000000000000";
    text += sealed_line(line);
  }
  write_file(record, text);
}

TEST_CASE("what diverged under other code is done again, and claims that come later are later than what was seen",
          "[sweep_command]") {
  if (testing::lacks_program()) return;
  const TestFolder folder;
  const Store store(folder / "logs");
  const auto spec = folder / "failing.yaml";
  write_spec(spec, "  wild: optimizer.lr=1000\nclaims: [{row: wild, is: worse, by: 1}]\n");
  const auto sweep = [&](const std::vector<std::string>& more) {
    std::vector<std::string> words = {"sweep", spec.string(), "seeds=[1]", "--name", "failing", "--store", store.root().string(),
                                      "--jobs", "2"};
    words.insert(words.end(), more.begin(), more.end());
    return run(words, folder / "log");
  };
  CHECK(sweep({}) == 4);
  const std::string id = read_sweep_manifest(sweep_file(store.root(), "failing", ".json")).cells[1].id;
  REQUIRE(is_failure(read_record(*store.find(id, 1) / kRecordName).status));
  age(*store.find(id, 1) / kRecordName);
  CHECK(sweep({}) == 4);
  CHECK_THAT(read_file(folder / "log.err"), Catch::ContainsSubstring("failing: 2 cells, 1 to run"));
  CHECK(std::filesystem::exists(folder / "logs/replaced"));
  const auto code = read_record(*store.find(id, 1) / kRecordName).code;
  CHECK(std::ranges::none_of(code, [](const auto& part) { return part.second == "0000000000000000"; }));

  write_spec(spec, "  wild: optimizer.lr=1000\nclaims: [{row: wild, is: worse, by: 2}]\n");
  CHECK(sweep({"--force"}) == 4);
  const auto claims = read_sweep_manifest(sweep_file(store.root(), "failing", ".json")).registered;
  REQUIRE(claims.size() == 2);
  CHECK(claims[0].runs == 0);
  CHECK(claims[1].runs == 2);
}

}  // namespace subband::sweep_command_test
