// A lifting alone: x -> z -> y.
#include "core/config/yaml.h"
#include "experiments/lone_form.h"
#include "experiments/lone_forms/inputs.h"
#include "models/dilation.h"
#include "models/lifting.h"

namespace subband::lone_forms::lifting {

struct Config {
  void bind(Binder&) {}
};

class LiftingForm final : public LoneForm {
 public:
  LiftingForm(const Config&, const LoneFormContext&) {}

  LonePart make(const LoneOrder& order) const override {
    const auto dilation = std::make_shared<Slot<Dilation>>(bind_part<Dilation>(
        order.registry, config::parse_yaml(order.frame.dilation, "--dilation"), order.block()));
    LiftingContext context;
    static_cast<BlockContext&>(context) = order.block();
    context.dilation = dilation.get();
    const auto part = lone<Lifting>(order, context);
    const std::string name = order.name;
    return {name,
            part,
            {"x", "z"},
            [part, dilation, name, width = order.frame.width](const Tensors& in, const Pass& pass) -> Tensors {
              Tensors out;
              at::Tensor z = optional_input(in, "z");
              if (!z.defined()) out["z"] = z = part->decompose(checked_x(in, name, width), pass.memory());
              out["y"] = part->reconstruct(z);
              return out;
            },
            [part, name](int64_t length) { return cost_of(name, *part, part->flops(length)); }};
  }
};

void add_to(LoneFormRegistry& r) {
  r.add<LiftingForm, Config>({.name = "lifting", .summary = "a lifting alone: x -> z -> y", .source = "ours"});
}

}  // namespace subband::lone_forms::lifting
