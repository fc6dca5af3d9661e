// A scale mixer alone: x -> y, both of all scales.
#include "core/tensors/expect.h"
#include "experiments/lone_form.h"
#include "experiments/lone_forms/inputs.h"
#include "models/scale_mixer.h"

namespace subband::lone_forms::scale_mixer {

struct Config {
  void bind(Binder&) {}
};

class ScaleMixerForm final : public LoneForm {
 public:
  ScaleMixerForm(const Config&, const LoneFormContext&) {}

  LonePart make(const LoneOrder& order) const override {
    const auto part = lone<ScaleMixer>(order, order.block());
    const std::string name = order.name;
    return {name,
            part,
            {"x"},
            [part, name, frame = order.frame](const Tensors& in, const Pass&) -> Tensors {
              const at::Tensor& x = needed_input(in, "x", name);
              expect_shape(name, "x", x, {frame.levels + 1, kAny, kAny, frame.width});
              return {{"y", part->forward(x)}};
            },
            [part, name](int64_t length) { return cost_of(name, *part, part->flops(length)); }};
  }
};

void add_to(LoneFormRegistry& r) {
  r.add<ScaleMixerForm, Config>({.name = "scale_mixer", .summary = "a scale mixer alone: x -> y, both of all scales", .source = "ours"});
}

}  // namespace subband::lone_forms::scale_mixer
