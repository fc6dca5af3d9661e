#include "experiments/commands/probe.h"

#include <ATen/TensorOperators.h>
#include <c10/core/GradMode.h>
#include <c10/core/ScalarType.h>
#include <fmt/format.h>

#include <optional>
#include <utility>

#include "core/error.h"

namespace subband {

static constexpr int64_t kNotScored = -100;  // as in the loss of LibTorch

static void collect_gradients(const torch::nn::Module& module, Tensors& gradients) {
  for (const auto& item : module.named_parameters()) {
    if (item.value().grad().defined()) gradients[item.key()] = item.value().grad();
  }
}

const at::Tensor& ProbeInput::get(std::string_view name) const {
  const auto found = tensors.find(std::string(name));
  if (found == tensors.end()) throw Error(file, fmt::format("tensor '{}': missing", name));
  return found->second;
}

// Ids or targets: [B,L] int64 below V. A target of -100 is not scored.
static const at::Tensor& tokens_of(const ProbeInput& input, std::string_view name, int64_t vocabulary,
                                   bool targets = false) {
  const at::Tensor& tokens = input.get(name);
  if (tokens.dim() != 2 || tokens.scalar_type() != at::kLong || tokens.numel() == 0) {
    throw Error(input.file, fmt::format("tensor '{}': expected int64 [B,L]", name));
  }
  const at::Tensor scored = targets ? tokens.masked_fill(tokens == kNotScored, 0) : tokens;
  const int64_t low = scored.min().item<int64_t>(), high = scored.max().item<int64_t>();
  if (low < 0 || high >= vocabulary) {
    throw Error(input.file, fmt::format("{} = {}: must be 0 to {}{}", name, low < 0 ? low : high,
                                        vocabulary - 1, targets ? ", or -100 where not scored" : ""));
  }
  return tokens;
}

// Of the first of several windows `targets` alone will do.
static std::optional<std::string> targets_of(const ProbeInput& input, const std::string& suffix) {
  if (input.has("targets" + suffix)) return "targets" + suffix;
  if (suffix == ".0" && input.has("targets")) return "targets";
  return {};
}

// `keep`, or `attention_mask` as Python programs write it: true or not 0 where a token is real.
static at::Tensor keep_of(const ProbeInput& input, const std::string& suffix, const at::Tensor& ids_BL) {
  for (const char* word : {"keep", "attention_mask"}) {
    if (!input.has(word + suffix)) continue;
    const at::Tensor& keep = input.get(word + suffix);
    if (keep.sizes() != ids_BL.sizes())
      throw Error(input.file, "tensor '" + (word + suffix) + "': must have the shape of the ids");
    return keep.to(at::kBool);
  }
  return {};
}

// Scored where the target stands at a real token's place.
static at::Tensor probe_loss(Net& net, const at::Tensor& ids, const at::Tensor& targets, const Pass& pass) {
  if (!pass.keep_BL.defined()) return net.loss(ids, targets, pass);
  return Net::mean_cross_entropy(net.forward(ids, pass),
                                 targets.masked_fill(pass.keep_BL.logical_not(), kNotScored));
}

// One window or piece: the loss first, from a copy of the state, so that it moves on once.
static void probe_window(Net& net, const ProbeInput& input, const NetProbe& probe, const std::string& suffix,
                         Tensors& out, Tensors* gradients) {
  const at::Tensor& ids = tokens_of(input, "ids" + suffix, probe.vocabulary);
  Pass pass{.keep_BL = keep_of(input, suffix, ids), .state = probe.state};
  if (const auto name = targets_of(input, suffix)) {
    const at::Tensor& targets = tokens_of(input, *name, probe.vocabulary, true);
    SequenceState copy;
    Pass from_copy = pass;
    if (pass.state) copy = *pass.state, from_copy.state = &copy;
    const c10::AutoGradMode with_gradients(gradients != nullptr);
    const at::Tensor loss = probe_loss(net, ids, targets, from_copy);
    if (gradients != nullptr) {
      loss.backward();
      collect_gradients(net, *gradients);
    }
    out["loss" + name->substr(std::string("targets").size())] = loss.detach();
  } else if (gradients != nullptr) {
    throw Error(input.file, "tensor 'targets" + suffix + "': missing; gradients are those of a loss");
  }
  const c10::NoGradGuard no_gradients;
  std::vector<at::Tensor> hidden;
  if (probe.hidden) pass.hidden = &hidden;
  out["logits" + suffix] = net.forward(ids, pass);
  for (size_t i = 0; i < hidden.size(); ++i) out["hidden_" + std::to_string(i) + suffix] = hidden[i];
}

// The suffixes of what is fed in order: `.0`, `.1`, …, or none at all where `name` stands alone.
static std::vector<std::string> pieces_of(const ProbeInput& input, const std::string& name) {
  if (input.has(name)) return {""};
  std::vector<std::string> suffixes;
  do suffixes.push_back("." + std::to_string(suffixes.size()));
  while (input.has(name + "." + std::to_string(suffixes.size())));
  return suffixes;
}

Tensors probe_net(Net& net, const NetProbe& probe, const ProbeInput& input, Tensors* gradients) {
  Tensors out;
  const bool windows = probe.state == nullptr;
  SequenceState carried;  // between windows; padding has no place in it
  for (const std::string& suffix : pieces_of(input, "ids")) {
    NetProbe own = probe;
    const bool padded = input.has("keep" + suffix) || input.has("attention_mask" + suffix);
    if (windows && net.carries() != Carry::nothing && !padded) own.state = &carried;
    if (windows && net.carries() == Carry::across) carried.next_window();
    probe_window(net, input, own, suffix, out, std::exchange(gradients, nullptr));
  }
  return out;
}

// The tensors of the file that the part takes, without `suffix`.
static Tensors inputs_of(const LonePart& part, at::ScalarType type, const ProbeInput& input, const std::string& suffix,
                         bool with_gradients) {
  Tensors in;
  for (const std::string& name : part.inputs) {
    if (!input.has(name + suffix)) continue;
    const at::Tensor& given = input.get(name + suffix);
    if (!given.is_floating_point() && name != "keep")
      throw Error(input.file, "tensor '" + name + suffix + "': dtype " + c10::toString(given.scalar_type()) +
                                  ": must be floating-point");
    in[name] = name == "keep" ? given.to(at::kBool) : given.to(type).clone().requires_grad_(with_gradients);
  }
  return in;
}

Tensors probe_part(const LonePart& part, at::ScalarType type, const ProbeInput& input, Tensors* gradients) {
  const c10::AutoGradMode with_gradients(gradients != nullptr);
  const Tensors in = inputs_of(part, type, input, "", gradients != nullptr);
  Tensors out = part.forward(in, {});
  if (gradients != nullptr) {
    const at::Tensor& c = input.get("c");
    if (c.sizes() != out.at("y").sizes()) throw Error(input.file, "tensor 'c': must have the shape of y");
    out.at("y").mul(c.to(type)).sum().backward();
    collect_gradients(*part.module, *gradients);
    for (const auto& [name, tensor] : in) {
      if (tensor.grad().defined()) (*gradients)[name == "x" ? "gx" : "gx/" + name] = tensor.grad();
    }
  }
  for (auto& [name, tensor] : out) tensor = tensor.detach();
  return out;
}

Tensors probe_pieces(const LonePart& part, at::ScalarType type, const ProbeInput& input, SequenceState& state) {
  const c10::NoGradGuard no_gradients;
  Tensors out;
  for (const std::string& suffix : pieces_of(input, "x")) {
    for (const auto& [name, tensor] : part.forward(inputs_of(part, type, input, suffix, false), {.state = &state})) {
      if (name == "y") state.advance(tensor.size(-2));
      out[name + suffix] = tensor;
    }
  }
  return out;
}

}  // namespace subband
