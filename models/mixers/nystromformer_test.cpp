#include <torch/torch.h>

#include <cmath>

#include "core/testing/catch.h"
#include "models/testing/recorded_mixer.h"

using namespace subband;
using config::Node;

namespace nystromformer_test {

using Fields = std::initializer_list<std::pair<const char*, Node>>;

static std::shared_ptr<Mixer> made(int64_t width, Fields fields = {}, bool causal = false) {
  Initializer first(plain_generator(3));
  const auto mixer = testing::make_part<Mixer>(
      "nystromformer", {.width = width, .causal = causal, .initializer = &first}, fields);
  mixer->to(at::kDouble);
  return mixer;
}

static Node count(int64_t value) { return Node(value); }

static double entry(const at::Tensor& rows, const at::Tensor& columns, int64_t i, int64_t j) {
  return std::exp(rows[i].dot(columns[j]).item<double>());
}

// softmax(rows columnsᵀ) in scalar loops.
static at::Tensor softmax_of(const at::Tensor& rows, const at::Tensor& columns) {
  at::Tensor weights = at::zeros({rows.size(0), columns.size(0)}, at::kDouble);
  for (int64_t i = 0; i < rows.size(0); ++i) {
    double sum = 0;
    for (int64_t j = 0; j < columns.size(0); ++j) sum += entry(rows, columns, i, j);
    for (int64_t j = 0; j < columns.size(0); ++j) weights[i][j] = entry(rows, columns, i, j) / sum;
  }
  return weights;
}

static at::Tensor run_means(const at::Tensor& x_LK, int64_t landmarks) {
  const int64_t L = x_LK.size(0);
  at::Tensor sums = at::zeros({landmarks, x_LK.size(1)}, at::kDouble),
             counts = at::zeros({landmarks, 1}, at::kDouble);
  for (int64_t i = 0; i < L; ++i) {
    sums[i * landmarks / L] += x_LK[i];
    counts[i * landmarks / L] += 1;
  }
  return sums / counts;
}

// One sequence, one head, with the true pseudo-inverse.
static at::Tensor by_definition(const Mixer& mixer, const at::Tensor& x_LD, int64_t landmarks) {
  const double quarter = std::pow(static_cast<double>(x_LD.size(1)), -0.25);
  const at::Tensor q = testing::mapped(mixer, "q", x_LD) * quarter,
                   k = testing::mapped(mixer, "k", x_LD) * quarter, v = testing::mapped(mixer, "v", x_LD);
  const at::Tensor few_q = run_means(q, landmarks), few_k = run_means(k, landmarks);
  at::Tensor y = at::matmul(at::matmul(softmax_of(q, few_k), at::linalg_pinv(softmax_of(few_q, few_k))),
                            at::matmul(softmax_of(few_q, k), v));
  const at::Tensor filter = testing::value_named(mixer, "conv");
  const int64_t taps = filter.defined() ? filter.size(2) : 0;
  for (int64_t i = 0; i < y.size(0); ++i) {
    for (int64_t tap = 0; tap < taps; ++tap) {
      const int64_t from = i + tap - taps / 2;
      if (from >= 0 && from < y.size(0)) y[i] += filter[0][0][tap][0].item<double>() * v[from];
    }
  }
  return testing::mapped(mixer, "out", y);
}

const testing::NameTable kTransformers = {{"q.weight", "query.weight"}, {"q.bias", "query.bias"},
                                          {"k.weight", "key.weight"},   {"k.bias", "key.bias"},
                                          {"v.weight", "value.weight"}, {"v.bias", "value.bias"}};

TEST_CASE(
    "nystromformer is the definition with the pseudo-inverse that its iterations reach, and a convolution",
    "[nystromformer]") {
  for (const int64_t L : {12, 13}) {
    for (const int64_t kernel : {0, 5}) {
      CAPTURE(L, kernel);
      const auto mixer = made(6, {{"heads", count(1)},
                                  {"landmarks", count(3)},
                                  {"iterations", count(60)},
                                  {"conv_kernel", count(kernel)}});
      const at::Tensor x = 3 * testing::random({1, L, 6}, at::kDouble);
      CHECK(at::allclose(mixer->forward(x, {})[0], by_definition(*mixer, x[0], 3), 0, 1e-7));
    }
  }
}

TEST_CASE("with no more tokens than landmarks nystromformer is attention", "[nystromformer]") {
  Initializer first(plain_generator(3));
  const auto exact =
      testing::make_part<Mixer>("softmax_attention", {.width = 8, .causal = false, .initializer = &first});
  exact->to(at::kDouble);
  const at::Tensor x = testing::random({2, 9, 8}, at::kDouble);
  CHECK(at::allclose(made(8, {{"conv_kernel", count(0)}})->forward(x, {}), exact->forward(x, {}), 0, 1e-12));
}

TEST_CASE("a padded sequence is mixed as if it stood alone, whatever its neighbours, unless told otherwise",
          "[nystromformer]") {
  const at::Tensor x = testing::random({3, 14, 8}, at::kDouble), keep = at::ones({3, 14}, at::kBool);
  keep[1].narrow(0, 9, 5).fill_(false);   // more tokens than landmarks
  keep[2].narrow(0, 3, 11).fill_(false);  // fewer
  const auto mixer = made(8, {{"landmarks", count(4)}, {"conv_kernel", count(3)}});
  const at::Tensor y = mixer->forward(x, {.keep_BL = keep});
  for (const auto& [row, real] : {std::pair<int64_t, int64_t>{0, 14}, {1, 9}, {2, 3}}) {
    CAPTURE(row);
    const at::Tensor alone = mixer->forward(x.narrow(0, row, 1).narrow(1, 0, real), {});
    CHECK(at::allclose(y[row].narrow(0, 0, real), alone[0], 0, 1e-12));
  }
  const auto batch = made(8, {{"landmarks", count(4)}, {"start", Node("batch")}});
  CHECK(testing::relative_rms(batch->forward(x, {})[0], batch->forward(x.narrow(0, 0, 1), {})[0]) > 1e-6);
  CHECK(testing::relative_rms(mixer->forward(x, {})[0], mixer->forward(x.narrow(0, 0, 1), {})[0]) < 1e-12);
  const auto included = made(8, {{"landmarks", count(4)}, {"padding", Node("included")}});
  at::Tensor louder = x.clone();
  louder[1].narrow(0, 9, 5).mul_(2);
  CHECK_FALSE(at::allclose(included->forward(louder, {.keep_BL = keep})[1].narrow(0, 0, 9),
                           included->forward(x, {.keep_BL = keep})[1].narrow(0, 0, 9)));
}

TEST_CASE("nystromformer gives the answers of transformers", "[nystromformer][recorded]") {
  if (const auto recorded = testing::recorded_mixer("nystromformer_hf_full_L21")) {
    testing::NameTable table = kTransformers;
    table.push_back({"conv", "conv.weight"});
    testing::match_recorded(
        *made(32, {{"landmarks", count(21)}, {"conv_kernel", count(9)}, {"out_projection", Node(false)}}),
        *recorded, table);
  }
  if (const auto recorded = testing::recorded_mixer("nystromformer_hf_permatrix_L60_m12")) {
    const auto mixer = made(32, {{"heads", count(2)},
                                 {"landmarks", count(12)},
                                 {"conv_kernel", count(0)},
                                 {"out_projection", Node(false)}});
    testing::match_recorded(*mixer, *recorded, kTransformers);
  }
}

TEST_CASE("nystromformer refuses to be causal, and an even kernel", "[nystromformer]") {
  CHECK_THROWS_WITH(
      made(8, {}, true),
      "part.type = nystromformer: has no causal form: a landmark is a mean over tokens to come; needs a net "
      "that is not causal");
  CHECK_THROWS_WITH(made(8, {{"conv_kernel", count(4)}}), "part.conv_kernel = 4: must be odd, or 0");
}

}  // namespace nystromformer_test
