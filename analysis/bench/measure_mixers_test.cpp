#include "analysis/bench/measure_mixers.h"

#include "core/error.h"
#include "core/testing/catch.h"
#include "experiments/parts.h"

using namespace subband;

namespace measure_mixers_test {

static MixerBench measured(const MixerBenchPlan& plan) {
  Registry registry;
  register_parts(registry);
  return measure_mixers(registry, plan, [](double, double, const std::string&) {});
}

static const MixerCell& cell(const MixerBench& bench, std::string_view mixer, int64_t length) {
  for (const MixerCell& each : bench.cells)
    if (each.mixer == mixer && each.length == length) return each;
  FAIL("no cell of " << mixer);
  return bench.cells[0];
}

TEST_CASE("every cell has a time, the softmax beside it and its memory", "[measure_mixers]") {
  const MixerBench bench = measured({.mixers = {"waveformer"}, .lengths = {32, 64}, .width = 16});
  CHECK(bench.cells.size() == 3 * 2);
  for (const char* name : {"copy", "softmax_attention", "waveformer"}) {
    const MixerCell& each = cell(bench, name, 64);
    CAPTURE(name, each.skipped);
    CHECK(each.skipped.empty());
    CHECK(each.median_ms > 0);
    CHECK(each.p10_ms <= each.median_ms);
    CHECK(each.median_ms <= each.p90_ms);
    CHECK(each.ratio > 0);
  }
  CHECK(cell(bench, "copy", 64).peak_mib == Approx(64 * 16 * 4 / 1048576.0));
  CHECK(cell(bench, "softmax_attention", 64).ratio == 1);
  CHECK(cell(bench, "softmax_attention", 64).form == "causal");
  CHECK(cell(bench, "waveformer", 64).form == "bidirectional");
  // Scores of four heads and their softmax are held at once.
  CHECK(cell(bench, "softmax_attention", 64).peak_mib > 4 * 64 * 64 * 4 / 1048576.0);
}

TEST_CASE("what is predicted to be too large or too slow is skipped with the figure", "[measure_mixers]") {
  const MixerBench small =
      measured({.mixers = {"softmax_attention"}, .lengths = {64, 1024}, .width = 16, .memory_mib = 1});
  CHECK(cell(small, "softmax_attention", 64).skipped.empty());
  CHECK(cell(small, "softmax_attention", 1024).skipped.find("MiB a pass, limit 1") != std::string::npos);
  CHECK(cell(small, "copy", 1024).skipped.empty());
  const MixerBench quick =
      measured({.mixers = {"softmax_attention"}, .lengths = {64, 2048}, .width = 16, .pass_limit_s = 1e-4});
  CHECK(cell(quick, "softmax_attention", 2048).skipped.find("s a pass, limit 0") != std::string::npos);
}

TEST_CASE("with backward, gradients are part of the pass", "[measure_mixers]") {
  const MixerBench forward = measured({.mixers = {"softmax_attention"}, .lengths = {64}, .width = 16});
  const MixerBench both =
      measured({.mixers = {"softmax_attention"}, .lengths = {64}, .width = 16, .backward = true});
  CHECK(cell(both, "softmax_attention", 64).peak_mib > cell(forward, "softmax_attention", 64).peak_mib);
}

TEST_CASE("an unknown mixer is refused with a suggestion", "[measure_mixers]") {
  CHECK_THROWS_WITH(measured({.mixers = {"softmax_atention"}, .lengths = {8}}),
                    Catch::ContainsSubstring(
                        "command line: softmax_atention: unknown mixer; did you mean 'softmax_attention'?"));
}

}  // namespace measure_mixers_test
