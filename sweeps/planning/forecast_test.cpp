#include "sweeps/planning/forecast.h"

#include <nlohmann/json.hpp>

#include "core/json.h"
#include "core/testing/catch.h"
#include "sweeps/planning/plan.h"

namespace subband::forecast_test {

// A machine with a law of its own: 2 s to start, 0.01 s a step, 10⁹ operations a second; 200 MiB, weights four times, 30
// values a position and channel.
static RecordJson config_of(int64_t width, int64_t steps) {
  return read_json(R"({"net":{"width":)" + std::to_string(width) + R"(,"layers":2},"trainer":{"steps":)" +
                       std::to_string(steps) + R"(,"batch":4,"length":64}})",
                   "config");
}
static int64_t parameters_of(int64_t width) { return 24 * width * width + 256 * width; }
static double flops_of(int64_t width) { return 2.0 * static_cast<double>(parameters_of(width)) * 64; }
static double seconds_of(const CostTraits& traits) { return 2 + 0.01 * traits.steps + traits.flops; }
static double tensors_of(const CostTraits& traits) { return 3 * traits.parameters + 30 * traits.activations; }
static double mib_of(const CostTraits& traits) { return 200 + tensors_of(traits); }

static RunSummary run_of(int64_t width, int64_t steps) {
  const RecordJson config = config_of(width, steps);
  const CostTraits traits = cost_traits(config, parameters_of(width), flops_of(width));
  return {.folder = "f",
          .id = std::to_string(width) + " " + std::to_string(steps),
          .status = Status::done,
          .parameters = parameters_of(width),
          .seconds = seconds_of(traits),
          .metrics = {{"train.peak_mib", mib_of(traits)},
                      {"train.peak_tensors_mib", tensors_of(traits)},
                      {"model.flops", flops_of(width)}},
          .config = config.dump()};
}

TEST_CASE("a few runs teach what larger ones will take", "[forecast]") {
  std::vector<RunSummary> runs;
  for (const int64_t width : {32, 64, 96, 128}) runs.push_back(run_of(width, 100));
  runs.push_back(run_of(64, 400));
  const Forecast forecast(runs);
  for (const int64_t width : {48, 256, 512}) {
    PlannedCell cell{.id = "new", .parameters = parameters_of(width), .tokens = 1};
    cell.traits = cost_traits(config_of(width, 300), parameters_of(width), flops_of(width));
    forecast.predict(cell);
    REQUIRE(cell.seconds);
    REQUIRE(cell.peak_mib);
    CHECK(*cell.seconds == Approx(seconds_of(cell.traits)).epsilon(0.02));
    CHECK(*cell.peak_mib == Approx(mib_of(cell.traits)).epsilon(0.02));
  }
}

TEST_CASE("a batch that is computed in parts needs the memory of one part and the time of all", "[forecast]") {
  RecordJson config = config_of(64, 100);
  const CostTraits whole = cost_traits(config, parameters_of(64), flops_of(64));
  config["trainer"]["split"] = 2;
  const CostTraits halves = cost_traits(config, parameters_of(64), flops_of(64));
  CHECK(halves.activations == whole.activations / 2);
  CHECK(halves.flops == whole.flops);
}

TEST_CASE("too few runs teach no law of time, and none nothing about memory", "[forecast]") {
  CHECK_FALSE(MemoryModel().predict({.activations = 1}));
  const Forecast forecast({run_of(32, 100), run_of(64, 100)});
  PlannedCell cell{.id = "new", .parameters = parameters_of(128), .tokens = 25600};
  cell.traits = cost_traits(config_of(128, 100), parameters_of(128), flops_of(128));
  forecast.predict(cell);
  REQUIRE(cell.peak_mib);
  CHECK(*cell.peak_mib == Approx(mib_of(cell.traits)).epsilon(0.02));
  CHECK(cell.basis.find("parameters x tokens a second") != std::string::npos);
}

}  // namespace subband::forecast_test
