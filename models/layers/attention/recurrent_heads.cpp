#include "models/layers/attention/recurrent_heads.h"

#include <ATen/ATen.h>

#include <cmath>
#include <vector>

#include "models/layers/activation.h"

namespace subband {

void RecurrentHeadFields::bind(Binder& b, const MixerContext& c) {
  std::vector<std::string> maps = activation_names();
  maps.insert(maps.begin(), "none");
  b.field("heads", heads, {1, 4096}, "H; published: one for every 256 channels");
  b.field("kv_heads", kv_heads, {1, 4096},
          "G, heads of keys and values; divides heads; null: as many as heads");
  b.field("expand_key", expand_key, {0, 64, true}, "H K, width of all queries, over width");
  b.field("expand_value", expand_value, {0, 64, true}, "H V, width of all values, over width");
  b.choice("feature_map", feature_map, maps, "of queries and keys, before their positions");
  b.field("convolution", convolution, {0, 64},
          "taps of a short causal convolution of queries, keys and values each; 0: none (published: 4)");
  b.field("convolution_bias", convolution_bias, "the short convolutions have one");
  b.choice("rope", rope, {"none", "half", "interleaved"},
           "rotary positions: which channels are rotated together");
  b.field("rope_base", rope_base, {1, 1e12, true}, "the slowest pair's period is about this long");
  b.check(heads % groups() == 0, "kv_heads", "must divide heads = " + std::to_string(heads));
  const std::string into = " into heads = " + std::to_string(heads);
  b.check(divides(expand_key, c.width), "expand_key", "must divide width * expand_key" + into);
  b.check(divides(expand_value, c.width), "expand_value", "must divide width * expand_value" + into);
  b.check(rope == "none" || !divides(expand_key, c.width) || key_width(c.width) % 2 == 0, "rope",
          "must be none for an odd key width, here " + std::to_string(key_width(c.width)));
}

int64_t RecurrentHeadFields::whole(double expand, int64_t width) {
  return std::llround(expand * static_cast<double>(width));
}

bool RecurrentHeadFields::divides(double expand, int64_t width) const {
  return whole(expand, width) >= heads && whole(expand, width) % heads == 0;
}

RecurrentHeads::RecurrentHeads(Module& owner, const RecurrentHeadFields& fields, const MixerContext& context,
                               double gain)
    : fields_(fields),
      gain_(gain),
      key_width_(fields.key_width(context.width)),
      value_width_(fields.value_width(context.width)),
      rope_(fields.rope, fields.rope_base) {
  Initializer& first = *context.initializer;
  const int64_t D = context.width, H = fields.heads, G = fields.groups();
  const auto input = [&](const char* name, int64_t out) {
    return add(owner, name, first, {.purpose = {.role = Role::input_projection}, .in = D, .out = out});
  };
  q_ = {input("q", H * key_width_), nullptr, "q", key_width_};
  k_ = {input("k", G * key_width_), nullptr, "k", key_width_};
  v_ = {input("v", G * value_width_), nullptr, "v", value_width_};
  if (fields.convolution == 0) return;
  for (Stream* stream : {&q_, &k_, &v_}) {
    stream->filter =
        owner.register_module(std::string(stream->name) + "_convolution",
                              std::make_shared<ShortConvolution>(
                                  first, stream->map->out(), fields.convolution, fields.convolution_bias));
  }
}

std::shared_ptr<Projection> RecurrentHeads::add(Module& owner, const char* name, Initializer& first,
                                                ProjectionPlan plan) const {
  plan.bias = false;
  const auto projection = owner.register_module(name, std::make_shared<Projection>(first, plan));
  const double bound = gain_ * std::sqrt(6.0 / static_cast<double>(plan.in + plan.out));
  first.uniform_(projection->first_weight(), -bound, bound);
  return projection;
}

RecurrenceInputs RecurrentHeads::split(const at::Tensor& x_BLD, const Pass& pass) {
  LayerState* memory = pass.memory();
  const auto heads = [&](const Stream& stream) {
    at::Tensor x = stream.map->forward(x_BLD);
    if (stream.filter) x = stream.filter->forward(x, memory ? &memory->part(stream.name) : nullptr);
    return x.unflatten(-1, {x.size(-1) / stream.width, stream.width});
  };
  const auto placed = [&](const at::Tensor& x) {
    return rope_.rotate(fields_.feature_map == "none" ? x : activation_of(fields_.feature_map)(x), pass.position());
  };
  const int64_t repeats = fields_.heads / fields_.groups();
  const auto for_each_head = [&](const at::Tensor& x) {
    return repeats == 1 ? x : x.repeat_interleave(repeats, 2);
  };
  return {.q_BLHK = placed(heads(q_)),
          .k_BLHK = for_each_head(placed(heads(k_))),
          .v_BLHV = for_each_head(heads(v_))};
}

double RecurrentHeads::flops(int64_t length) const {
  double sum = 0;
  for (const Stream* stream : {&q_, &k_, &v_})
    sum += stream->map->flops(length) + (stream->filter ? stream->filter->flops(length) : 0);
  return sum;
}

int64_t RecurrentHeads::state_values(int64_t length) const {
  int64_t sum = 0;
  for (const Stream* stream : {&q_, &k_, &v_})
    if (stream->filter) sum += stream->filter->state_values(length);
  return sum;
}

}  // namespace subband
