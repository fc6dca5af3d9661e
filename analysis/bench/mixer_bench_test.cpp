#include "analysis/bench/mixer_bench.h"

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "core/files.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"

using namespace subband;

namespace mixer_bench_test {

static MixerBench two_lengths() {
  MixerBench bench{
      .device = "cpu", .precision = "fp32", .width = 64, .batch = 1, .threads = 1, .lengths = {1024, 2048}};
  bench.cells = {
      {.mixer = "softmax_attention",
       .form = "causal",
       .length = 1024,
       .median_ms = 12.34,
       .ratio = 1,
       .rounds = 5,
       .peak_mib = 16,
       .flops = 1e6},
      {.mixer = "wersa",
       .form = "causal",
       .length = 1024,
       .median_ms = 3.086,
       .ratio = 0.25,
       .rounds = 5,
       .peak_mib = 2},
      {.mixer = "softmax_attention", .length = 2048, .skipped = "predicted 9000 MiB a pass, limit 4096"},
      {.mixer = "wersa", .form = "causal", .length = 2048, .median_ms = 6.2, .rounds = 3, .peak_mib = 4}};
  return bench;
}

TEST_CASE("the bench's tables have a row a mixer, a column a length, and reasons for what is missing",
          "[mixer_bench]") {
  const Report report = two_lengths().time_report();
  const Table& time = *tables_of(report).at(0);
  REQUIRE(time.rows.size() == 2);
  CHECK(time.rows[0][1].text == "causal");
  CHECK(time.rows[0][2].text == "12.3 (1.00)");
  CHECK(time.rows[0][3].text == "–");
  CHECK(time.rows[1][2].text == "3.09 (0.250)");
  CHECK(time.rows[1][3].text == "6.20");
  const std::vector<std::string> notes = lines_of(report.blocks.at(1));
  REQUIRE(notes.size() == 2);
  CHECK(notes[1] == "softmax_attention from 2,048 on: predicted 9000 MiB a pass, limit 4096");
  const Report memory = two_lengths().memory_report();
  CHECK(tables_of(memory).at(0)->rows[1][3].text == "4.00");
}

TEST_CASE("what somebody else's form of a mixer takes over ours stands below the table", "[mixer_bench]") {
  MixerBench bench = two_lengths();
  for (const int64_t length : {1024, 2048})
    bench.cells.push_back({.mixer = "wersa (PyTorch)",
                           .form = "causal",
                           .length = length,
                           .median_ms = 8,
                           .peer_of = "wersa",
                           .over_own = 2.5});
  const std::vector<std::string> notes = lines_of(bench.time_report().blocks.at(1));
  CHECK(notes.back() == "wersa (PyTorch) over wersa: 2.50 at 1,024, 2.50 at 2,048");
  CHECK(bench.json()["cells"][4]["over_own"] == 2.5);
  CHECK(tables_of(bench.memory_report()).at(0)->rows[2][2].is_empty);
}

TEST_CASE("figures are ratios of rounds, and of the medians at twice the length", "[mixer_bench]") {
  MixerBench bench = two_lengths();
  for (MixerCell& cell : bench.cells) cell.times_ms = {12, 6};
  bench.cells.push_back({.mixer = "flash_attention", .form = "causal", .length = 1024, .times_ms = {3, 6, 6}});
  bench.cells.back().summarize();
  CHECK(bench.cells.back().median_ms == 6);
  bench.cells.push_back({.mixer = "wersa (PyTorch)", .form = "causal", .length = 2048, .peer_of = "wersa", .over_own = 2.5});
  const auto figures = bench.json()["figures"];
  CHECK(figures.size() == 4);
  CHECK(figures["wersa/flash_attention at 1024"] == 2.5);
  CHECK(figures["softmax_attention/flash_attention at 1024"] == 2.5);
  CHECK(figures["wersa at 2048/1024"].get<double>() == Approx(6.2 / 3.086));
  CHECK(figures["PyTorch/wersa at 2048"] == 2.5);
}

TEST_CASE("the bench's JSON holds every cell, measured or skipped", "[mixer_bench]") {
  const auto json = two_lengths().json();
  CHECK(json["cells"][0]["tokens_per_s"].get<double>() == Approx(1024 / 0.01234));
  CHECK(json["cells"][2]["skipped"] == "predicted 9000 MiB a pass, limit 4096");
  CHECK(json["cells"][3]["ratio_to_softmax_attention"].is_null());
}

TEST_CASE("the bench is written as Markdown and as pictures", "[mixer_bench]") {
  const TestFolder folder;
  const auto problems = write_mixer_bench(two_lengths(), folder / "bench");
  CHECK(read_file(folder / "bench/mixers.md").find("| wersa") != std::string::npos);
  if (std::system("command -v gnuplot >/dev/null 2>&1") != 0) {
    CHECK(problems.size() == 2);
    return;
  }
  CHECK(problems.empty());
  for (const char* name : {"bench/mixers_time.svg", "bench/mixers_memory.svg"})
    CHECK(read_file(folder / name).find("wersa") != std::string::npos);
}

}  // namespace mixer_bench_test
