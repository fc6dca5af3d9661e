#include "experiments/commands/probe.h"

#include <ATen/TensorOperators.h>
#include <c10/core/GradMode.h>

#include <optional>

#include "core/error.h"

namespace subband {

static void collect_gradients(const torch::nn::Module& module, Tensors& gradients) {
  for (const auto& item : module.named_parameters()) {
    if (item.value().grad().defined()) gradients[item.key()] = item.value().grad();
  }
}

const at::Tensor& ProbeInput::get(const std::string& name) const {
  const auto found = tensors.find(name);
  if (found == tensors.end()) throw Error(file, "tensor '" + name + "': missing");
  return found->second;
}

// Ids or targets: [B,L] int64 below V.
static const at::Tensor& tokens_of(const ProbeInput& input, const std::string& name, int64_t vocabulary) {
  const at::Tensor& tokens = input.get(name);
  if (tokens.dim() != 2 || tokens.scalar_type() != at::kLong || tokens.numel() == 0) {
    throw Error(input.file, "tensor '" + name + "': expected int64 [B,L]");
  }
  const int64_t low = tokens.min().item<int64_t>(), high = tokens.max().item<int64_t>();
  if (low < 0 || high >= vocabulary) {
    throw Error(input.file, name + " = " + std::to_string(low < 0 ? low : high) + ": must be 0 to " +
                                std::to_string(vocabulary - 1));
  }
  return tokens;
}

// Of the first of several windows `targets` alone will do.
static std::optional<std::string> targets_of(const ProbeInput& input, const std::string& suffix) {
  if (input.has("targets" + suffix)) return "targets" + suffix;
  if (suffix == ".0" && input.has("targets")) return "targets";
  return {};
}

// One window: the loss first, then the logits from the same state, so that the state moves on once.
static void probe_window(Net& net, const ProbeInput& input, int64_t vocabulary, const std::string& suffix,
                         Tensors& out, Tensors* gradients) {
  const at::Tensor& ids = tokens_of(input, "ids" + suffix, vocabulary);
  if (const auto name = targets_of(input, suffix)) {
    const at::Tensor& targets = tokens_of(input, *name, vocabulary);
    const at::Tensor before = net.state();
    const at::Tensor kept = before.defined() ? before.clone() : before;
    const c10::AutoGradMode with_gradients(gradients != nullptr);
    const at::Tensor loss = net.loss(ids, targets);
    if (gradients != nullptr) {
      loss.backward();
      collect_gradients(net, *gradients);
    }
    out["loss" + name->substr(std::string("targets").size())] = loss.detach();
    if (net.carries_state()) {
      net.reset_state();
      if (kept.defined()) net.set_state(kept);
    }
  } else if (gradients != nullptr) {
    throw Error(input.file, "tensor 'targets" + suffix + "': missing; gradients are those of a loss");
  }
  const c10::NoGradGuard no_gradients;
  out["logits" + suffix] = net.forward(ids);
}

Tensors probe_net(Net& net, int64_t vocabulary, const ProbeInput& input, Tensors* gradients) {
  Tensors out;
  net.reset_state();
  if (input.has("ids")) {
    probe_window(net, input, vocabulary, "", out, gradients);
    return out;
  }
  int64_t window = 0;
  do {
    probe_window(net, input, vocabulary, "." + std::to_string(window), out,
                 window == 0 ? gradients : nullptr);
    ++window;
  } while (input.has("ids." + std::to_string(window)));
  return out;
}

Tensors probe_module(torch::nn::Module& module, const PartForward& forward, at::ScalarType type,
                     const ProbeInput& input, Tensors* gradients) {
  const c10::AutoGradMode with_gradients(gradients != nullptr);
  const auto floating = [&](const char* name) {
    return input.has(name) ? input.get(name).to(type).clone().requires_grad_(gradients != nullptr)
                           : at::Tensor();
  };
  input.get("x");
  const PartInput fed{floating("x"), input.has("keep") ? input.get("keep") : at::Tensor(),
                      floating("memory")};
  const at::Tensor y_BLD = forward(fed);
  if (gradients != nullptr) {
    y_BLD.mul(input.get("c").to(type)).sum().backward();
    collect_gradients(module, *gradients);
    (*gradients)["x"] = fed.x_BLD.grad();
    if (fed.memory_BMD.defined()) (*gradients)["memory"] = fed.memory_BMD.grad();
  }
  return {{"y", y_BLD.detach()}};
}

}  // namespace subband
