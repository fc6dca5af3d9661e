#include "models/layers/spectral/haar_bands.h"

#include <torch/torch.h>

#include <cmath>

#include "core/testing/catch.h"
#include "models/testing/parts.h"

using namespace subband;

namespace haar_bands_test {

static at::Tensor some(int64_t length, const char* name = "x") {
  return testing::random({2, length, 2, 3}, at::kDouble, name);
}

static at::Tensor gains(int64_t length, int64_t bands) {
  return testing::random({2, length, bands}, at::kDouble, "gains");
}

// One channel of one sequence: bands of the block form, scaled and put together, in scalar loops.
static std::vector<double> block_by_definition(
    std::vector<double> x, int64_t levels, const std::function<double(int64_t token, int64_t band)>& gain) {
  const size_t length = x.size(), size = size_t{1} << levels;
  x.resize((length + size - 1) / size * size, 0.0);
  std::vector<std::vector<double>> details;
  for (int64_t level = 1; level <= levels; ++level) {
    std::vector<double> a, d;
    for (size_t t = 0; 2 * t < x.size(); ++t) {
      const auto token = static_cast<int64_t>(std::min(t << level, length - 1));
      a.push_back((x[2 * t] + x[2 * t + 1]) / std::sqrt(2.0));
      d.push_back((x[2 * t] - x[2 * t + 1]) / std::sqrt(2.0) * gain(token, level - 1));
    }
    details.push_back(d);
    x = a;
  }
  for (size_t t = 0; t < x.size(); ++t)
    x[t] *= gain(static_cast<int64_t>(std::min(t << levels, length - 1)), levels);
  for (int64_t level = levels; level > 0; --level) {
    const std::vector<double>& d = details[static_cast<size_t>(level) - 1];
    std::vector<double> finer(2 * x.size());
    for (size_t t = 0; t < x.size(); ++t) {
      finer[2 * t] = (x[t] + d[t]) / std::sqrt(2.0);
      finer[2 * t + 1] = (x[t] - d[t]) / std::sqrt(2.0);
    }
    x = finer;
  }
  x.resize(length);
  return x;
}

TEST_CASE("scaled block bands are the definition, with one gain for all tokens and with one each",
          "[haar_bands]") {
  const int64_t levels = 3, bands = levels + 1;
  for (const int64_t length : {1, 7, 8, 21}) {
    for (const bool each_token : {false, true}) {
      const at::Tensor x = some(length), g = gains(each_token ? length : 1, bands),
                       y = haar_bands::block(x, g);
      for (const int64_t b : {0, 1}) {
        std::vector<double> channel;
        for (int64_t t = 0; t < length; ++t) channel.push_back(x[b][t][1][2].item<double>());
        const auto wanted = block_by_definition(channel, levels, [&](int64_t token, int64_t band) {
          return g[b][each_token ? token : 0][band].item<double>();
        });
        for (int64_t t = 0; t < length; ++t)
          CHECK(y[b][t][1][2].item<double>() == Approx(wanted[static_cast<size_t>(t)]).margin(1e-12));
      }
    }
  }
}

TEST_CASE("equal gains scale the sequence, in both forms", "[haar_bands]") {
  const at::Tensor x = some(13), g = at::full({2, 1, 4}, 0.7, at::kDouble);
  CHECK(at::allclose(haar_bands::block(x, g), 0.7 * x, 0, 1e-13));
  CHECK(at::allclose(haar_bands::causal(x, g), 0.7 * x, 0, 1e-13));
}

TEST_CASE("scaled causal bands are the definition, and decoding is the same", "[haar_bands]") {
  const int64_t levels = 3, length = 19;
  const at::Tensor x = some(length), g = gains(length, levels + 1), y = haar_bands::causal(x, g);
  at::Tensor c = x.clone(), wanted = at::zeros_like(x);
  for (int64_t level = 0; level <= levels; ++level) {
    at::Tensor next = at::zeros_like(c);
    for (int64_t t = 0; t < length; ++t) {
      const int64_t back = t - (int64_t{1} << level);
      next.select(1, t).copy_(
          (c.select(1, t) + (back >= 0 ? c.select(1, back) : at::zeros({2, 2, 3}, at::kDouble))) / 2);
      const at::Tensor detail = level < levels ? c.select(1, t) - next.select(1, t) : c.select(1, t);
      wanted.select(1, t).add_(g.select(1, t).select(1, level).view({2, 1, 1}) * detail);
    }
    c = next;
  }
  CHECK(at::allclose(y, wanted, 0, 1e-13));
  SequenceState state;
  for (int64_t t = 0; t < length; ++t) {
    const at::Tensor row = haar_bands::causal(x.narrow(1, t, 1), g.narrow(1, t, 1), &state.layer(0));
    CHECK(at::allclose(row, y.narrow(1, t, 1), 0, 1e-13));
    CHECK(state.bytes() == 2 * 8 * haar_bands::causal_state(t + 1, levels, 6));
  }
}

}  // namespace haar_bands_test
