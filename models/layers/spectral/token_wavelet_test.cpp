#include "models/layers/spectral/token_wavelet.h"

#include <torch/torch.h>

#include <cmath>

#include "core/error.h"
#include "core/testing/catch.h"
#include "models/layers/spectral/daubechies.h"
#include "models/testing/parts.h"

using namespace subband;

namespace token_wavelet_test {

struct Owner : Module {
  TokenWavelet make(const TokenWaveletFields& fields, int64_t width = 3) {
    Initializer first(plain_generator(2));
    TokenWavelet wavelet(*this, fields, width, first);
    to(at::kDouble);
    return wavelet;
  }
};

static at::Tensor some(int64_t length) { return testing::random({2, length, 3}, at::kDouble); }

TEST_CASE("Daubechies' filters sum to sqrt 2, are orthonormal to their even shifts, and have their moments",
          "[token_wavelet]") {
  const double root3 = std::sqrt(3.0), scale = 4 * std::sqrt(2.0);
  const std::vector<double> second = daubechies(2);
  const double wanted[] = {(1 + root3) / scale, (3 + root3) / scale, (3 - root3) / scale,
                           (1 - root3) / scale};
  for (size_t i = 0; i < 4; ++i) CHECK(second[i] == Approx(wanted[i]).margin(1e-14));
  for (int64_t order = 1; order <= 20; ++order) {
    CAPTURE(order);
    const std::vector<double> lo = daubechies(order);
    const size_t W = lo.size();
    REQUIRE(W == static_cast<size_t>(2 * order));
    double sum = 0, moment = 0;
    for (size_t i = 0; i < W; ++i) sum += lo[i], moment += (i % 2 == 0 ? 1 : -1) * lo[i];
    CHECK(sum == Approx(std::sqrt(2.0)).margin(1e-12));
    CHECK(moment == Approx(0).margin(1e-10));
    for (size_t shift = 0; shift < W; shift += 2) {
      double product = 0;
      for (size_t i = shift; i < W; ++i) product += lo[i] * lo[i - shift];
      CHECK(product == Approx(shift == 0 ? 1 : 0).margin(1e-10));
    }
  }
}

TEST_CASE("a filter level is its definition", "[token_wavelet]") {
  Owner owner;
  const TokenWavelet wavelet = owner.make({.wavelet = "orthogonal", .taps = 6});
  for (const int64_t length : {1, 2, 7, 12}) {
    const at::Tensor x = some(length), lo = wavelet.low_pass();
    const auto bands = wavelet.analyse(x, {});
    REQUIRE(bands.coarse_BKD.size(1) == (length + 5) / 2);
    for (int64_t k = 0; k < bands.coarse_BKD.size(1); ++k) {
      double coarse = 0, detail = 0;
      for (int64_t i = 0; i < 6; ++i) {
        const int64_t at = 2 * k + i - 4;
        if (at < 0 || at >= length) continue;
        coarse += lo[i][2].item<double>() * x[1][at][2].item<double>();
        detail += (i % 2 == 0 ? 1 : -1) * lo[5 - i][2].item<double>() * x[1][at][2].item<double>();
      }
      CHECK(bands.coarse_BKD[1][k][2].item<double>() == Approx(coarse).margin(1e-13));
      CHECK(bands.detail_BKD[1][k][2].item<double>() == Approx(detail).margin(1e-13));
    }
  }
}

TEST_CASE(
    "orthogonal wavelets keep the energy and give the sequence back, even and odd, whatever their angles",
    "[token_wavelet]") {
  for (const char* name : {"orthogonal", "daubechies", "adaptive"}) {
    for (const int64_t taps : {2, 4, 20}) {
      Owner owner;
      const TokenWavelet wavelet = owner.make({.wavelet = name, .taps = taps});
      const double limit = name[0] == 'a' ? 1e-6 : 1e-10;  // initial weights of learned filters are fp32
      CHECK(at::allclose(wavelet.low_pass().sum(0), at::full({3}, std::sqrt(2.0), at::kDouble), 0, limit));
      for (const int64_t length : {1, 2, 9, 32}) {
        CAPTURE(name, taps, length);
        const at::Tensor x = some(length);
        const auto bands = wavelet.analyse(x, {});
        const double energy =
            (bands.coarse_BKD.square().sum() + bands.detail_BKD.square().sum()).item<double>();
        CHECK(energy == Approx(x.square().sum().item<double>()).epsilon(limit));
        CHECK(at::allclose(wavelet.synthesise(bands, length, {}), x, 0, limit));
      }
    }
  }
}

TEST_CASE("a reflected boundary gives the sequence back too, and refuses fewer tokens than taps",
          "[token_wavelet]") {
  Owner owner;
  const TokenWavelet wavelet = owner.make({.wavelet = "daubechies", .taps = 8, .boundary = "reflect"});
  for (const int64_t length : {8, 9, 32}) {
    const at::Tensor x = some(length);
    CHECK(at::allclose(wavelet.synthesise(wavelet.analyse(x, {}), length, {}), x, 0, 1e-10));
  }
  CHECK_THROWS_WITH(wavelet.analyse(some(7), {}),
                    "token_wavelet: length = 7: must be at least taps = 8 where boundary = reflect");
}

TEST_CASE("lifting gives the sequence back whatever it predicts, at both boundaries", "[token_wavelet]") {
  for (const char* name : {"lifting", "adaptive_lifting"}) {
    for (const char* boundary : {"zero", "circular"}) {
      Owner owner;
      const TokenWavelet wavelet = owner.make({.wavelet = name, .taps = 4, .boundary = boundary});
      for (const int64_t length : {8, 9, 31}) {
        const at::Tensor x = some(length);
        CHECK(at::allclose(wavelet.synthesise(wavelet.analyse(x, {}), length, {}), x, 0, 1e-13));
      }
    }
  }
}

TEST_CASE("the fixed lifting takes averages of neighbours, circular where asked for", "[token_wavelet]") {
  Owner owner;
  const TokenWavelet wavelet = owner.make({.wavelet = "lifting", .boundary = "circular"});
  const at::Tensor x = some(8);
  const auto bands = wavelet.analyse(x, {});
  for (int64_t i = 0; i < 4; ++i) {
    const auto detail = [&](int64_t k) {
      k = (k + 4) % 4;
      return x.select(1, 2 * k + 1) - (x.select(1, 2 * k) + x.select(1, (2 * k + 2) % 8)) / 2;
    };
    CHECK(at::allclose(bands.detail_BKD.select(1, i), detail(i), 0, 1e-13));
    CHECK(at::allclose(bands.coarse_BKD.select(1, i), x.select(1, 2 * i) + (detail(i - 1) + detail(i)) / 4, 0,
                       1e-13));
  }
}

TEST_CASE("the angles of an orthogonal wavelet learn", "[token_wavelet]") {
  Owner owner;
  const TokenWavelet wavelet = owner.make({.wavelet = "orthogonal", .taps = 6});
  wavelet.analyse(some(9), {}).coarse_BKD.pow(3).sum().backward();
  CHECK(owner.parameters()[0].grad().abs().min().item<double>() > 1e-6);
}

}  // namespace token_wavelet_test
