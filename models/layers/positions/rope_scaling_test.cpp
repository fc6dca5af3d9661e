#include "models/layers/positions/rope_scaling.h"

#include <torch/torch.h>

#include <cmath>

#include "core/testing/catch.h"

using namespace subband;

namespace rope_scaling_test {

constexpr double kTurn = 2 * 3.14159265358979323846;

// The rate of pair i of 16 channels over base 500, without and with each rule, in doubles.
static double plain(int64_t i) { return std::pow(500.0, -2.0 * static_cast<double>(i) / 16); }

static double llama3(int64_t i, double factor, double low, double high, double length) {
  const double rate = plain(i), period = kTurn / rate;
  if (period < length / high) return rate;
  if (period > length / low) return rate / factor;
  const double blend = (length / period - low) / (high - low);
  return (1 - blend) * rate / factor + blend * rate;
}

static double yarn(int64_t i, double factor, double slow, double fast, double length) {
  const auto pair = [&](double turns) {
    return 16 * std::log(length / (turns * kTurn)) / (2 * std::log(500.0));
  };
  const double low = std::max(0.0, std::floor(pair(fast))), high = std::min(15.0, std::ceil(pair(slow)));
  const double ramp = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
  return plain(i) / factor * ramp + plain(i) * (1 - ramp);
}

}  // namespace rope_scaling_test

using namespace rope_scaling_test;

TEST_CASE("each rule changes the rates of rotary positions as published", "[rope]") {
  const RopeScaling none, linear{.type = "linear", .factor = 4};
  const RopeScaling blended{
      .type = "llama3", .factor = 8, .length = 64, .low_frequency = 1, .high_frequency = 4};
  const RopeScaling ramp{.type = "yarn", .factor = 4, .length = 64, .beta_slow = 1, .beta_fast = 8};
  for (int64_t i = 0; i < 8; ++i) {
    CAPTURE(i);
    const auto rate = [&](const RopeScaling& scaling) { return scaling.rates(16, 500)[i].item<double>(); };
    CHECK(rate(none) == Approx(plain(i)).epsilon(1e-6));
    CHECK(rate(linear) == Approx(plain(i) / 4).epsilon(1e-6));
    CHECK(rate(blended) == Approx(llama3(i, 8, 1, 4, 64)).epsilon(1e-6));
    CHECK(rate(ramp) == Approx(yarn(i, 4, 1, 8, 64)).epsilon(1e-6));
  }
  CHECK(none.gain() == 1);
  CHECK(ramp.gain() == Approx(0.1 * std::log(4.0) + 1));
  CHECK(RopeScaling{.type = "yarn", .factor = 4, .amplitude = 1.5}.gain() == 1.5);
}

TEST_CASE("a blend between frequencies in the wrong order is refused", "[rope]") {
  BindSession session;
  config::Node written = config::Node::map(), resolved;
  written.set("type", config::Node("llama3"));
  written.set("low_frequency", config::Node(int64_t{4}));
  Binder binder(session, written, resolved);
  RopeScaling scaling;
  scaling.bind(binder);
  CHECK_THROWS_WITH(session.finish(), "high_frequency = 4.0: must be above low_frequency = 4.0");
}
