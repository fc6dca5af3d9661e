#include <ATen/ATen.h>

#include <cmath>

#include "core/tensors/random.h"
#include "core/testing/catch.h"
#include "experiments/testing/sampling.h"

namespace coherence_test {
using namespace subband;
using testing::made_sampling;

constexpr int64_t kWidth = 5;

// The mean over time of the undecimated Haar approximation, level by level, at unit length.
static std::vector<double> fingerprint(const at::Tensor& table, const std::vector<int32_t>& ids, int levels) {
  std::vector<std::vector<double>> c;
  for (const int32_t id : ids) {
    const double* row = table.const_data_ptr<double>() + id * kWidth;
    c.emplace_back(row, row + kWidth);
  }
  for (int level = 0; level < levels; ++level) {
    auto next = c;
    for (size_t t = 0; t < c.size(); ++t)
      for (size_t i = 0; i < kWidth; ++i) {
        const size_t back = size_t{1} << level;
        next[t][i] = (c[t][i] + (t >= back ? c[t - back][i] : 0)) / std::sqrt(2.0);
      }
    c = next;
  }
  std::vector<double> mean(kWidth);
  double norm = 0;
  for (const auto& each : c)
    for (size_t i = 0; i < kWidth; ++i) mean[i] += each[i] / static_cast<double>(c.size());
  for (const double each : mean) norm += each * each;
  for (double& each : mean) each /= std::sqrt(norm);
  return mean;
}

static std::optional<double> drift(const std::vector<int32_t>& ids, int64_t prompt, const at::Tensor& table, int64_t window) {
  const auto part = made_sampling("coherence", {{"window", config::Node(window)},
                                                {"levels", config::Node(int64_t{2})},
                                                {"every", config::Node(int64_t{3})}});
  SamplingStep step{.ids = ids, .prompt = prompt, .logits = {0}, .embedding_VC = table};
  part->apply(step);
  if (step.drift) CHECK(step.top_p_off == 0.5 * *step.drift);
  else CHECK(step.top_p_off == 0);
  return step.drift;
}

TEST_CASE("coherence compares the Haar means of the prompt's and the last embeddings", "[coherence]") {
  const at::Tensor table = at::empty({7, kWidth}, at::kDouble).normal_(0, 1, stream(2, "table"));
  const std::vector<int32_t> ids = {1, 4, 0, 6, 2, 5, 5, 3};
  for (const int64_t window : {4, 6, 100}) {
    const std::vector<int32_t> first(ids.begin(), ids.begin() + 5);
    const std::vector<int32_t> last(ids.end() - std::min<int64_t>(window, 8), ids.end());
    const auto a = fingerprint(table, first, 2), b = fingerprint(table, last, 2);
    double cosine = 0;
    for (size_t i = 0; i < kWidth; ++i) cosine += a[i] * b[i];
    const auto found = drift(ids, 5, table, window);
    REQUIRE(found);
    CHECK(*found == Approx(1 - cosine).margin(1e-12));
  }
}

TEST_CASE("coherence looks only where there are enough tokens, every so many", "[coherence]") {
  const at::Tensor table = at::ones({7, kWidth}, at::kDouble);
  CHECK(drift({1, 2, 3, 4, 5, 6}, 3, table, 100) == std::nullopt);     // a prompt of three, under 2^2
  CHECK(drift({1, 2, 3, 4, 5, 6, 1}, 4, table, 3) == std::nullopt);    // a window of three
  CHECK(drift({1, 2, 3, 4, 5, 6}, 4, table, 100) == std::nullopt);     // two are drawn
  CHECK(drift({1, 2, 3, 4}, 4, table, 100) == std::nullopt);           // none
  CHECK(drift({1, 2, 3, 4, 5, 6, 1}, 4, table, 100) == Approx(0).margin(1e-12));
  CHECK(drift({1, 2, 3, 4, 5, 6, 1}, 4, {}, 100) == std::nullopt);  // a net without a table of vectors
}

}  // namespace coherence_test
