#include "analysis/ledger.h"

#include "analysis/format.h"
#include "core/files.h"
#include "core/hash.h"
#include "core/testing/catch.h"
#include "core/testing/read_back.h"
#include "core/text.h"
#include "runs/testing/example_run.h"
#include "runs/testing/scratch.h"

namespace subband::ledger_test {

using testing::make_run;
using testing::Scratch;

// The cells of the table line that begins with `| name |`.
static std::vector<std::string> line_of(const std::string& page, const std::string& name) {
  for (const std::string& line : split(page, '\n')) {
    if (!line.starts_with("| " + name + " |")) continue;
    std::vector<std::string> cells;
    for (const std::string& cell : split(line.substr(1, line.size() - 2), '|'))
      cells.emplace_back(trim(cell));
    return cells;
  }
  return {};
}

// A sweep of three rows: one done, one failed, one not yet run; and a run that belongs to none.
static Store example_store(const Scratch& scratch) {
  Store store(scratch / "logs");
  make_run(store, {.name = "base", .seed = 1});
  make_run(store, {.name = "haar",
                   .seed = 1,
                   .outcome = {.status = Status::done, .step = 8, .metrics = {{"valid.bpb", 2.625}}}});
  make_run(
      store,
      {.name = "nan", .seed = 1, .outcome = {.status = Status::nan, .step = 3, .message = "loss | is NaN"}});
  make_run(store, {.name = "alone", .seed = 5});
  write_sweep_manifest(store.root(),
                       {.name = "quick",
                        .spec = "sweeps/quick.yaml",
                        .metric = "valid.bpb",
                        .baseline = "baseline",
                        .seeds = {1},
                        .cells = {{"baseline", 1, sha256_hex("base"), {}},
                                  {"fixed Haar", 1, sha256_hex("haar"), {"net.lifting=haar", "~net.crawl"}},
                                  {"too fast", 1, sha256_hex("nan"), {"optimizer.lr=9"}},
                                  {"no bypass", 1, sha256_hex("none"), {"net.bypass=none"}}}});
  return store;
}

static std::string page_of(const Store& store) {
  const Report report =
      ledger_report(store, read_index(store).runs, read_sweep_manifests(store.root()).sweeps);
  return make_format("md")->write(report);
}

TEST_CASE(
    "a line of the ledger has run, setting, value, folder, metric, parameters, time, memory, delta, notes",
    "[ledger]") {
  const Scratch scratch;
  const Store store = example_store(scratch);
  const std::vector<RunSummary> runs = read_index(store).runs;
  const std::string page = page_of(store);
  const auto haar = line_of(page, "fixed Haar, seed 1");
  REQUIRE(haar.size() == 10);
  const auto run = std::ranges::find(runs, sha256_hex("haar"), &RunSummary::id);
  CHECK(haar[1] == "`net.lifting`<br>`~net.crawl`");
  CHECK(haar[2] == "`haar`<br>–");
  CHECK(haar[3] == "[" + run->id.substr(0, 8) + "-s1](" + run->folder + "/)");
  CHECK(haar[4] == "2.6250");
  CHECK(haar[5] == grouped(run->parameters));
  CHECK(haar[6] == duration_text(run->seconds));
  CHECK(haar[7] == "–");
  CHECK(haar[8] == "+0.1250");
  const auto base = line_of(page, "baseline, seed 1");
  REQUIRE(base.size() == 10);
  CHECK(base[1] == "–");
  CHECK(base[6] == duration_text(42.0));
  CHECK(base[7] == "120 MiB");
  CHECK(base[8] == "–");
}

TEST_CASE("failures stand in the ledger with status, step and message, and missing cells as not run",
          "[ledger]") {
  const Scratch scratch;
  const Store store = example_store(scratch);
  const std::string page = page_of(store);
  const size_t line = page.find("| too fast, seed 1 |");
  REQUIRE(line != std::string::npos);
  const std::string text = page.substr(line, page.find('\n', line) - line);
  CHECK(text.find("| **nan** at step 3 |") != std::string::npos);
  CHECK(text.ends_with("| – | loss \\| is NaN |"));
  CHECK(line_of(page, "no bypass, seed 1").at(4) == "not run");
  CHECK(page.find("`sweeps/quick.yaml`, metric `valid.bpb` (min), 4 cells: 2 done, 1 nan, 1 not run.\n") !=
        std::string::npos);
}

TEST_CASE("runs outside of sweeps have a section of their own, and only they", "[ledger]") {
  const Scratch scratch;
  const Store store = example_store(scratch);
  const std::string page = page_of(store);
  const size_t section = page.find("\n## Runs outside of sweeps\n");
  REQUIRE(section != std::string::npos);
  const std::string others = page.substr(section);
  CHECK(line_of(others, "tiny/wavelet, seed 5").at(4) == "2.5000");
  CHECK(others.find(sha256_hex("base").substr(0, 8)) == std::string::npos);
}

TEST_CASE("a section shows the sweep's own table, and its picture where there is one", "[ledger]") {
  const Scratch scratch;
  const Store store = example_store(scratch);
  CHECK(page_of(store).find("svg") == std::string::npos);
  write_file(sweep_file(store.root(), "quick", ".svg"), "<svg/>");
  const std::string page = page_of(store);
  CHECK(page.find("\n\n| row | valid.bpb | delta | params | time | memory | notes |\n|---|--:|") !=
        std::string::npos);
  CHECK(page.find("\n- 2 of 4 cells are done\n\n![learning curves of quick](sweeps/quick.svg)\n\n| run |") !=
        std::string::npos);
}

TEST_CASE("links of a ledger lead to runs and pictures of any name", "[ledger]") {
  if (!testing::has_reader("gfm")) return;
  const Scratch scratch;
  const Store store(scratch / "logs");
  const std::string name = "my sweep (v2) #1 50%";
  write_sweep_manifest(store.root(),
                       {.name = name,
                        .spec = name + ".yaml",
                        .metric = "valid.bpb",
                        .seeds = {1},
                        .cells = {{"`touch PWNED` | <b>", 1, sha256_hex("base"), {"a.b='x|y'", "~`c`"}}}});
  write_file(sweep_file(store.root(), name, ".svg"), "<svg/>");
  make_run(store, {.name = "base", .seed = 1});
  const auto found = testing::read_back("gfm", page_of(store));
  const std::vector<std::string> cells = found["cells"];
  for (const std::string& text :
       {std::string("`touch PWNED` | <b>, seed 1"), std::string("a.b~`c`"), std::string("'x|y'–"), name})
    CHECK(std::ranges::find(cells, text) != cells.end());
  CHECK(found["pictures"][0][1] == "sweeps/my%20sweep%20%28v2%29%20%231%2050%25.svg");
  CHECK(std::filesystem::is_directory(store.root() / found["links"][0].get<std::string>()));
}

TEST_CASE("a ledger that cannot be written or read is a notice", "[ledger]") {
  const Scratch scratch;
  const Store store = example_store(scratch);
  write_file(scratch / "logs/sweeps/half.json", "{\"name\": ");
  CHECK(write_ledger(store) ==
        std::vector<std::string>{(scratch / "logs/sweeps/half.json").string() +
                                 ": sweep manifest: is damaged; run the sweep again to write it "
                                 "anew; left out"});
  CHECK(read_file(scratch / "logs/runs.md").find("## quick\n") != std::string::npos);
  std::filesystem::remove(scratch / "logs/sweeps/half.json");
  std::filesystem::remove(scratch / "logs/runs.md");
  std::filesystem::create_directory(scratch / "logs/runs.md");
  CHECK(write_ledger(store) == std::vector<std::string>{(scratch / "logs/runs.md").string() +
                                                        ": cannot be written: Is a directory"});
}

TEST_CASE("the same records give the same bytes, index or not", "[ledger]") {
  const Scratch scratch;
  const Store store = example_store(scratch);
  (void)write_ledger(store);
  const std::string first = read_file(store.root() / "runs.md");
  std::filesystem::remove(store.root() / "index.sqlite");
  (void)write_ledger(store);
  CHECK(read_file(store.root() / "runs.md") == first);
  CHECK(first == page_of(store));
}

}  // namespace subband::ledger_test
