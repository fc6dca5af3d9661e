#include "analysis/comparison.h"

#include <cmath>
#include <limits>
#include <optional>
#include <tuple>

#include "analysis/sweep_report.h"
#include "analysis/testing/example_report.h"
#include "core/languages/terminal.h"
#include "core/testing/catch.h"
#include "core/text.h"

using namespace subband;

namespace comparison_test {

static RunSummary run(const std::string& id, int64_t seed, double value, Status status = Status::done) {
  return {.id = id,
          .seed = seed,
          .status = status,
          .message = status == Status::nan ? "loss is NaN" : "",
          .step = 12,
          .parameters = 1234,
          .metrics = {{"valid.bpb", value}, {"train.seconds", 3.0}, {"train.peak_mib", 90.0}}};
}

static SweepManifest manifest() {
  SweepManifest sweep{
      .name = "probe", .spec = "probe.yaml", .metric = "valid.bpb", .baseline = "base", .seeds = {1, 2}};
  for (const char* row : {"base", "worse", "broken"})
    for (const int64_t seed : sweep.seeds) sweep.cells.push_back({.row = row, .seed = seed, .id = row});
  return sweep;
}

static std::vector<RunSummary> runs() {
  return {run("base", 1, 2.50), run("base", 2, 2.60), run("worse", 1, 2.55), run("worse", 2, 2.651),
          run("broken", 1, 0, Status::nan)};
}

static std::string markdown(const SweepManifest& sweep, const std::vector<RunSummary>& runs,
                            bool has_cost = true) {
  return testing::written("md", sweep_report(sweep, compare(sweep, runs), {.has_cost = has_cost}));
}

}  // namespace comparison_test

TEST_CASE("a comparison shows means, paired differences, and every seed that is missing or failed",
          "[comparison]") {
  const Comparison comparison = compare(comparison_test::manifest(), comparison_test::runs());
  CHECK(comparison_test::markdown(comparison_test::manifest(), comparison_test::runs()) ==
        "## probe: valid.bpb, less is better\n\n"
        "| row | valid.bpb | delta | params | time | memory | notes |\n|---|--:|--:|--:|--:|--:|---|\n"
        "| base | 2.5500 ± 0.0707 | – | 1,234 | 3.0 s | 90 MiB |  |\n"
        "| worse | 2.6005 ± 0.0714 | +0.0505 ± 0.0005 | 1,234 | 3.0 s | 90 MiB | worse |\n"
        "| broken | – | – | 1,234 | – | – | seed 1 nan at step 12; seed 2 not run |\n\n"
        "- 4 of 6 cells are done\n");
  CHECK(comparison.failures ==
        std::vector<std::string>{"broken, seed 1: nan at step 12: loss is NaN", "broken, seed 2: not run"});
}

TEST_CASE("a comparison counts the cells that other code trained", "[comparison]") {
  SweepManifest sweep = comparison_test::manifest();
  sweep.code = {{"mixer:mean", "22"}};
  std::vector<RunSummary> runs = comparison_test::runs();
  runs[0].code = {{"mixer:mean", "11"}}, runs[1].code = {{"mixer:mean", "22"}};
  const Comparison comparison = compare(sweep, runs);
  CHECK(comparison.rows[0].notes == std::vector<std::string>{"seed 1 of other code: mean"});
  CHECK(comparison_notes(comparison) ==
        std::vector<std::string>{
            "4 of 6 cells are done",
            "1 cell was trained under other code (mean); the sweep with --redo trains it again"});
  CHECK(comparison.failures.size() == 2);  // it is no failure
}

TEST_CASE("a cell that was refused before it had a run says why", "[comparison]") {
  SweepManifest sweep = comparison_test::manifest();
  sweep.cells.back().refused = "corpus.txt: sha256 = 11: must be 22";
  const Comparison comparison = compare(sweep, comparison_test::runs());
  CHECK(comparison.rows.back().notes == std::vector<std::string>{"seed 1 nan at step 12", "seed 2 refused"});
  CHECK(comparison.failures.back() == "broken, seed 2: refused: corpus.txt: sha256 = 11: must be 22");
}

TEST_CASE("many seeds that are missing are counted, not listed", "[comparison]") {
  SweepManifest sweep = comparison_test::manifest();
  for (int64_t seed = 3; seed < 5000; ++seed)
    sweep.cells.push_back({.row = "broken", .seed = seed, .id = "broken"});
  const Comparison comparison = compare(sweep, comparison_test::runs());
  CHECK(comparison.rows.back().notes ==
        std::vector<std::string>{"seed 1 nan at step 12", "4,998 seeds not run"});
}

TEST_CASE("a sweep names further columns, and lines that need no run", "[comparison]") {
  SweepManifest sweep = comparison_test::manifest();
  sweep.columns = {{"FLOPs", "model.flops"}, {"AUC", "test.auc"}};
  sweep.lines = {{"guessing", 8}};
  std::vector<RunSummary> runs = comparison_test::runs();
  for (RunSummary& run : runs) run.metrics["model.flops"] = 26'200'000;
  runs[0].metrics["test.auc"] = 0.75, runs[1].metrics["test.auc"] = 0.5;
  CHECK(comparison_test::markdown(sweep, runs, false) ==
        "## probe: valid.bpb, less is better\n\n"
        "| row | valid.bpb | delta | FLOPs | AUC | params | notes |\n|---|--:|--:|--:|--:|--:|---|\n"
        "| base | 2.5500 ± 0.0707 | – | 26.2 M | 0.6250 | 1,234 |  |\n"
        "| worse | 2.6005 ± 0.0714 | +0.0505 ± 0.0005 | 26.2 M | – | 1,234 | worse |\n"
        "| broken | – | – | – | – | 1,234 | seed 1 nan at step 12; seed 2 not run |\n"
        "| guessing | 8.0000 | – | – | – | – | for comparison |\n\n"
        "- 4 of 6 cells are done\n");
}

TEST_CASE("what a row changes besides what it asks for stands below the table", "[comparison]") {
  SweepManifest sweep = comparison_test::manifest();
  sweep.remarks = {{"worse", "heads 6→4"}};
  CHECK(comparison_notes(compare(sweep, comparison_test::runs())) ==
        std::vector<std::string>{"4 of 6 cells are done", "worse: heads 6→4"});
}

TEST_CASE("claims are judged by the paired difference", "[comparison]") {
  SweepManifest sweep = comparison_test::manifest();
  sweep.claims = {{"worse", "worse", 0.01},
                  {"worse", "worse", 0.1},
                  {"worse", "better", 0},
                  {"worse", "equal", 0.06},
                  {"broken", "worse", 0}};
  CHECK(lines_of(Claims{compare(sweep, comparison_test::runs()).claims}) ==
        std::vector<std::string>{"✓ worse: claimed worse by 0.01; found worse by 0.0505 (2 seeds)",
                                 "✗ worse: claimed worse by 0.1; found worse by 0.0505 (2 seeds)",
                                 "✗ worse: claimed better; found worse by 0.0505 (2 seeds)",
                                 "✓ worse: claimed equal within 0.06; found worse by 0.0505 (2 seeds)",
                                 "? broken: claimed worse; found no seed has both rows yet"});
  sweep.goal = "max";
  CHECK(compare(sweep, comparison_test::runs()).claims[2].holds == true);
}

// A seed at which one row is not like the others: another run, none, or refused.
struct OddSeed {
  std::string row;
  int64_t seed = 3;
  std::optional<RunSummary> run = {};
  std::string refused = {};
};

// What is said of a claim over nine seeds, at one of which a run is odd.
static std::string claim_with(const OddSeed& odd, std::optional<double> error = 0.05) {
  SweepManifest sweep{.name = "probe", .metric = "valid.bpb", .baseline = "base"};
  std::vector<RunSummary> runs;
  for (const std::string row : {"base", "x"})
    for (int64_t seed = 1; seed <= 9; ++seed) {
      const bool is_odd = row == odd.row && seed == odd.seed;
      sweep.cells.push_back({.row = row, .seed = seed, .id = row, .refused = is_odd ? odd.refused : ""});
      const double value = row == "base" ? 2 : 1 + 0.01 * static_cast<double>(seed % 2);
      if (!is_odd)
        runs.push_back(comparison_test::run(row, seed, value));
      else if (odd.run)
        runs.push_back(*odd.run);
    }
  sweep.claims = {{.row = "x", .is = "better", .by = 0.1, .error = error}};
  return lines_of(Claims{compare(sweep, runs).claims}).at(0);
}

TEST_CASE("a claim with an error rate counts no pair behind a seed that has not ended", "[comparison]") {
  using comparison_test::run;
  const std::string waits =
      "? x: claimed better by 0.1; undecided, better by 0.9950 (−inf to +inf with 90 % at any stop; 2 seeds; a fixed "
      "number would have been 2); 6 pairs after seed 3 count once it has ended";
  for (const std::string row : {"base", "x"}) {
    CHECK(claim_with({row}) == waits);
    for (const Status status : {Status::stopped, Status::running, Status::interrupted, Status::damaged})
      CHECK(claim_with({row, 3, run(row, 3, 1.5, status)}) == waits);
    CHECK(claim_with({row, 1}) ==
          "? x: claimed better by 0.1; undecided, no seed has both rows yet; 8 pairs after seed 1 count once it has ended");
    CHECK(claim_with({row, 9}) ==
          "✓ x: claimed better by 0.1; supported, better by 0.9950 (+0.9837 to +1.0063 with 90 % at any stop; decided "
          "after 7 of 8 seeds; a fixed number would have been 2)");
    CHECK(claim_with({row}, std::nullopt) == "✓ x: claimed better by 0.1; found better by 0.9950 (8 seeds)");
  }
}

TEST_CASE("a claim with an error rate leaves out a seed that failed or gave no number, as the search for seeds does",
          "[comparison]") {
  using comparison_test::run;
  const auto counted = [](const std::string& without) {
    return "✓ x: claimed better by 0.1; supported, better by 0.9950 (+0.9837 to +1.0063 with 90 % at any stop; decided "
           "after 7 of 8 seeds" + without + "; a fixed number would have been 2)";
  };
  for (const std::string row : {"base", "x"}) {
    for (const Status status :
         {Status::nan, Status::diverged, Status::out_of_memory, Status::time_out, Status::failed})
      CHECK(claim_with({row, 3, run(row, 3, 0, status)}) == counted(""));
    CHECK(claim_with({.row = row, .refused = "no such data"}) == counted(""));
    const double inf = std::numeric_limits<double>::infinity();
    for (const double value : {inf, -inf, std::nan("")})
      CHECK(claim_with({row, 3, run(row, 3, value)}) == counted(" and 1 without a number"));
  }
}

TEST_CASE("without time and memory a table depends on what was computed alone", "[comparison]") {
  std::vector<RunSummary> slower = comparison_test::runs();
  for (RunSummary& run : slower) run.metrics["train.seconds"] = 99, run.metrics["train.peak_mib"] = 1;
  const auto text = [](const std::vector<RunSummary>& runs) {
    const Comparison comparison = compare(comparison_test::manifest(), runs);
    return testing::written("csv",
                            sweep_report(comparison_test::manifest(), comparison, {.has_cost = false}));
  };
  CHECK(text(slower) == text(comparison_test::runs()));
  slower[0].metrics["valid.bpb"] = 2.51;
  CHECK(text(slower) != text(comparison_test::runs()));
}

TEST_CASE("a comparison fits a terminal of 100 columns", "[comparison]") {
  SweepManifest sweep = comparison_test::manifest();
  for (SweepCell& cell : sweep.cells)
    if (cell.row == "broken") cell.row = "a row with a very long name that says everything about its change";
  for (const std::string& line :
       split(testing::written("text", sweep_report(sweep, compare(sweep, comparison_test::runs()))), '\n'))
    CHECK(display_width(line) <= 100);
}

TEST_CASE("an infinite or missing number is a word, proves nothing, and leaves the other rows alone",
          "[comparison]") {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::nan("");
  const std::string others =
      "| worse | 2.6005 ± 0.0714 | +0.0505 ± 0.0005 | 1,234 | 3.0 s | 90 MiB | worse |\n";
  SweepManifest sweep = comparison_test::manifest();
  sweep.claims = {{"broken", "worse", 0.1}, {"broken", "equal", 1}, {"worse", "worse", 0.01}};
  for (const auto& [value, mean, delta] :
       {std::tuple(inf, "inf", "+inf"), std::tuple(-inf, "−inf", "−inf"), std::tuple(nan, "nan", "nan")}) {
    for (const bool is_first : {true, false}) {  // whichever seed it is
      std::vector<RunSummary> runs = comparison_test::runs();
      runs.pop_back();
      runs.push_back(comparison_test::run("broken", 1, is_first ? value : 2.5));
      runs.push_back(comparison_test::run("broken", 2, is_first ? 2.5 : value));
      const std::string page = comparison_test::markdown(sweep, runs);
      CHECK(page.find(others) != std::string::npos);
      CHECK(page.find(std::string("| broken | ") + mean + " | " + delta + " | 1,234 |") != std::string::npos);
      CHECK(page.find(std::string("- ? broken: claimed worse by 0.1; found a difference of ") + delta +
                      ", which proves nothing (2 seeds)\n") != std::string::npos);
      CHECK(page.find("- ? broken: claimed equal within 1;") != std::string::npos);
      CHECK(page.find("- ✓ worse: claimed worse by 0.01") != std::string::npos);
    }
  }
}

TEST_CASE("an infinite baseline leaves the means of the other rows", "[comparison]") {
  std::vector<RunSummary> runs = comparison_test::runs();
  runs[0].metrics["valid.bpb"] = std::numeric_limits<double>::infinity();
  const std::string page = comparison_test::markdown(comparison_test::manifest(), runs);
  CHECK(page.find("| base | inf | – |") != std::string::npos);
  CHECK(page.find("| worse | 2.6005 ± 0.0714 | −inf |") != std::string::npos);
}

TEST_CASE("a number of 171 digits is short, and its mean and spread are numbers", "[comparison]") {
  std::vector<RunSummary> runs = comparison_test::runs();
  runs[0].metrics["valid.bpb"] = 1e171, runs[1].metrics["valid.bpb"] = 3e171;
  runs[2].metrics["train.peak_mib"] = 1e171;
  SweepManifest sweep = comparison_test::manifest();
  sweep.columns = {{"also", "valid.bpb"}};
  const std::string page = comparison_test::markdown(sweep, runs);
  CHECK(page.find("| base | 2.0000e+171 ± 1.4142e+171 | – | 2.0000e+171 |") != std::string::npos);
  for (const std::string& line : split(page, '\n')) CHECK(line.size() < 200);
}

TEST_CASE("programs find spread, count and seeds of every row", "[comparison]") {
  const SweepManifest sweep = comparison_test::manifest();
  const Report report = sweep_report(sweep, compare(sweep, comparison_test::runs()));
  const auto rows = nlohmann::json::parse(testing::written("json", report))["rows"];
  CHECK(rows[0]["valid.bpb"].get<double>() == 2.55);
  CHECK(rows[0]["sd"].get<double>() == Approx(0.0707).margin(1e-4));
  CHECK(rows[0]["n"] == 2);
  CHECK(rows[0]["seeds"] == nlohmann::json({{"1", 2.5}, {"2", 2.6}}));
  CHECK(rows[2]["valid.bpb"].is_null());
  CHECK(rows[2]["n"] == 0);
  const std::string csv = testing::written("csv", report);
  CHECK(csv.starts_with("row,valid.bpb,sd,n,delta,delta se,params,time,memory,notes,seeds\r\n"));
  CHECK(csv.find("\r\nbroken,,,0,,,1234,,,seed 1 nan at step 12; seed 2 not run,\r\n") != std::string::npos);
}

TEST_CASE("a tuned row says its setting and how many trials it had, and no trial is a row", "[comparison]") {
  SweepManifest sweep = comparison_test::manifest();
  sweep.tuned_by = "valid.bpb";
  for (SweepCell& cell : sweep.cells) cell.overrides = {"net=" + cell.row, "lr=0.2"};
  for (const char* rate : {"0.1", "0.2", "0.4"})
    sweep.cells.push_back({.row = std::string("worse: lr=") + rate,
                           .seed = 3,
                           .id = rate,
                           .overrides = {"net=worse", std::string("lr=") + rate},
                           .trial_of = "worse"});
  const Comparison comparison = compare(sweep, comparison_test::runs());
  REQUIRE(comparison.rows.size() == 3);
  CHECK(comparison.cells == 6);
  CHECK(comparison.rows[1].trials == 3);
  const std::string page = comparison_test::markdown(sweep, comparison_test::runs());
  CHECK(page.find("| row | valid.bpb | delta | trials | params |") != std::string::npos);
  CHECK(page.find("| +0.0505 ± 0.0005 | 3 | 1,234 | 3.0 s | 90 MiB | worse; lr=0.2, best of 3 trials |") !=
        std::string::npos);
  CHECK(page.find("- settings: the best of each row's trials by valid.bpb, on seeds of their own\n") !=
        std::string::npos);
}

TEST_CASE("a point of a search that never went on is pruned, which is no failure", "[comparison]") {
  SweepManifest sweep = comparison_test::manifest();
  sweep.searched = "sampler tpe, pruner asha, up to 3 points, seed 0";
  std::vector<RunSummary> runs = comparison_test::runs();
  runs.push_back(comparison_test::run("broken", 2, 0, Status::stopped));
  const Comparison comparison = compare(sweep, runs);
  CHECK(comparison.rows[2].notes == std::vector<std::string>{"seed 1 nan at step 12", "seed 2 pruned at step 12"});
  CHECK(comparison.failures.size() == 1);
  CHECK(comparison_notes(comparison).at(1) == "drawn one after another: " + sweep.searched);
}
