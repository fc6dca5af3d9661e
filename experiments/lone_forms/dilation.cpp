// A dilation alone: x -> the past of every level.
#include <ATen/ops/stack.h>

#include "experiments/lone_form.h"
#include "experiments/lone_forms/inputs.h"
#include "models/dilation.h"

namespace subband::lone_forms::dilation {

struct Config {
  void bind(Binder&) {}
};

class DilationForm final : public LoneForm {
 public:
  DilationForm(const Config&, const LoneFormContext&) {}

  LonePart make(const LoneOrder& order) const override {
    const auto part = lone<Dilation>(order, order.block());
    const std::string name = order.name;
    return {name,
            part,
            {"x"},
            [part, name, frame = order.frame](const Tensors& in, const Pass& pass) -> Tensors {
              const at::Tensor& x = checked_x(in, name, frame.width);
              std::vector<at::Tensor> past;
              LayerState* memory = pass.memory();
              for (int64_t level = 0; level < frame.levels; ++level) {
                RowBuffer* inputs = memory ? &memory->rows(std::to_string(level), part->reach(level)) : nullptr;
                past.push_back(part->past(x, level, inputs));
              }
              return {{"y", at::stack(past)}};
            },
            [part, name](int64_t) { return cost_of(name, *part, 0); }};  // counted with the lifting it serves
  }
};

void add_to(LoneFormRegistry& r) {
  r.add<DilationForm, Config>({.name = "dilation", .summary = "a dilation alone: x -> the past of every level", .source = "ours"});
}

}  // namespace subband::lone_forms::dilation
