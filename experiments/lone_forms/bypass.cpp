// A bypass alone: x -> summary, z -> y.
#include "experiments/lone_form.h"
#include "experiments/lone_forms/inputs.h"
#include "models/bypass.h"

namespace subband::lone_forms::bypass {

struct Config {
  void bind(Binder&) {}
};

class BypassForm final : public LoneForm {
 public:
  BypassForm(const Config&, const LoneFormContext&) {}

  LonePart make(const LoneOrder& order) const override {
    const auto part = lone<Bypass>(order, order.block());
    const std::string name = order.name;
    return {name,
            part,
            {"x", "z", "previous"},
            [part, name, width = order.frame.width](const Tensors& in, const Pass& pass) -> Tensors {
              const at::Tensor summary = part->summary(checked_x(in, name, width), pass), z = optional_input(in, "z");
              if (!summary.defined() && !z.defined())
                throw ShapeError(name, "x: this bypass has no summary; feed z [S,B,L,D] too");
              Tensors out;
              if (summary.defined()) out["summary"] = summary;
              out["y"] = z.defined() ? part->apply(z, summary, optional_input(in, "previous")) : summary;
              return out;
            },
            [part, name](int64_t length) { return cost_of(name, *part, part->flops(length, true)); }};
  }
};

void add_to(LoneFormRegistry& r) {
  r.add<BypassForm, Config>({.name = "bypass", .summary = "a bypass alone: x -> summary, z -> y", .source = "ours"});
}

}  // namespace subband::lone_forms::bypass
