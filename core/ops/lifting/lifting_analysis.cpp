// The way up of a learned lifting, all levels in one operation.
#include <ATen/ATen.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <optional>

#include "core/error.h"
#include "core/ops/lifting/lifting.h"
#include "core/ops/lifting/lifting_work.h"
#include "core/ops/op_choice.h"
#include "core/ops/op_paths.h"
#include "core/ops/sequence/causal_filter.h"
#include "core/tensors/costs/recorded.h"
#include "core/tensors/expect.h"

namespace subband {

namespace lifting_paths {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;
using MaybeTensor = std::optional<at::Tensor>;

constexpr auto kScale = static_cast<float>(lifting_paths::kRootHalf);

Taps taps_of(const at::Tensor& weights_LK, const std::vector<int64_t>& first, int64_t level) {
  static constexpr float kOne = 1;
  if (!weights_LK.defined()) return {first[static_cast<size_t>(level)], 1, &kOne};
  const int64_t count = weights_LK.size(1);
  return {first[static_cast<size_t>(level)], count, weights_LK.const_data_ptr<float>() + level * count};
}

// What backward needs besides the networks, in the order in which it is saved.
struct Kept {
  at::Tensor h_BLC;       // as it came in
  at::Tensor start_NC;    // the same, row by row
  at::Tensor z_SBLC;      // the result, whose details are inputs of the updates
  at::Tensor hidden_2NH;  // of the predictions and the updates in turn, before GELU; undefined where nothing goes back
  at::Tensor coarse_LNC;  // c_1, c_2, ...
  at::Tensor weights_LK;
  static constexpr size_t kCount = 6;

  int64_t levels() const { return z_SBLC.size(0) - 1; }
  int64_t length() const { return z_SBLC.size(2); }
  int64_t columns() const { return z_SBLC.size(3); }
  int64_t rows() const { return z_SBLC.size(1) * length(); }
  at::Tensor detail(const at::Tensor& of_SBLC, int64_t level) const {
    return of_SBLC.select(0, levels() - level).view({rows(), columns()});
  }
  at::Tensor input(int64_t level) const { return level == 0 ? start_NC : coarse_LNC.select(0, level - 1); }
};

// All levels of a block of rows while it is in the cache: what a level sees of the past is there already.
void go_up(const Kept& kept, at::TensorList networks, const std::vector<int64_t>& first) {
  const int64_t levels = kept.levels(), columns = kept.columns();
  Work work({kept.rows(), networks[0].size(0), columns, kept.length()}, kept.z_SBLC.options());
  const auto hidden = [&](const RowBlock& block, int64_t network) {
    return kept.hidden_2NH.defined() ? block.of(kept.hidden_2NH.select(0, network)) : at::Tensor();
  };
  work.each_block([&](const RowBlock& block) {
    for (int64_t level = 0; level < levels; ++level) {
      const LiftingNetwork predict = network_at(networks, 2 * level), update = network_at(networks, 2 * level + 1);
      const at::Tensor c = kept.input(level), d = kept.detail(kept.z_SBLC, level);
      const at::Tensor next =
          level + 1 < levels ? kept.coarse_LNC.select(0, level) : kept.detail(kept.z_SBLC, levels);
      const Taps taps = taps_of(kept.weights_LK, first, level);
      const float* const from = c.const_data_ptr<float>();
      const float* moved = work.apply(predict, block.of(c), hidden(block, 2 * level));
      work.over_rows(block, [&, bias = predict.last_bias_C.const_data_ptr<float>(),
                             to = d.mutable_data_ptr<float>()](const Part& part) {
        lifting_paths::detail(part, taps, from, moved + (part.first - block.first) * columns, bias, kScale, to);
      });
      moved = work.apply(update, block.of(d), hidden(block, 2 * level + 1));
      work.over_rows(block, [&, bias = update.last_bias_C.const_data_ptr<float>(),
                             to = next.mutable_data_ptr<float>()](const Part& part) {
        lifting_paths::blend(part, {1, 1, kScale}, from, moved + (part.first - block.first) * columns, bias, to);
      });
    }
  });
}

struct Gradients {
  at::Tensor h_NC;
  std::vector<LiftingNetwork> networks;
  at::Tensor weights_LK;
};

// t: the gradient of c, at first that of c' over sqrt2; q: of the prediction's output; p: what a network sends back. What
// a level saw of the past reads rows of q further on, so that the levels go one after the other.
Gradients go_back(const Kept& kept, at::TensorList networks, const std::vector<int64_t>& first,
                  const at::Tensor& g_SBLC) {
  const int64_t levels = kept.levels(), length = kept.length(), columns = kept.columns();
  Work work({kept.rows(), kept.hidden_2NH.size(2), columns, length}, kept.z_SBLC.options());
  at::Tensor t = at::empty_like(kept.start_NC), q = at::empty_like(t), p = at::empty_like(t);
  float *const of_t = t.mutable_data_ptr<float>(), *const of_q = q.mutable_data_ptr<float>();
  float* const of_p = p.mutable_data_ptr<float>();
  const float* g = kept.detail(g_SBLC, levels).const_data_ptr<float>();
  Gradients found{t, std::vector<LiftingNetwork>(static_cast<size_t>(2 * levels)), {}};
  if (kept.weights_LK.defined()) found.weights_LK = at::empty(kept.weights_LK.sizes(), at::kDouble);
  for (int64_t level = levels - 1; level >= 0; --level) {
    LiftingNetwork &of_predict = found.networks[static_cast<size_t>(2 * level)],
                   &of_update = found.networks[static_cast<size_t>(2 * level + 1)];
    const LiftingNetwork predict = network_at(networks, 2 * level), update = network_at(networks, 2 * level + 1);
    const at::Tensor c = kept.input(level), d = kept.detail(kept.z_SBLC, level);
    const float* const of_d = kept.detail(g_SBLC, level).const_data_ptr<float>();
    work.each_block([&](const RowBlock& block) {
      work.over_rows(block, of_update.last_bias_C, [&](const Part& part, float* sums) {
        lifting_paths::scaled(part, kScale, g, of_t, sums);
      });
      work.back(update, block.of(d), block.of(kept.hidden_2NH.select(0, 2 * level + 1)), block.of(t), block.of(p),
                of_update);
      work.over_rows(block, of_predict.last_bias_C, [&](const Part& part, float* sums) {
        lifting_paths::added(part, -kScale, of_d, of_p, of_q, sums);
      });
      work.back(predict, block.of(c), block.of(kept.hidden_2NH.select(0, 2 * level)), block.of(q), block.of(p),
                of_predict);
    });
    const Taps taps = taps_of(kept.weights_LK, first, level);
    if (found.weights_LK.defined())
      causal_filter_paths::loops_backward_weights(
          {kept.z_SBLC.size(1), length, columns, taps.first, taps.count}, of_q, c.const_data_ptr<float>(),
          found.weights_LK.mutable_data_ptr<double>() + level * taps.count);
    work.over_rows({0, kept.rows()},
                   [&](const Part& part) { lifting_paths::past_backward(part, taps, of_t, of_p, of_q, of_t); });
    g = of_t;
  }
  if (found.weights_LK.defined()) found.weights_LK = found.weights_LK.neg().to(at::kFloat);
  return found;
}

std::vector<LiftingNetwork> every_other(at::TensorList networks, int64_t first) {
  std::vector<LiftingNetwork> found;
  for (int64_t i = first; i < static_cast<int64_t>(networks.size() / 4); i += 2)
    found.push_back(lifting_paths::network_at(networks, i));
  return found;
}

struct LiftingAnalysis : torch::autograd::Function<LiftingAnalysis> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& h_BLC, at::TensorList networks,
                            const MaybeTensor& weights_LK, const LiftingPast& past, bool keeps_hidden) {
    const at::AutoDispatchBelowADInplaceOrView below;
    const auto levels = static_cast<int64_t>(past.first.size());
    const int64_t columns = h_BLC.size(2), rows = h_BLC.size(0) * h_BLC.size(1), hidden = networks[0].size(0);
    const auto options = h_BLC.options();
    const Kept kept{.h_BLC = h_BLC,
                    .start_NC = h_BLC.reshape({rows, columns}).contiguous(),
                    .z_SBLC = at::empty({levels + 1, h_BLC.size(0), h_BLC.size(1), columns}, options),
                    .hidden_2NH = keeps_hidden ? at::empty({2 * levels, rows, hidden}, options) : at::Tensor(),
                    .coarse_LNC = at::empty({levels - 1, rows, columns}, options),
                    .weights_LK = weights_LK ? weights_LK->contiguous() : at::Tensor()};
    const at::Tensor given_LK = weights_LK.value_or(at::Tensor());  // the copy has no history to differentiate
    go_up(kept, networks, past.first);
    if (past.inputs)
      for (int64_t level = 0; level < levels; ++level)
        past.inputs->push_back(kept.input(level).view(h_BLC.sizes()));
    variable_list saved = {kept.h_BLC,      kept.start_NC,   kept.z_SBLC,
                           kept.hidden_2NH, kept.coarse_LNC, given_LK};
    saved.insert(saved.end(), networks.begin(), networks.end());
    context->save_for_backward(std::move(saved));
    context->saved_data["first"] = past.first;
    return kept.z_SBLC;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    Kept kept{saved[0], saved[1], saved[2], saved[3], saved[4], saved[5]};
    const at::TensorList networks = at::TensorList(saved).slice(Kept::kCount);
    const std::vector<int64_t> first = context->saved_data["first"].toIntVector();
    variable_list all;
    if (c10::GradMode::is_enabled()) {
      variable_list inputs = {kept.h_BLC};
      inputs.insert(inputs.end(), networks.begin(), networks.end());
      inputs.push_back(kept.weights_LK);
      const auto reference = [&](const variable_list& in) {
        const at::TensorList own = at::TensorList(in).slice(1, networks.size());
        return lifting_paths::analysis_reference(in[0], every_other(own, 0), every_other(own, 1),
                                                 {first, in.back(), nullptr});
      };
      all = gradients_again(reference, inputs, gradients[0]);
    } else {
      const at::AutoDispatchBelowADInplaceOrView below;
      if (kept.weights_LK.defined()) kept.weights_LK = kept.weights_LK.contiguous();
      const Gradients found = go_back(kept, networks, first, gradients[0].contiguous());
      all = {found.h_NC.view(kept.h_BLC.sizes())};
      for (const LiftingNetwork& each : found.networks) lifting_paths::list_network(all, each);
      all.push_back(found.weights_LK);
    }
    all.resize(all.size() + 2);  // of `past`, and of whether the hidden layer is kept
    return all;
  }
};

}  // namespace
}  // namespace lifting_paths

at::Tensor lifting_analysis(const at::Tensor& h_BLC, const std::vector<LiftingNetwork>& predict,
                            const std::vector<LiftingNetwork>& update, const LiftingPast& past,
                            std::string_view path) {
  using namespace lifting_paths;
  expect_shape("lifting_analysis", "h", h_BLC, {kAny, kAny, kAny});
  if (predict.empty() || predict.size() != update.size() || predict.size() != past.first.size())
    throw ShapeError("lifting_analysis",
                     "levels: expected as many predictions, updates and distances, one at least");
  if (past.weights_LK.defined())
    expect_shape("lifting_analysis", "weights", past.weights_LK, {static_cast<int64_t>(predict.size()), kAny});
  variable_list networks;
  for (size_t level = 0; level < predict.size(); ++level) {
    lifting_paths::list_network(networks, predict[level]);
    lifting_paths::list_network(networks, update[level]);
  }
  const int64_t hidden = predict[0].first_HC.size(0);
  lifting_paths::expect_networks("lifting_analysis", predict, hidden, h_BLC.size(2));
  lifting_paths::expect_networks("lifting_analysis", update, hidden, h_BLC.size(2));
  variable_list all = networks;
  all.insert(all.end(), {h_BLC, past.weights_LK});
  RecordedOp op("subband::lifting_analysis", all);
  if (!takes_loops("lifting_analysis", all, path))
    return op.gives(lifting_paths::analysis_reference(h_BLC, predict, update, past));
  const MaybeTensor weights = past.weights_LK.defined() ? MaybeTensor(past.weights_LK) : MaybeTensor();
  return op.gives(LiftingAnalysis::apply(h_BLC, at::TensorList(networks), weights, past, is_recorded(all)));
}

static at::Tensor moved_back(const at::Tensor& c_BLC, int64_t distance) {
  const int64_t length = c_BLC.size(1), kept = std::max<int64_t>(0, length - distance);
  return at::constant_pad_nd(c_BLC.narrow(1, 0, kept), {0, 0, length - kept, 0});
}

at::Tensor lifting_paths::analysis_reference(const at::Tensor& h_BLC,
                                             const std::vector<LiftingNetwork>& predict,
                                             const std::vector<LiftingNetwork>& update,
                                             const LiftingPast& past) {
  const size_t levels = predict.size();
  std::vector<at::Tensor> scales(levels + 1);
  at::Tensor c = h_BLC;
  for (size_t level = 0; level < levels; ++level) {
    if (past.inputs) past.inputs->push_back(c.detach());
    const at::Tensor seen =
        past.weights_LK.defined()
            ? causal_filter_paths::reference(c, past.weights_LK.select(0, static_cast<int64_t>(level)),
                                             past.first[level])
            : moved_back(c, past.first[level]);
    const at::Tensor detail = (seen - network_reference(predict[level], c)) * kRootHalf;
    c = (c + network_reference(update[level], detail)) * kRootHalf;
    scales[levels - level] = detail;
  }
  scales[0] = c;
  return at::stack(scales);
}

}  // namespace subband
