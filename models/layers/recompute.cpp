#include "models/layers/recompute.h"

#include <ATen/ThreadLocalState.h>
#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cassert>
#include <optional>
#include <utility>

namespace subband {

namespace {

/// All that makes the second run equal to the first.
struct Recording {
  BlockFunction block;
  std::shared_ptr<Noise> noise;
  at::Generator generator;       // that of the first run, and
  at::Tensor generator_state;    // where it stood before
  at::ThreadLocalState threads;  // autocast
  Replay replay;
  std::vector<bool> defined;  // of the outputs

  std::vector<at::Tensor> first(const std::vector<at::Tensor>& inputs) {
    generator = noise->generator;
    if (generator.defined()) generator_state = generator.get_state();
    Replay* const outer = std::exchange(noise->replay, &replay);
    const std::vector<at::Tensor> outputs = block(inputs);
    noise->replay = outer;
    std::vector<at::Tensor> made;
    for (const at::Tensor& output : outputs) {
      defined.push_back(output.defined());
      if (output.defined()) made.push_back(output);
    }
    return made;
  }

  // Leaves the generator where it finds it: other blocks may still have to draw.
  std::vector<at::Tensor> again(const std::vector<at::Tensor>& inputs) {
    const at::ThreadLocalStateGuard as_before(threads);
    const c10::AutoGradMode with_gradients(true);
    at::autocast::increment_nesting();
    const at::Generator present = std::exchange(noise->generator, generator);
    at::Tensor present_state;
    if (generator.defined()) {
      present_state = generator.get_state();
      generator.set_state(generator_state);
    }
    replay.repeating = true, replay.next = 0;
    Replay* const outer = std::exchange(noise->replay, &replay);
    std::vector<at::Tensor> outputs = block(inputs);
    noise->replay = outer;
    if (generator.defined()) generator.set_state(present_state);
    noise->generator = present;
    // The cache holds casts of weights that the next step changes.
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    std::erase_if(outputs, [](const at::Tensor& output) { return !output.defined(); });
    return outputs;
  }
};

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// One by one and optional: autograd takes no notice of tensors in a vector, and none of an undefined one.
using Input = std::optional<at::Tensor>;

struct Recompute final : torch::autograd::Function<Recompute> {
  static variable_list forward(AutogradContext* context, const std::shared_ptr<Recording>& recording,
                               const Input& a, const Input& b, const Input& c) {
    const variable_list inputs = {a.value_or(at::Tensor()), b.value_or(at::Tensor()),
                                  c.value_or(at::Tensor())};
    context->save_for_backward(inputs);
    context->saved_data["recording"] = c10::IValue::make_capsule(c10::make_intrusive<Holder>(recording));
    return recording->first(inputs);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto holder = context->saved_data["recording"].toCapsule();
    Recording& recording = *static_cast<Holder&>(*holder).recording;
    variable_list inputs;
    for (const at::Tensor& input : context->get_saved_variables())
      inputs.push_back(input.defined() ? input.detach().requires_grad_(input.requires_grad()) : input);
    const variable_list outputs = recording.again(inputs);
    variable_list roots, seeds;
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (!outputs[i].requires_grad() || !gradients[i].defined()) continue;
      roots.push_back(outputs[i]), seeds.push_back(gradients[i]);
    }
    if (!roots.empty()) torch::autograd::backward(roots, seeds);
    variable_list result(1);  // none for the recording
    for (const at::Tensor& input : inputs) result.push_back(input.defined() ? input.grad() : at::Tensor());
    return result;
  }

 private:
  struct Holder final : torch::CustomClassHolder {
    explicit Holder(std::shared_ptr<Recording> held) : recording(std::move(held)) {}
    std::shared_ptr<Recording> recording;
  };
};

}  // namespace

std::vector<at::Tensor> recomputed(const BlockFunction& block, const std::vector<at::Tensor>& inputs,
                                   const std::shared_ptr<Noise>& noise) {
  assert(inputs.size() <= 3);
  const auto recording = std::make_shared<Recording>();
  recording->block = block, recording->noise = noise;
  const auto input = [&](size_t i) {
    return i < inputs.size() && inputs[i].defined() ? Input(inputs[i]) : Input();
  };
  const variable_list made = Recompute::apply(recording, input(0), input(1), input(2));
  std::vector<at::Tensor> outputs;
  size_t next = 0;
  for (const bool defined : recording->defined) outputs.push_back(defined ? made[next++] : at::Tensor());
  return outputs;
}

}  // namespace subband
