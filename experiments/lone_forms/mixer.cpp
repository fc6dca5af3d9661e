// A mixer alone: x, keep or memory -> y.
#include "core/tensors/expect.h"
#include "experiments/lone_form.h"
#include "experiments/lone_forms/inputs.h"
#include "models/mixer.h"

namespace subband::lone_forms::mixer {

struct Config {
  void bind(Binder&) {}
};

// `memory`: the inputs before x of a mixer that keeps these, and nothing else, of its past.
static at::Tensor behind_memory(Mixer& mixer, const std::string& name, const at::Tensor& x, const at::Tensor& memory) {
  expect_shape(name, "memory", memory, {x.size(0), kAny, x.size(2)});
  SequenceState state;
  RowBuffer& kept = state.layer(0).rows("across.memory", memory.size(1));
  kept.push(memory);
  state.advance(memory.size(1));
  const at::Tensor y = mixer.can_continue() ? mixer.forward(x, {.state = &state}) : x;
  if (kept.count() == memory.size(1)) throw ShapeError(name, "memory: this mixer has none");
  return y;
}

static at::Tensor mixed(Mixer& mixer, const std::string& name, const Tensors& in, Pass pass) {
  const at::Tensor &x = needed_input(in, "x", name), memory = optional_input(in, "memory");
  pass.keep_BL = optional_input(in, "keep");
  if (!memory.defined()) return mixer.forward(x, pass);
  if (pass.keep_BL.defined()) throw ShapeError(name, "keep: cannot stand beside memory");
  if (pass.state) throw ShapeError(name, "memory: cannot stand beside --continue, which keeps its own");
  return behind_memory(mixer, name, x, memory);
}

class MixerForm final : public LoneForm {
 public:
  MixerForm(const Config&, const LoneFormContext&) {}

  LonePart make(const LoneOrder& order) const override {
    const auto part = lone<Mixer>(order, {.width = order.frame.width,
                                          .length = order.frame.length,
                                          .causal = order.frame.causal,
                                          .initializer = &order.initializer});
    const std::string name = order.name;
    return {name,
            part,
            {"x", "keep", "memory"},
            [part, name](const Tensors& in, const Pass& pass) -> Tensors {
              return {{"y", mixed(*part, name, in, pass)}};
            },
            [part, name](int64_t length) {
              return cost_of(name, *part, part->flops(length), part->state_bytes(length, 4));
            }};
  }
};

void add_to(LoneFormRegistry& r) {
  r.add<MixerForm, Config>({.name = "mixer", .summary = "a mixer alone: x, keep or memory -> y", .source = "ours"});
}

}  // namespace subband::lone_forms::mixer
