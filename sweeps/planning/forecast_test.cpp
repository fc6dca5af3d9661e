#include "sweeps/planning/forecast.h"

#include <nlohmann/json.hpp>

#include "core/json.h"
#include "core/testing/catch.h"
#include "sweeps/planning/plan.h"

namespace subband::forecast_test {

struct Shape {
  int64_t width = 64, steps = 100, batch = 4, layers = 2;
  std::string kind = "plain";
};

// A machine with a law of its own: 3 ms a step, 1.2 µs a value, 0.4 s for 10⁹ operations; the first step as long as three; nets
// of a certain kind take half as long again. Evaluations read 9,000 positions in 0.31 of a step's time for each.
// 200 MiB, weights thrice, 30 values a position and channel.
static RecordJson config_of(const Shape& shape) {
  const auto number = [](int64_t value) { return std::to_string(value); };
  return read_json(R"({"net":{"type":"n","block":")" + shape.kind + R"(","width":)" + number(shape.width) +
                       R"(,"layers":)" + number(shape.layers) + R"(},"trainer":{"steps":)" +
                       number(shape.steps) + R"(,"batch":)" + number(shape.batch) + R"(,"length":64}})",
                   "config");
}
static int64_t parameters_of(const Shape& shape) {
  return shape.layers * 12 * shape.width * shape.width + 256 * shape.width;
}
static double flops_of(const Shape& shape) { return 2.0 * static_cast<double>(parameters_of(shape)) * 64; }
static CostTraits traits_of_shape(const Shape& shape) {
  return cost_traits(config_of(shape), parameters_of(shape), flops_of(shape));
}
static double steps_seconds_of(const Shape& shape) {
  const CostTraits traits = traits_of_shape(shape);
  const double steps = 0.003 * traits.steps + 1.2 * traits.values + 0.4 * traits.flops;
  return (shape.kind == "slow" ? 1.5 : 1) * steps * (1 + 2 / traits.steps);
}
static double seconds_of_shape(const Shape& shape) {
  const double steps = steps_seconds_of(shape);
  return steps + 0.2 + 0.31 * steps / traits_of_shape(shape).positions * 9000;
}
static double tensors_of(const CostTraits& traits) { return 3 * traits.parameters + 30 * traits.activations; }
static double mib_of(const CostTraits& traits) { return 200 + tensors_of(traits); }

static RunSummary run_of(const Shape& shape) {
  const RecordJson config = config_of(shape);
  const CostTraits traits = traits_of_shape(shape);
  return {.folder = "f",
          .id = config.dump(),
          .status = Status::done,
          .parameters = parameters_of(shape),
          .seconds = seconds_of_shape(shape),
          .metrics = {{"train.peak_mib", mib_of(traits)},
                      {"train.peak_tensors_mib", tensors_of(traits)},
                      {"train.seconds", steps_seconds_of(shape)},
                      {"model.flops", flops_of(shape)}},
          .config = config.dump()};
}

static PlannedCell forecast_of(const Forecast& forecast, const Shape& shape) {
  PlannedCell cell{.id = "new", .parameters = parameters_of(shape), .tokens = 1};
  cell.traits = traits_of_shape(shape);
  forecast.predict(cell);
  return cell;
}

static void check_near(const PlannedCell& cell, const Shape& shape, double tolerance) {
  CAPTURE(shape.width, shape.steps, shape.batch, shape.layers, shape.kind);
  REQUIRE(cell.seconds);
  REQUIRE(cell.peak_mib);
  CHECK(*cell.seconds == Approx(seconds_of_shape(shape)).epsilon(tolerance));
  CHECK(*cell.peak_mib == Approx(mib_of(cell.traits)).epsilon(0.02));
}

TEST_CASE("runs of several sizes teach what larger ones will take", "[forecast]") {
  std::vector<RunSummary> runs;
  for (const int64_t width : {32, 64, 128, 256}) runs.push_back(run_of({.width = width}));
  runs.push_back(run_of({.steps = 400}));
  const Forecast forecast(runs);
  for (const Shape& shape :
       {Shape{.width = 48}, Shape{.width = 512}, Shape{.width = 96, .steps = 300, .batch = 16}})
    check_near(forecast_of(forecast, shape), shape, 0.1);
  CHECK(forecast_of(forecast, {.width = 48}).basis ==
        "steps, values and operations, fitted to the runs of this store");
}

TEST_CASE(
    "a run of each structure, all of one size and as many steps, teaches what others of these will take",
    "[forecast]") {
  const Forecast forecast({run_of({}), run_of({.kind = "slow"})});
  for (const std::string kind : {"plain", "slow"})
    for (const Shape& shape : {Shape{.steps = 30, .kind = kind}, Shape{.steps = 1000, .kind = kind},
                               Shape{.batch = 8, .kind = kind}, Shape{.batch = 2, .kind = kind},
                               Shape{.layers = 3, .kind = kind}, Shape{.width = 96, .kind = kind}})
      check_near(forecast_of(forecast, shape), shape, 0.25);
}

TEST_CASE("one run that was slow once misleads nobody where its row ran more often", "[forecast]") {
  std::vector<RunSummary> runs(3, run_of({}));
  runs[1].seconds *= 5, runs[1].metrics["train.seconds"] *= 5;
  check_near(forecast_of(Forecast(runs), {.steps = 200}), {.steps = 200}, 0.1);
}

TEST_CASE("estimates while it trains take their time", "[forecast]") {
  RecordJson config = config_of({});
  config["trainer"]["evaluate_every"] = 20, config["trainer"]["evaluate_batches"] = 8;
  CHECK(cost_traits(config, 1, 1).estimated == 5 * 8 * 4 * 64);
  CHECK(traits_of_shape({}).estimated == 0);
}

TEST_CASE("a batch that is computed in parts needs the memory of one part and the time of all", "[forecast]") {
  RecordJson config = config_of({});
  const CostTraits whole = cost_traits(config, parameters_of({}), flops_of({}));
  config["trainer"]["split"] = 2;
  const CostTraits halves = cost_traits(config, parameters_of({}), flops_of({}));
  CHECK(halves.activations == whole.activations / 2);
  CHECK(halves.flops == whole.flops);
  CHECK(halves.values == whole.values);
}

TEST_CASE("runs without the time of their steps teach a rate alone, and none nothing about memory",
          "[forecast]") {
  CHECK_FALSE(MemoryModel().predict({.activations = 1}));
  CHECK_FALSE(StepTime().predict({.positions = 1}));
  RunSummary old = run_of({.width = 32});
  old.metrics.erase("train.seconds");
  PlannedCell cell{.id = "new", .parameters = parameters_of({.width = 128}), .tokens = 25600};
  cell.traits = traits_of_shape({.width = 128});
  Forecast({old}).predict(cell);
  REQUIRE(cell.peak_mib);
  CHECK(*cell.peak_mib == Approx(mib_of(cell.traits)).epsilon(0.02));
  CHECK(cell.basis.find("parameters x tokens a second") != std::string::npos);
}

}  // namespace subband::forecast_test
