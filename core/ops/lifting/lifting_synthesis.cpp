// The way down of a learned lifting, all levels in one operation.
#include <ATen/ATen.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include "core/error.h"
#include "core/ops/lifting/lifting.h"
#include "core/ops/lifting/lifting_work.h"
#include "core/ops/op_choice.h"
#include "core/tensors/costs/recorded.h"
#include "core/tensors/expect.h"

namespace subband {

namespace lifting_paths {
namespace {

struct LiftingSynthesis : torch::autograd::Function<LiftingSynthesis> {
  using Context = torch::autograd::AutogradContext;
  using Tensors = torch::autograd::variable_list;

  static Work work_for(const at::Tensor& z, int64_t hidden) {
    return Work({z.size(1) * z.size(2), hidden, z.size(3), z.size(2)}, z.options());
  }

  static at::Tensor forward(Context* context, const at::Tensor& given_SBLC, at::TensorList networks, bool keeps_hidden) {
    const at::AutoDispatchBelowADInplaceOrView below;
    const at::Tensor z = given_SBLC.contiguous();
    const int64_t levels = z.size(0) - 1, columns = z.size(3), rows = z.size(1) * z.size(2);
    const at::Tensor z_SNC = z.view({levels + 1, rows, columns}), c = at::empty({rows, columns}, z.options());
    const at::Tensor hidden =
        keeps_hidden ? at::empty({levels, rows, networks[0].size(0)}, z.options()) : at::Tensor();
    float* const to = c.mutable_data_ptr<float>();
    Work work = work_for(z, networks[0].size(0));
    work.each_block([&](const RowBlock& block) {  // all levels while its rows are in the cache
      const float* from = z_SNC.select(0, 0).const_data_ptr<float>();
      for (int64_t level = levels - 1; level >= 0; --level, from = to) {
        const LiftingNetwork update = network_at(networks, level);
        const float* const moved = work.apply(update, block.of(z_SNC.select(0, levels - level)),
                                              hidden.defined() ? block.of(hidden.select(0, level)) : hidden);
        work.over_rows(block, [&, bias = update.last_bias_C.const_data_ptr<float>()](const Part& part) {
          lifting_paths::blend(part, {static_cast<float>(kRootTwo), -1, 1}, from,
                               moved + (part.first - block.first) * columns, bias, to);
        });
      }
    });
    Tensors saved = {given_SBLC, hidden};
    saved.insert(saved.end(), networks.begin(), networks.end());
    context->save_for_backward(std::move(saved));
    return c.view({z.size(1), z.size(2), columns});
  }

  static Tensors backward(Context* context, Tensors gradients) {
    const Tensors saved = context->get_saved_variables();
    const at::TensorList networks = at::TensorList(saved).slice(2);
    if (c10::GradMode::is_enabled()) {
      Tensors inputs = {saved[0]};
      inputs.insert(inputs.end(), networks.begin(), networks.end());
      Tensors all = gradients_again(
          [](const Tensors& in) {
            std::vector<LiftingNetwork> update;
            for (int64_t i = 0; i < static_cast<int64_t>(in.size() / 4); ++i)
              update.push_back(lifting_paths::network_at(at::TensorList(in).slice(1), i));
            return lifting_paths::synthesis_reference(in[0], update);
          },
          inputs, gradients[0]);
      all.emplace_back();  // of whether the hidden layer is kept
      return all;
    }
    const at::AutoDispatchBelowADInplaceOrView below;
    return back(saved[0].contiguous(), saved[1], networks, gradients[0].contiguous());
  }

  // q: the gradient of an update's output, which is minus that of c, which grows by sqrt2 from level to level.
  static Tensors back(const at::Tensor& z, const at::Tensor& hidden, at::TensorList networks,
                      const at::Tensor& g) {
    const int64_t levels = z.size(0) - 1, columns = z.size(3), rows = z.size(1) * z.size(2);
    at::Tensor of_z = at::empty_like(z), q = at::empty({rows, columns}, z.options());
    const at::Tensor of_z_SNC = of_z.view({levels + 1, rows, columns}),
                     z_SNC = z.view({levels + 1, rows, columns});
    Work work = work_for(z, hidden.size(2));
    std::vector<LiftingNetwork> found(static_cast<size_t>(levels));
    float *const to = q.mutable_data_ptr<float>(), *const last = of_z.mutable_data_ptr<float>();
    const auto root_two = static_cast<float>(kRootTwo);
    work.each_block([&](const RowBlock& block) {
      const float* from = g.const_data_ptr<float>();
      for (int64_t level = 0; level < levels; ++level, from = to) {
        LiftingNetwork& own = found[static_cast<size_t>(level)];
        work.over_rows(block, own.last_bias_C, [&](const Part& part, float* sums) {
          lifting_paths::scaled(part, level == 0 ? -1.0f : root_two, from, to, sums);
        });
        work.back(network_at(networks, level), block.of(z_SNC.select(0, levels - level)),
                  block.of(hidden.select(0, level)), block.of(q), block.of(of_z_SNC.select(0, levels - level)), own);
      }
      at::Tensor unused;
      work.over_rows(block, unused, [&](const Part& part, float* sums) {
        lifting_paths::scaled(part, -root_two, from, last, sums);
      });
    });
    Tensors all = {of_z};
    for (const LiftingNetwork& each : found) list_network(all, each);
    all.emplace_back();  // of whether the hidden layer is kept
    return all;
  }
};

}  // namespace
}  // namespace lifting_paths

at::Tensor lifting_synthesis(const at::Tensor& z_SBLC, const std::vector<LiftingNetwork>& update,
                             std::string_view path) {
  using namespace lifting_paths;
  const auto levels = static_cast<int64_t>(update.size());
  expect_shape("lifting_synthesis", "z", z_SBLC, {levels + 1, kAny, kAny, kAny});
  if (levels == 0) throw ShapeError("lifting_synthesis", "levels = 0: must be 1 or more");
  lifting_paths::expect_networks("lifting_synthesis", update, update[0].first_HC.size(0), z_SBLC.size(3));
  torch::autograd::variable_list networks;
  for (const LiftingNetwork& each : update) lifting_paths::list_network(networks, each);
  torch::autograd::variable_list all = networks;
  all.push_back(z_SBLC);
  RecordedOp op("subband::lifting_synthesis", all);
  if (!takes_loops("lifting_synthesis", all, path))
    return op.gives(lifting_paths::synthesis_reference(z_SBLC, update));
  return op.gives(LiftingSynthesis::apply(z_SBLC, at::TensorList(networks), is_recorded(all)));
}

at::Tensor lifting_paths::synthesis_reference(const at::Tensor& z_SBLC,
                                              const std::vector<LiftingNetwork>& update) {
  const std::vector<at::Tensor> parts = z_SBLC.unbind(0);
  at::Tensor c = parts[0];
  for (size_t i = 1; i < parts.size(); ++i)
    c = c * kRootTwo - network_reference(update[parts.size() - 1 - i], parts[i]);
  return c;
}

}  // namespace subband
