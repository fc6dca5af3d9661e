#include "runs/commands/listing.h"

#include <cmath>

#include "core/error.h"
#include "core/languages/terminal.h"
#include "core/testing/catch.h"
#include "core/text.h"

namespace subband::listing_test {

static RunSummary example_run(int64_t seed, double bpb, Status status = Status::done) {
  return {.folder = "f" + std::to_string(seed),
          .id = std::string(64, 'a'),
          .recipe = "tinyshakespeare/wavelet_with_a_long_name",
          .seed = seed,
          .status = status,
          .step = 400,
          .steps = 400,
          .parameters = 1234567,
          .started = 1764012600.0 - static_cast<double>(seed),
          .metrics = {{"valid.bpb", bpb}},
          .config = R"({"net": {"width": )" + std::to_string(seed) +
                    R"(, "block": {"bypass": {"type": "none"}}}})"};
}

static std::vector<int64_t> seeds_of(const std::vector<RunSummary>& runs) {
  std::vector<int64_t> seeds;
  for (const RunSummary& run : runs) seeds.push_back(run.seed);
  return seeds;
}

static const std::vector<RunSummary> kRuns = {example_run(1, 2.5), example_run(2, 2.0),
                                              example_run(3, std::nan(""), Status::nan),
                                              example_run(4, 2.25)};

TEST_CASE("no line of the list is wider than 100 columns", "[listing]") {
  RunSummary wide = example_run(1337, 12345.678, Status::out_of_memory);
  for (const std::string& line : split(listing_text({wide, kRuns[0]}, ""), '\n')) {
    CAPTURE(line);
    CHECK(display_width(line) <= 100);
  }
}

TEST_CASE("the list cuts names of wide letters whole, escapes what a terminal obeys, and tells runs apart",
          "[listing]") {
  RunSummary wide = example_run(7, 2.5);
  wide.recipe = "日本語の行日本語の行日本語の行日本語の行";
  RunSummary red = example_run(8, 1e171);
  red.recipe = "\x1b[31mred";
  const std::string text = listing_text({kRuns[0], kRuns[1], wide, red}, "");
  for (const std::string& line : split(text, '\n')) CHECK(display_width(line) <= 100);
  for (const std::string& line : split(listing_text({kRuns[0], kRuns[1], wide, red}, "", 80), '\n'))
    CHECK(display_width(line) <= 80);
  CHECK(text.find("\\x1b[31mred") != std::string::npos);
  CHECK(text.find("1.0000e+171") != std::string::npos);
  CHECK(text.find("net.width=2\n") != std::string::npos);
  CHECK(is_utf8(text));
  CHECK(listing_text({kRuns[0], kRuns[1]}, "", SIZE_MAX).find("wavelet_with_a_long_name  net.width=2\n") !=
        std::string::npos);
}

TEST_CASE("what is no terminal is shown whole: metrics by their names, seeds of any length", "[listing]") {
  RunSummary run = example_run(20261130, 2.5);
  run.recipe = "wavelet";
  run.metrics = {{"valid.accuracy_a_long_word", 0.5}};
  CHECK(listing_text({run}, "", SIZE_MAX) ==
        "started          run                status          step    "
        "                        metric param  recipe, and what differs\n" +
            minute_text(run.started) +
            " aaaaaaaa-s20261130 done             400 valid.accuracy_a_long_word 0.5000 1.23M  wavelet\n");
  CHECK(listing_text({run}, "valid.accuracy_a_long_word", SIZE_MAX).find(" valid.accuracy_a_long_word ") !=
        std::string::npos);
  CHECK(listing_text({run}, "").find("aaaaaaaa-s20261130 ") != std::string::npos);  // to be copied from there
}

TEST_CASE("runs are listed oldest first, or best first", "[listing]") {
  CHECK(seeds_of(select_runs(kRuns, {})) == std::vector<int64_t>{4, 3, 2, 1});
  CHECK(seeds_of(select_runs(kRuns, {.limit = 2})) == std::vector<int64_t>{2, 1});
  CHECK(seeds_of(select_runs(kRuns, {.sort = "metric"})) == std::vector<int64_t>{2, 4, 1, 3});
  CHECK(seeds_of(select_runs(kRuns, {.sort = "metric", .limit = 1})) == std::vector<int64_t>{2});
}

TEST_CASE("runs are chosen by recipe, status and values of their config", "[listing]") {
  CHECK(select_runs(kRuns, {.recipe = "attention"}).empty());
  CHECK(select_runs(kRuns, {.recipe = "wavelet"}).size() == 4);
  CHECK(seeds_of(select_runs(kRuns, {.status = "nan"})) == std::vector<int64_t>{3});
  CHECK(seeds_of(select_runs(kRuns, {.where = {"net.width=2"}})) == std::vector<int64_t>{2});
  CHECK(select_runs(kRuns, {.where = {"net.block.bypass.type=none", "net.width=4"}}).size() == 1);
  CHECK(select_runs(kRuns, {.where = {"net.width=5"}}).empty());
  CHECK(select_runs({}, {.where = {"net.width=5"}}).empty());
  CHECK_THROWS_WITH(
      select_runs(kRuns, {.where = {"net.widht=4"}}),
      "command line: --where = net.widht=4: no run has this setting; did you mean 'net.width'? known: "
      "net.block.bypass.type, net.width");
  CHECK_THROWS_WITH(
      select_runs(kRuns, {.status = "don"}),
      Catch::StartsWith(
          "command line: --status = don: unknown status; did you mean 'done'? known: damaged,"));
  CHECK_THROWS_WITH(
      select_runs(kRuns, {.metric = "valid.bbp"}),
      "command line: --metric = valid.bbp: no run reports it; did you mean 'valid.bpb'? known: valid.bpb");
  CHECK(seeds_of(select_runs(kRuns, {.where = {"net.width=2e0"}})) == std::vector<int64_t>{2});
  CHECK_THROWS_WITH(select_runs(kRuns, {.where = {"net.width"}}),
                    "command line: --where = net.width: must be KEY=VALUE, for example net.width=64");
}

TEST_CASE("counts keep three digits", "[listing]") {
  CHECK(short_count(999) == "999");
  CHECK(short_count(1234) == "1.23k");
  CHECK(short_count(116416) == "116k");
  CHECK(short_count(999999) == "1.00M");
  CHECK(short_count(882511981) == "883M");
  CHECK(short_count(12345678901) == "12.3G");
}

}  // namespace subband::listing_test
