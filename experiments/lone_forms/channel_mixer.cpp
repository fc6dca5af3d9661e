// A channel mixer alone: x -> y.
#include "experiments/lone_form.h"
#include "experiments/lone_forms/inputs.h"
#include "models/channel_mixer.h"

namespace subband::lone_forms::channel_mixer {

struct Config {
  void bind(Binder&) {}
};

class ChannelMixerForm final : public LoneForm {
 public:
  ChannelMixerForm(const Config&, const LoneFormContext&) {}

  LonePart make(const LoneOrder& order) const override {
    const auto part = lone<ChannelMixer>(order, order.block());
    const std::string name = order.name;
    return {name,
            part,
            {"x"},
            [part, name, width = order.frame.width](const Tensors& in, const Pass& pass) -> Tensors {
              return {{"y", part->forward(checked_x(in, name, width), pass.memory())}};
            },
            [part, name](int64_t length) { return cost_of(name, *part, part->flops(length)); }};
  }
};

void add_to(LoneFormRegistry& r) {
  r.add<ChannelMixerForm, Config>({.name = "channel_mixer", .summary = "a channel mixer alone: x -> y", .source = "ours"});
}

}  // namespace subband::lone_forms::channel_mixer
