#include "core/ops/features/random_features.h"

#include <torch/torch.h>

#include <cmath>

#include "core/error.h"
#include "core/testing/fast_path.h"

namespace feature_op_test {
using namespace subband;

static at::Tensor features_drawn(at::IntArrayRef shape, const std::string& name) {
  return at::empty(shape, at::kDouble).normal_(0, 1, stream(13, name));
}

struct FeatureCase {
  int64_t batch, length, groups, width, features;
};
static const FeatureCase kFeatureCases[] = {
    {1, 1, 1, 1, 1}, {2, 7, 3, 5, 6}, {3, 67, 1, 16, 33}, {1, 150, 4, 16, 128}, {2, 40, 2, 19, 1100}};

static std::vector<at::Tensor> feature_inputs(const FeatureCase& c) {
  return {features_drawn({c.batch, c.length, c.groups, c.width}, "x"), features_drawn({c.features, c.width}, "rows")};
}

static testing::PathOp feature_op(FeatureMap map, const at::Tensor& keep = {}) {
  return [=](const std::vector<at::Tensor>& in, std::string_view path) {
    return random_features(in[0], in[1], {map, 0.7, keep}, path);
  };
}

// The features times the decay, so that both are compared.
static testing::PathOp so_far_op(const at::Tensor& peak_BG = {}) {
  return [=](const std::vector<at::Tensor>& in, std::string_view path) {
    at::Tensor peak = peak_BG.defined() ? peak_BG.to(in[0].scalar_type()) : peak_BG;
    const StabilizedKeys keys = random_features_so_far(in[0], in[1], 0.7, peak, path);
    return keys.features_BLGM * keys.log_decay_BLG.exp().unsqueeze(-1);
  };
}

TEST_CASE("random features are their definition", "[random_features]") {
  const auto in = feature_inputs({2, 5, 2, 3, 4});
  const at::Tensor x = in[0] * 0.7, rows = in[1];
  const at::Tensor relu = feature_op(FeatureMap::relu)(in, "reference"),
                   queries = feature_op(FeatureMap::of_query)(in, "reference"),
                   keys = feature_op(FeatureMap::of_key)(in, "reference");
  at::Tensor peak;
  const StabilizedKeys so_far = random_features_so_far(in[0], rows, 0.7, peak, "reference");
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t g = 0; g < 2; ++g) {
      const auto log_of = [&](int64_t t) { return rows.mv(x[b][t][g]) - x[b][t][g].square().sum() / 2; };
      double all = -1e300, earlier = 0, most = -1e300;
      for (int64_t t = 0; t < 5; ++t) all = std::max(all, log_of(t).max().item<double>());
      for (int64_t t = 0; t < 5; ++t) {
        const at::Tensor p = rows.mv(x[b][t][g]), log = log_of(t);
        CHECK(at::allclose(relu[b][t][g], p.clamp_min(0), 0, 1e-12));
        CHECK(at::allclose(queries[b][t][g], (p - p.max()).exp(), 0, 1e-12));
        CHECK(at::allclose(keys[b][t][g], (log - all).exp(), 0, 1e-12));
        most = std::max(most, log.max().item<double>());
        CHECK(at::allclose(so_far.features_BLGM[b][t][g], (log - most).exp(), 0, 1e-12));
        CHECK(so_far.log_decay_BLG[b][t][g].item<double>() == Approx(t == 0 ? 0 : earlier - most).margin(1e-12));
        earlier = most;
      }
      CHECK(peak[b][g].item<double>() == Approx(most));
    }
}

TEST_CASE("the loops of random features equal the reference, forward and backward", "[random_features]") {
  for (const FeatureCase& c : kFeatureCases) {
    CAPTURE(c.length, c.groups, c.width, c.features);
    for (const FeatureMap map : {FeatureMap::relu, FeatureMap::of_query, FeatureMap::of_key}) {
      CAPTURE(static_cast<int>(map));
      testing::check_fast_path(feature_op(map), feature_inputs(c));
    }
    testing::check_fast_path(so_far_op(), feature_inputs(c));
    testing::check_fast_path(so_far_op(at::full({c.batch, c.groups}, 0.5, at::kDouble)), feature_inputs(c));
  }
  for (const FeatureCase& c : {FeatureCase{2, 0, 2, 3, 4}, {0, 3, 2, 3, 4}}) {
    for (const FeatureMap map : {FeatureMap::relu, FeatureMap::of_query, FeatureMap::of_key})
      testing::check_no_rows(feature_op(map), feature_inputs(c));
    testing::check_no_rows(so_far_op(), feature_inputs(c));
  }
}

TEST_CASE("the features of padded keys are zero and count for nothing, also where all are", "[random_features]") {
  const FeatureCase c{3, 9, 2, 5, 20};
  at::Tensor keep = at::ones({3, 9}, at::kBool);
  keep[1].narrow(0, 4, 5).fill_(false), keep[2].fill_(false);
  auto in = feature_inputs(c);
  in[0][1].narrow(0, 4, 5).mul_(100);
  for (const FeatureMap map : {FeatureMap::relu, FeatureMap::of_key}) {
    testing::check_fast_path(feature_op(map, keep), in);
    const at::Tensor f = feature_op(map, keep)({in[0].to(at::kFloat), in[1].to(at::kFloat)}, "loops");
    CHECK(f[1].narrow(0, 4, 5).eq(0).all().item<bool>());
    CHECK(f[2].eq(0).all().item<bool>());
    CHECK(f[1].narrow(0, 0, 4).max().item<float>() > 0);
  }
}

TEST_CASE("features so far go on from where they were, on both paths", "[random_features]") {
  const auto in = feature_inputs({2, 11, 2, 5, 20});
  for (const char* path : {"reference", "loops"}) {
    const at::Tensor x = in[0].to(at::kFloat), rows = in[1].to(at::kFloat);
    at::Tensor whole, piece;
    const StabilizedKeys wanted = random_features_so_far(x, rows, 0.7, whole, path);
    std::vector<at::Tensor> features, decays;
    for (const auto& part : x.split({4, 1, 6}, 1)) {
      const StabilizedKeys keys = random_features_so_far(part, rows, 0.7, piece, path);
      features.push_back(keys.features_BLGM), decays.push_back(keys.log_decay_BLG);
    }
    CHECK(at::allclose(at::cat(features, 1), wanted.features_BLGM, 1e-5, 1e-6));
    CHECK(at::allclose(at::cat(decays, 1), wanted.log_decay_BLG, 1e-5, 1e-6));
    CHECK(at::allclose(piece, whole, 1e-6, 1e-6));
  }
}

TEST_CASE("the loops of random features have the same bits with one thread and with two", "[random_features]") {
  const auto in = feature_inputs({2, 1500, 2, 16, 128});
  const int threads = at::get_num_threads();
  for (const testing::PathOp& op : {so_far_op(), feature_op(FeatureMap::of_query)}) {
    std::vector<std::vector<at::Tensor>> found;
    for (const int count : {1, 2}) {
      at::set_num_threads(count);
      found.push_back(testing::values_and_gradients(op, in, at::kFloat, "loops"));
    }
    CHECK(found[0][0].equal(found[1][0]));
    CHECK(found[0][1].equal(found[1][1]));
  }
  at::set_num_threads(threads);
}

TEST_CASE("gradients of random features can be differentiated again", "[random_features]") {
  for (const FeatureMap map : {FeatureMap::relu, FeatureMap::of_query, FeatureMap::of_key})
    testing::check_second_derivatives(feature_op(map), feature_inputs({2, 4, 2, 3, 5}));
  testing::check_second_derivatives(so_far_op(at::full({2, 2}, 0.5)), feature_inputs({2, 4, 2, 3, 5}));
}

TEST_CASE("random features refuse rows of another width, and a path that cannot take them", "[random_features]") {
  const at::Tensor x = at::zeros({1, 4, 2, 3});
  CHECK_THROWS_WITH(random_features(x, at::zeros({5, 4}), {}), "random_features: rows: expected [*, 3], got [5, 4]");
  CHECK_THROWS_WITH(random_features(x.to(at::kDouble), at::zeros({5, 3}), {}, "loops"),
                    "random_features: path = loops: must be auto, reference, loops (CPU, fp32) or cuda (CUDA, fp32)");
}

}  // namespace feature_op_test
