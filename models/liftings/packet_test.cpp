#include <cmath>
#include <map>

#include "core/testing/catch.h"
#include "models/lifting.h"
#include "models/testing/build.h"

using namespace subband;

namespace packet_test {

std::shared_ptr<Lifting> make(const testing::Settings& settings, int64_t levels,
                              Stabilizers stabilizers = {}) {
  const testing::Workshop workshop;
  LiftingContext context;
  context.padded_width = 3;
  context.levels = levels;
  context.stabilizers = stabilizers;
  const Slot<Dilation> dilation = workshop.slot<Dilation>("dyadic", {}, context);
  context.dilation = &dilation;
  return workshop.make<Lifting>("packet", settings, context);
}

}  // namespace packet_test

TEST_CASE("packets split the shallowest band, coarsest first, each band looking back by its depth",
          "[packet]") {
  const auto lifting = packet_test::make({{"linear", config::Node(true)}}, 4);
  testing::perturb(*lifting, 0.5);
  const at::NoGradGuard no_gradient;
  const auto values = lifting->named_parameters();
  const at::Tensor h = testing::random_double({1, 9, 3}), z = lifting->decompose(h);
  // Splits 0: x -> a, d; 1: a -> aa, ad; 2: d -> da, dd; 3: aa -> aaa, aad
  std::map<std::string, at::Tensor> bands = {{"", h[0]}};
  int64_t index = 0;
  for (const std::string band : {"", "a", "d", "aa"}) {
    const std::string net = "." + std::to_string(index++) + ".only.";
    const at::Tensor c = bands.at(band);
    at::Tensor a = at::empty_like(c), d = at::empty_like(c);
    for (int64_t t = 0; t < 9; ++t) {
      const int64_t back = t - (int64_t{1} << band.size());
      const at::Tensor past = back >= 0 ? c[back] : at::zeros({3}, at::kDouble);
      d[t] = (past - values["predict" + net + "weight"].mv(c[t]) - values["predict" + net + "bias"]) /
             std::sqrt(2.0);
      a[t] = (c[t] + values["update" + net + "weight"].mv(d[t]) + values["update" + net + "bias"]) /
             std::sqrt(2.0);
    }
    bands[band + "a"] = a, bands[band + "d"] = d;
  }
  int64_t scale = 0;
  for (const char* band : {"aaa", "aad", "ad", "da", "dd"})
    CHECK(z[scale++][0].allclose(bands.at(band), 1e-12, 1e-12));
  CHECK(z.size(0) == scale);
  LayerState memory;  // every split has a past of its own, though bands share depths
  const at::Tensor first = lifting->decompose(h.narrow(1, 0, 4), &memory);
  CHECK(at::cat({first, lifting->decompose(h.narrow(1, 4, 5), &memory)}, 2).allclose(z, 1e-12, 1e-12));
}

TEST_CASE("split l of a packet is damped by 1 + l/10", "[packet]") {
  const auto values =
      packet_test::make({{"linear", config::Node(true)}}, 3, {.lifting_level = true})->named_parameters();
  CHECK(values["predict.2.only.weight"].allclose(at::eye(3, at::kDouble) / 1.2, 1e-6));
  CHECK(values["update.1.only.weight"].allclose(at::eye(3, at::kDouble) / 2.2, 1e-6));
}

TEST_CASE("packets put together what they took apart, with any weights and any number of splits",
          "[packet]") {
  for (const int64_t levels : {1, 2, 3, 7}) {
    const auto lifting = packet_test::make({}, levels);
    testing::perturb(*lifting, 0.3);
    const at::Tensor h = testing::random_double({2, 11, 3});
    CHECK(lifting->reconstruct(lifting->decompose(h)).allclose(h, 1e-10, 1e-12));
  }
}

TEST_CASE("packets refuse unknown initial weights", "[packet]") {
  CHECK_THROWS_WITH(packet_test::make({{"init", config::Node("flat")}}, 1),
                    "part.init = flat: unknown choice; known: haar, random, uniform, zero");
}
