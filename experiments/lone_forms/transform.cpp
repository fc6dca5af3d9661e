// A transform alone: x -> y, and back.
#include <ATen/ops/constant_pad_nd.h>

#include "experiments/lone_form.h"
#include "experiments/lone_forms/inputs.h"
#include "models/transform.h"

namespace subband::lone_forms::transform {

struct Config {
  void bind(Binder&) {}
};

class TransformForm final : public LoneForm {
 public:
  TransformForm(const Config&, const LoneFormContext&) {}

  LonePart make(const LoneOrder& order) const override {
    const auto part = lone<Transform>(order, order.block());
    const std::string name = order.name;
    return {name,
            part,
            {"x"},
            [part, name, width = order.frame.width](const Tensors& in, const Pass&) -> Tensors {
              const at::Tensor& x = checked_x(in, name, width);
              const int64_t padding = part->padded_width(width) - width;
              if (padding > 0) return {{"y", part->forward(at::constant_pad_nd(x, {0, padding}))}};
              return {{"y", part->forward(x)}, {"inverse", part->inverse(x)}};
            },
            [part, name](int64_t length) { return cost_of(name, *part, part->flops(length)); }};
  }
};

void add_to(LoneFormRegistry& r) {
  r.add<TransformForm, Config>({.name = "transform", .summary = "a transform alone: x -> y, and back", .source = "ours"});
}

}  // namespace subband::lone_forms::transform
