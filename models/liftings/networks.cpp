#include "models/liftings/networks.h"

#include <ATen/ops/gelu.h>

#include "models/layers/projection.h"

namespace subband::liftings {

namespace {
constexpr double kNetworkNoise = 0.01;  // deviation of the entries that no identity fills
constexpr double kUpdateGain = 0.5;     // an update starts at half of a prediction
constexpr double kDamping = 0.1;
}  // namespace

const std::vector<std::string>& init_words() {
  static const std::vector<std::string> words = {"haar", "zero", "random", "uniform"};
  return words;
}

void bind_hidden_multiplier(Binder& b, int64_t& hidden_multiplier) {
  b.field("hidden_multiplier", hidden_multiplier, {1, 64},
          "h, hidden width over coefficient width (original: lifting_hidden_mult)");
}

void bind_init(Binder& b, std::string& init) {
  b.choice(
      "init", init, init_words(),
      "initial weights: identities as in Haar's wavelet (U at half), a last linear of zeros, small noise, "
      "or what every linear starts with (original: lifting_init)");
}

void bind_dropout(Binder& b, double& dropout) {
  b.field("dropout", dropout, {0.0, 0.99}, "on the hidden values, in training (original: lifting_dropout)");
}

/// P_l or U_l.
class Network final : public Module {
 public:
  Network(const NetworksConfig& config, const BlockContext& context)
      : dropout_(config.dropout), noise_(context.noise) {
    const int64_t width = context.padded_width, hidden = width * config.hidden_multiplier;
    Initializer& initializer = *context.initializer;
    const auto made = [&](int64_t in, int64_t out) {
      const ProjectionPlan plan{.purpose = {.role = Role::lifting}, .in = in, .out = out};
      return std::make_shared<Projection>(initializer, plan);
    };
    if (config.linear) {
      last_ = register_module("only", made(width, width));
      return;
    }
    first_ = register_module("first", made(width, hidden));
    last_ = register_module("last", made(hidden, width));
  }

  at::Tensor forward(const at::Tensor& x) const {
    if (!first_) return last_->forward(x);
    return last_->forward(dropout(at::gelu(first_->forward(x)), dropout_, is_training(), noise_.get()));
  }

  // Redraws follow the defaults of the same level; the order of draws decides the weights of a seed.
  void initialise(const std::string& init, double gain, Initializer& initializer) {
    if (init == "uniform") return;
    const at::Tensor last = last_->first_weight();
    last_->first_bias().zero_();
    if (init == "zero") {
      last.zero_();
      return;
    }
    if (first_) first_->first_bias().zero_();
    if (init == "random") {
      if (first_) initializer.normal_(first_->first_weight(), 0, kNetworkNoise);
      initializer.normal_(last, 0, kNetworkNoise);
      return;
    }
    const int64_t width = last.size(0), extra = last.size(1) - width;
    last.narrow(1, 0, width).copy_(initializer.eye(width, width).mul_(gain));
    if (!first_) return;
    const at::Tensor first = first_->first_weight();
    first.narrow(0, 0, width).copy_(initializer.eye(width, width));
    if (extra == 0) return;
    initializer.normal_(first.narrow(0, width, extra), 0, kNetworkNoise);
    initializer.normal_(last.narrow(1, width, extra), 0, kNetworkNoise);
  }
  bool is_plain() const {
    return first_ && first_->is_plain() && last_->is_plain() && (dropout_ == 0 || !is_training());
  }
  LiftingNetwork tensors() const { return {first_->dense(), first_->bias(), last_->dense(), last_->bias()}; }
  double flops(int64_t rows) const { return (first_ ? first_->flops(rows) : 0) + last_->flops(rows); }
  void damp(double factor) { last_->first_weight().mul_(factor); }

 private:
  double dropout_;
  std::shared_ptr<const Noise> noise_;
  std::shared_ptr<Projection> first_, last_;  // no first where linear
};

Networks::Networks(Module& owner, const NetworksConfig& config, const BlockContext& context,
                   Options options) {
  std::shared_ptr<torch::nn::Module> predicts;
  if (options.predictions)
    predicts = owner.register_module("predict", std::make_shared<torch::nn::Module>("predict"));
  const auto updates = owner.register_module("update", std::make_shared<torch::nn::Module>("update"));
  const auto add = [&](torch::nn::Module& list, std::vector<std::shared_ptr<Network>>& networks) {
    networks.push_back(
        list.register_module(std::to_string(networks.size()), std::make_shared<Network>(config, context)));
  };
  for (int64_t level = 0; level < context.levels; ++level) {
    if (predicts) add(*predicts, predict_);
    add(*updates, update_);
    if (predicts) predict_.back()->initialise(config.init, 1, *context.initializer);
    update_.back()->initialise(config.init, kUpdateGain, *context.initializer);
    if (!options.damped) continue;
    const double factor = 1 / (1 + kDamping * static_cast<double>(level));
    if (predicts) predict_.back()->damp(factor);
    update_.back()->damp(factor);
  }
}

at::Tensor Networks::predict(const at::Tensor& x_C, int64_t level) const {
  return predict_[static_cast<size_t>(level)]->forward(x_C);
}

at::Tensor Networks::update(const at::Tensor& x_C, int64_t level) const {
  return update_[static_cast<size_t>(level)]->forward(x_C);
}

static std::vector<LiftingNetwork> tensors_of(const std::vector<std::shared_ptr<Network>>& networks) {
  std::vector<LiftingNetwork> all;
  for (const auto& network : networks) {
    if (!network->is_plain()) return {};
    all.push_back(network->tensors());
  }
  return all;
}

std::vector<LiftingNetwork> Networks::predictions() const { return tensors_of(predict_); }

std::vector<LiftingNetwork> Networks::updates() const { return tensors_of(update_); }

double Networks::flops(int64_t rows) const {
  double sum = 0;
  for (const auto& network : predict_) sum += network->flops(rows);
  for (const auto& network : update_) sum += 2 * network->flops(rows);
  return sum;
}

}  // namespace subband::liftings
