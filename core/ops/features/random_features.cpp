#include "core/ops/features/random_features.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <limits>
#include <tuple>

#include "core/ops/features/random_features_steps.h"
#include "core/ops/op_choice.h"
#include "core/tensors/costs/recorded.h"
#include "core/tensors/expect.h"

namespace subband {

namespace random_features_paths {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr int64_t kBlockValues = 1 << 16;  // of features, which stay in the second cache between product and exponential
constexpr int64_t kValuesPerThread = 1 << 17;
constexpr int64_t kFewestRows = 16;
constexpr double kNothing = -std::numeric_limits<double>::infinity();

namespace steps = random_features_steps;

at::Tensor padded_rows(const at::Tensor& keep_BL) { return keep_BL.logical_not().unsqueeze(-1).unsqueeze(-1); }

int64_t block_rows(int64_t features) { return std::max(kFewestRows, kBlockValues / std::max<int64_t>(1, features)); }

// body(first row, count) for blocks whose size depends on nothing but the number of features; a device takes all at once.
template <class Body>
void each_block(const at::Tensor& f_NM, const Body& body) {
  const int64_t rows = f_NM.size(0), features = f_NM.size(1);
  if (f_NM.is_cuda()) return body(0, rows);
  const int64_t at_once = block_rows(features), blocks = (rows + at_once - 1) / at_once;
  const int64_t grain = std::max<int64_t>(1, kValuesPerThread / std::max<int64_t>(1, at_once * features));
  at::parallel_for(0, blocks, grain, [&](int64_t begin, int64_t stop) {
    const at::AutoDispatchBelowADInplaceOrView below;  // of this thread
    for (int64_t block = begin; block < stop; ++block)
      body(block * at_once, std::min(at_once, rows - block * at_once));
  });
}

// What features of keys need besides their products.
struct Stabilizer {
  bool so_far = false;
  at::Tensor peak_BG;        ///< c before the first token, or undefined; and of the last one when all is done
  at::Tensor log_decay_BLG;  ///< comes out
};

struct RandomFeatures : torch::autograd::Function<RandomFeatures> {
  struct Call {
    const FeaturePlan& plan;
    Stabilizer* stabilizer;
  };
  struct Values {
    at::Tensor x_NK, rows_MK, f_NM;

    Rows of(int64_t count, double scale) const {
      return {count, x_NK.size(1), rows_MK.size(0), static_cast<float>(scale)};
    }
    // The products of these rows, where their features will stand.
    at::Tensor multiplied(int64_t first, int64_t count) const {
      at::Tensor p = f_NM.narrow(0, first, count);
      at::mm_out(p, x_NK.narrow(0, first, count), rows_MK.t());
      return p;
    }
  };

  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& rows, const Call& call) {
    const at::AutoDispatchBelowADInplaceOrView below;
    const FeaturePlan& plan = call.plan;
    const at::Tensor before = call.stabilizer->peak_BG;
    const int64_t N = x.size(0) * x.size(1) * x.size(2), M = rows.size(0);
    const Values v{x.contiguous().view({N, x.size(3)}), rows, at::empty({N, M}, x.options())};
    if (plan.map == FeatureMap::of_key) {
      of_keys(v, x.sizes(), call);
    } else {
      const auto finish = plan.map == FeatureMap::relu ? steps::rectify : steps::exponentiate_queries;
      each_block(v.f_NM, [&](int64_t first, int64_t count) {
        finish(v.of(count, plan.scale), v.multiplied(first, count));
      });
    }
    const at::Tensor f = v.f_NM.view({x.size(0), x.size(1), x.size(2), M});
    if (plan.keep_BL.defined()) f.masked_fill_(padded_rows(plan.keep_BL), 0);
    context->save_for_backward({x, rows, f, plan.keep_BL, before});
    context->saved_data["map"] = static_cast<int64_t>(plan.map);
    context->saved_data["scale"] = plan.scale;
    context->saved_data["so_far"] = call.stabilizer->so_far;
    return f;
  }

  static void of_keys(const Values& v, at::IntArrayRef shape, const Call& call) {
    const at::Tensor largest = at::empty({shape[0], shape[1], shape[2]}, v.x_NK.options()), c = at::empty_like(largest);
    const at::Tensor largest_N = largest.view({-1}), c_N = c.view({-1});
    const auto logarithms = [&](int64_t first, int64_t count) {
      const at::Tensor p = v.multiplied(first, count);
      steps::key_logarithms(v.of(count, call.plan.scale), v.x_NK.narrow(0, first, count), p,
                            largest_N.narrow(0, first, count));
    };
    const auto finish = [&](int64_t first, int64_t count) {
      steps::exponentiate(v.of(count, call.plan.scale), c_N.narrow(0, first, count), v.f_NM.narrow(0, first, count));
    };
    if (!call.stabilizer->so_far) {
      each_block(v.f_NM, logarithms);
      c.copy_(largest_of_sequences(largest, call.plan.keep_BL));
      each_block(v.f_NM, finish);
      return;
    }
    Stabilizer& s = *call.stabilizer;
    s.log_decay_BLG = at::empty_like(largest);
    const at::Tensor before = s.peak_BG.defined() ? s.peak_BG.contiguous() : s.peak_BG;
    const steps::Peaks peaks{before, largest, c, s.log_decay_BLG};
    // c of a block is known when all before it are done: where one thread does all, at once.
    if (at::get_num_threads() == 1 || at::in_parallel_region() || largest.is_cuda()) {
      each_block(v.f_NM, [&](int64_t first, int64_t count) {
        logarithms(first, count);
        steps::advance(peaks, first, count);
        finish(first, count);
      });
    } else {
      each_block(v.f_NM, logarithms);
      steps::advance(peaks, 0, v.f_NM.size(0));
      each_block(v.f_NM, finish);
    }
    if (shape[1] > 0) s.peak_BG = c.select(1, shape[1] - 1);
  }

  // [B,L,G] -> [B,1,G] or, of nothing, as it is
  static at::Tensor largest_of_sequences(const at::Tensor& largest, const at::Tensor& keep_BL) {
    if (largest.numel() == 0) return largest;
    const at::Tensor real =
        keep_BL.defined() ? largest.masked_fill(keep_BL.logical_not().unsqueeze(-1), kNothing) : largest;
    const at::Tensor all = real.amax({1}, true);
    return all.masked_fill(all.isinf(), 0);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const auto map = static_cast<FeatureMap>(context->saved_data["map"].toInt());
    const double scale = context->saved_data["scale"].toDouble();
    if (c10::GradMode::is_enabled()) {
      variable_list all = gradients_again(
          [&](const variable_list& in) {
            at::Tensor peak = saved[4];
            if (context->saved_data["so_far"].toBool()) return reference_so_far(in[0], in[1], scale, peak).features_BLGM;
            return random_features_paths::reference(in[0], in[1], {map, scale, saved[3]});
          },
          {saved[0], saved[1]}, gradients[0]);
      all.emplace_back();
      return all;
    }
    const at::AutoDispatchBelowADInplaceOrView below;
    const at::Tensor& x = saved[0];
    const int64_t N = x.size(0) * x.size(1) * x.size(2), M = saved[1].size(0);
    const Values v{x.contiguous().view({N, x.size(3)}), saved[1], saved[2].view({N, M})};
    const at::Tensor g_NM = gradients[0].contiguous().view({N, M});
    at::Tensor of_x = at::empty_like(v.x_NK), of_all, of_rows;
    if (context->needs_input_grad(1)) of_all = at::empty_like(g_NM);
    each_block(g_NM, [&](int64_t first, int64_t count) {
      const Rows rows = v.of(count, scale);
      const at::Tensor of_p = of_all.defined() ? of_all.narrow(0, first, count) : at::empty({count, M}, g_NM.options()),
                       sums = at::empty({count}, g_NM.options());
      steps::backward(rows, map, {v.f_NM.narrow(0, first, count), g_NM.narrow(0, first, count), of_p, sums});
      at::Tensor to = of_x.narrow(0, first, count);
      at::mm_out(to, of_p, v.rows_MK);
      if (map == FeatureMap::of_key) steps::norms_backward(rows, v.x_NK.narrow(0, first, count), sums, to);
    });
    if (of_all.defined()) of_rows = at::mm(of_all.t(), v.x_NK);
    return {of_x.view(x.sizes()), of_rows, at::Tensor()};
  }
};

at::Tensor products(const at::Tensor& x, const at::Tensor& rows_MK, double scale) {
  return at::matmul(scale == 1 ? x : x * scale, rows_MK.t());
}

at::Tensor key_logarithms_of(const at::Tensor& x, const at::Tensor& rows_MK, double scale) {
  return products(x, rows_MK, scale) - (scale == 1 ? x : x * scale).square().sum(-1, true).div(2);
}

bool takes_reference(at::TensorList tensors, std::string_view path) {
  return taken_path("random_features", tensors, path, {.cuda = KernelTypes::fp32}) == OpPath::reference;
}

void expect_features(const at::Tensor& x_BLGK, const at::Tensor& rows_MK) {
  expect_shape("random_features", "x", x_BLGK, {kAny, kAny, kAny, kAny});
  expect_shape("random_features", "rows", rows_MK, {kAny, x_BLGK.size(3)});
}

}  // namespace

at::Tensor reference(const at::Tensor& x_BLGK, const at::Tensor& rows_MK, const FeaturePlan& plan) {
  const at::Tensor& keep = plan.keep_BL;
  at::Tensor f;
  if (plan.map == FeatureMap::relu) {
    f = at::relu(products(x_BLGK, rows_MK, plan.scale));
  } else if (plan.map == FeatureMap::of_query) {
    const at::Tensor log = products(x_BLGK, rows_MK, plan.scale);
    f = (log - log.detach().amax({-1}, true)).exp();
  } else {
    at::Tensor log = key_logarithms_of(x_BLGK, rows_MK, plan.scale);
    if (keep.defined()) log = log.masked_fill(padded_rows(keep), kNothing);
    at::Tensor peak = log.detach();
    if (peak.numel() > 0) peak = peak.amax({1, 3}, true);
    // A sequence without any real token has no largest key.
    f = (log - peak.masked_fill(peak.isinf(), 0)).exp();
  }
  return keep.defined() ? f.masked_fill(padded_rows(keep), 0) : f;
}

StabilizedKeys stabilized_so_far(const at::Tensor& log_BLGM, at::Tensor& peak_BG) {
  at::Tensor peaks = std::get<0>(log_BLGM.detach().amax(-1).cummax(1));
  const int64_t L = peaks.size(1);
  if (L == 0) return {log_BLGM, peaks};
  if (peak_BG.defined()) peaks = at::maximum(peaks, peak_BG.unsqueeze(1));
  const at::Tensor before = peak_BG.defined() ? peak_BG.unsqueeze(1) : peaks.narrow(1, 0, 1);
  peak_BG = peaks.select(1, L - 1);
  return {(log_BLGM - peaks.unsqueeze(-1)).exp(), at::cat({before, peaks.narrow(1, 0, L - 1)}, 1) - peaks};
}

StabilizedKeys reference_so_far(const at::Tensor& x_BLGK, const at::Tensor& rows_MK, double scale,
                                at::Tensor& peak_BG) {
  return stabilized_so_far(key_logarithms_of(x_BLGK, rows_MK, scale), peak_BG);
}

}  // namespace random_features_paths

at::Tensor random_features(const at::Tensor& x_BLGK, const at::Tensor& rows_MK, const FeaturePlan& plan,
                           std::string_view path) {
  using namespace random_features_paths;
  expect_features(x_BLGK, rows_MK);
  if (plan.keep_BL.defined()) expect_shape("random_features", "keep", plan.keep_BL, {x_BLGK.size(0), x_BLGK.size(1)});
  RecordedOp op("subband::random_features", {x_BLGK, rows_MK});
  if (takes_reference({x_BLGK, rows_MK}, path))
    return op.gives(random_features_paths::reference(x_BLGK, rows_MK, plan));
  Stabilizer stabilizer;
  return op.gives(RandomFeatures::apply(x_BLGK, rows_MK, RandomFeatures::Call{plan, &stabilizer}));
}

StabilizedKeys random_features_so_far(const at::Tensor& x_BLGK, const at::Tensor& rows_MK, double scale,
                                      at::Tensor& peak_BG, std::string_view path) {
  using namespace random_features_paths;
  expect_features(x_BLGK, rows_MK);
  if (peak_BG.defined()) expect_shape("random_features", "peak", peak_BG, {x_BLGK.size(0), x_BLGK.size(2)});
  RecordedOp op("subband::random_features", {x_BLGK, rows_MK});
  if (takes_reference({x_BLGK, rows_MK, peak_BG}, path)) {
    StabilizedKeys keys = reference_so_far(x_BLGK, rows_MK, scale, peak_BG);
    keys.features_BLGM = op.gives(keys.features_BLGM);
    return keys;
  }
  Stabilizer stabilizer{.so_far = true, .peak_BG = peak_BG, .log_decay_BLG = {}};
  const FeaturePlan plan{.map = FeatureMap::of_key, .scale = scale, .keep_BL = {}};
  const at::Tensor f = op.gives(RandomFeatures::apply(x_BLGK, rows_MK, RandomFeatures::Call{plan, &stabilizer}));
  peak_BG = stabilizer.peak_BG;
  return {f, stabilizer.log_decay_BLG};
}

}  // namespace subband
