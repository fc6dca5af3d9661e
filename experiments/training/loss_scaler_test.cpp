#include "experiments/training/loss_scaler.h"

#include <ATen/ATen.h>

#include "core/testing/catch.h"

namespace loss_scaler_test {
using namespace subband;

TEST_CASE("the scale starts at 65536, doubles after 2000 clean steps and halves at an overflow",
          "[loss_scaler]") {
  LossScaler scaler;
  CHECK(scaler.scale() == 65536);
  for (int step = 0; step < 1999; ++step) scaler.update(false);
  CHECK(scaler.scale() == 65536);
  scaler.update(false);
  CHECK(scaler.scale() == 131072);
  for (int step = 0; step < 1999; ++step) scaler.update(false);
  scaler.update(true);  // and the count of clean steps begins anew
  CHECK(scaler.scale() == 65536);
  CHECK(scaler.skipped() == 1);
  for (int step = 0; step < 1999; ++step) scaler.update(false);
  CHECK(scaler.scale() == 65536);
  scaler.update(false);
  CHECK(scaler.scale() == 131072);
}

// PyTorch's own update of the scale is an operator of LibTorch.
TEST_CASE("the scale follows PyTorch's, step by step", "[loss_scaler]") {
  LossScaler ours;
  at::Tensor scale = at::full({1}, 65536.0, at::kFloat), clean = at::zeros({1}, at::kInt);
  uint32_t state = 7;
  for (int step = 0; step < 20000; ++step) {
    state = state * 1664525u + 1013904223u;
    const bool overflow = step < 3000 ? step % 700 == 11 : (state >> 20) == 5;
    at::_amp_update_scale_(scale, clean, at::full({1}, overflow ? 1.0 : 0.0, at::kFloat), 2.0, 0.5, 2000);
    ours.update(overflow);
    REQUIRE(ours.scale() == scale.item<double>());
  }
  CHECK(ours.skipped() > 4);
}

TEST_CASE("the scale never leaves fp32, and below 1 the run is lost", "[loss_scaler]") {
  LossScaler grown, shrunk;
  for (int step = 0; step < 2000 * 130; ++step) grown.update(false);
  CHECK(grown.scale() == std::ldexp(1.0, 127));
  for (int step = 0; step < 16; ++step) shrunk.update(true);
  CHECK(shrunk.scale() == 1);
  CHECK_FALSE(shrunk.is_lost());
  shrunk.update(true);
  CHECK(shrunk.is_lost());
}

TEST_CASE("a scaler goes on from its state", "[loss_scaler]") {
  LossScaler whole, resumed;
  for (int step = 0; step < 700; ++step) whole.update(step == 5);
  resumed.load(whole.state());
  CHECK(resumed.scale() == 32768);
  CHECK(resumed.skipped() == 1);
  for (int step = 0; step < 1306; ++step) whole.update(false), resumed.update(false);
  CHECK(resumed.scale() == 65536);
  CHECK(at::equal(resumed.state(), whole.state()));
}

}  // namespace loss_scaler_test
