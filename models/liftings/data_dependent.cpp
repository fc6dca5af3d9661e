// Linear lifting whose steps the data turn up or down, channel by channel.
//   d_l = (past_l(c_l) - g_l(c_l) ⊙ P_l c_l) / sqrt2,  c_{l+1} = (c_l + r_l(d_l) ⊙ U_l d_l) / sqrt2
//   g_l(x) = 2 sigmoid(G_l x),  r_l(x) = 2 sigmoid(R_l x);  back: c_l = sqrt2 c_{l+1} - r_l(d_l) ⊙ U_l d_l
// The update's gate reads the detail alone, which the way back has too: the reconstruction stays exact.
// Gates start at G = R = 0, a factor of one: the linear lifting.
// Shapes  B batch, L length, C coefficient width; P, U, G, R [C, C], with bias
// Cost    4 levels (C^2 + C) parameters; 12 levels C^2 flops per position
// Source  ours, from the author's plans; adaptive lifting as in G. Piella and H. Heijmans, IEEE Trans. Signal
//         Processing 50, 2002
#include <ATen/TensorOperators.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/stack.h>

#include <string>
#include <vector>

#include "core/config/binder.h"
#include "models/layers/projection.h"
#include "models/lifting.h"
#include "models/liftings/networks.h"
#include "models/liftings/steps.h"

namespace subband::liftings::data_dependent {

struct Config {
  NetworksConfig networks{.linear = true};

  void bind(Binder& b) { bind_init(b, networks.init); }
};

class DataDependent final : public Lifting {
 public:
  DataDependent(const Config& config, const LiftingContext& context)
      : levels_(context.levels),
        dilation_(register_module("dilation", context.dilation->make(context))),
        networks_(*this, config.networks, context, {.damped = context.stabilizers.lifting_level}) {
    add_gates("predict_gates", predict_gates_, context);
    add_gates("update_gates", update_gates_, context);
  }

  at::Tensor decompose(const at::Tensor& h_BLC, LayerState* memory) override {
    const auto predict = [this](const at::Tensor& c, int64_t level) {
      return gated(*predict_gates_[static_cast<size_t>(level)], c, networks_.predict(c, level));
    };
    const auto update = [this](const at::Tensor& d, int64_t level) { return this->update(d, level); };
    return analyse(h_BLC, *dilation_, {levels_, predict, update}, memory);
  }

  at::Tensor reconstruct(const at::Tensor& z_SBLC) override {
    return synthesise(z_SBLC, [this](const at::Tensor& details) {
      std::vector<at::Tensor> updates = details.unbind(0);
      for (size_t i = 0; i < updates.size(); ++i)
        updates[i] = update(updates[i], levels_ - 1 - static_cast<int64_t>(i));
      return at::stack(updates);
    });
  }

  // Updates are computed on the way down and again on the way back, their gates too.
  double flops(int64_t length) const override {
    double gates = 0;
    for (const auto& gate : predict_gates_) gates += gate->flops(length);
    for (const auto& gate : update_gates_) gates += 2 * gate->flops(length);
    return gates + networks_.flops(length);
  }
  int64_t kept_rows(int64_t length) const override { return dilation_->kept_rows(levels_, length); }

 private:
  using Gates = std::vector<std::shared_ptr<Projection>>;

  void add_gates(const std::string& name, Gates& gates, const LiftingContext& context) {
    const auto list = register_module(name, std::make_shared<torch::nn::Module>(name));
    const ProjectionPlan plan{
        .purpose = {.role = Role::gate}, .in = context.padded_width, .out = context.padded_width};
    for (int64_t level = 0; level < levels_; ++level) {
      gates.push_back(list->register_module(std::to_string(level),
                                            std::make_shared<Projection>(*context.initializer, plan)));
      gates.back()->first_weight().zero_();
      gates.back()->first_bias().zero_();
    }
  }
  static at::Tensor gated(const Projection& gate, const at::Tensor& x, const at::Tensor& step) {
    return at::sigmoid(gate.forward(x)) * 2 * step;
  }
  at::Tensor update(const at::Tensor& d, int64_t level) const {
    return gated(*update_gates_[static_cast<size_t>(level)], d, networks_.update(d, level));
  }

  int64_t levels_;
  std::shared_ptr<Dilation> dilation_;
  Networks networks_;
  Gates predict_gates_, update_gates_;
};

void add_to(LiftingRegistry& r) {
  r.add<DataDependent, Config>(
      {.name = "data_dependent",
       .summary = "linear lifting whose steps are gated by the data they read",
       .source = "ours, from the author's plans; after Piella and Heijmans 2002",
       .cost = "4 levels (Cp^2 + Cp) parameters; 12 levels Cp^2 flops per position"});
}

}  // namespace subband::liftings::data_dependent
