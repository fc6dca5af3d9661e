#include "analysis/bench/step_bench.h"

#include <nlohmann/json.hpp>

#include "analysis/format.h"
#include "core/testing/catch.h"

using namespace subband;

namespace step_bench_test {

static StepBench example() {
  StepBench bench{.recipe = "tiny",
                  .machine = "AVX512",
                  .threads = 1,
                  .tokens = 64,
                  .products_ms = 2,
                  .product_gflops = 100,
                  .copy_gib_per_s = 10,
                  .rows = {}};
  bench.rows.push_back(
      {.name = "subband", .skipped = "", .loss = 5.5, .times_ms = {4, 5, 6}, .ratios = {1, 1, 1}});
  bench.rows.push_back({.name = "PyTorch eager", .skipped = "no python3 with torch"});
  bench.rows.push_back(
      {.name = "without all", .skipped = "", .loss = 5.5, .times_ms = {8, 10, 9}, .ratios = {2, 2, 1.5}});
  return bench;
}

TEST_CASE("a bench of steps shows medians, ratios and shares of the bound, and why a row is missing",
          "[bench][step]") {
  const std::string text = make_format("text", {.columns = 160})->write(example().report());
  CHECK_THAT(text, Catch::ContainsSubstring("5.0 (4.2–5.8)"));
  CHECK_THAT(text, Catch::ContainsSubstring("9.0 (8.2–9.8)  2.00 (1.60–2.00)"));
  CHECK_THAT(text, Catch::ContainsSubstring("40 %"));
  CHECK_THAT(text, Catch::ContainsSubstring("PyTorch eager: no python3 with torch"));
  const auto json = example().json();
  CHECK(json["rows"][2]["ratio"] == 2);
  CHECK(json["rows"][1]["skipped"] == "no python3 with torch");
  CHECK(json["figures"].size() == 3);
  CHECK(json["figures"]["without all/subband"] == 2);
  CHECK(json["figures"]["without all/subband p10"] == Approx(1.6));
}

}  // namespace step_bench_test
