#include "experiments/commands/lone_part.h"

#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/stack.h>

#include <array>
#include <string_view>

#include "core/config/yaml.h"
#include "core/error.h"
#include "core/slot.h"
#include "core/tensors/expect.h"
#include "core/text.h"
#include "models/bypass.h"
#include "models/channel_mixer.h"
#include "models/lifting.h"
#include "models/mixer.h"
#include "models/scale_mixer.h"
#include "models/transform.h"

namespace subband {

using config::Node;

namespace {

// What making a part needs besides its kind.
struct Order {
  const Registry& registry;
  const LonePartWords& words;
  std::string name;
  Initializer& initializer;

  BlockContext block() const {
    return {.width = words.width,
            .padded_width = words.width,
            .levels = words.levels,
            .initializer = &initializer};
  }
};

Node spec_of(const std::string& name, const std::vector<std::string>& fields) {
  Node spec = Node::map();
  spec.set("type", Node(name));
  for (const std::string& field : fields) {
    const size_t equals = field.find('=');
    if (equals == 0 || equals == std::string::npos) {
      throw ConfigError("command line", "--set " + field + ": expected key=value", "syntax");
    }
    spec.set_at(field.substr(0, equals), config::parse_yaml(field.substr(equals + 1), "--set " + field));
  }
  return spec;
}

template <class Interface>
std::shared_ptr<Interface> made(const Order& order, const typename Interface::Context& context) {
  return make_part<Interface>(order.registry, spec_of(order.name, order.words.fields), context, order.name);
}

at::Tensor optional_input(const Tensors& in, const std::string& name) {
  const auto found = in.find(name);
  return found == in.end() ? at::Tensor() : found->second;
}

const at::Tensor& needed_input(const Tensors& in, std::string_view name, const std::string& part) {
  const auto found = in.find(std::string(name));
  if (found == in.end()) throw ShapeError(part, "tensor '" + std::string(name) + "': missing");
  return found->second;
}

PartCosts cost_of(const std::string& name, const torch::nn::Module& part, double flops, int64_t state = 0) {
  PartCosts costs;
  costs.add(name, part, flops, state);
  return costs;
}

// `memory`: the inputs before x of a mixer that keeps these, and nothing else, of its past.
at::Tensor behind_memory(Mixer& mixer, const std::string& name, const at::Tensor& x, const at::Tensor& memory) {
  expect_shape(name, "memory", memory, {x.size(0), kAny, x.size(2)});
  SequenceState state;
  RowBuffer& kept = state.layer(0).rows("across.memory", memory.size(1));
  kept.push(memory);
  state.advance(memory.size(1));
  const at::Tensor y = mixer.can_continue() ? mixer.forward(x, {.state = &state}) : x;
  if (kept.count() == memory.size(1)) throw ShapeError(name, "memory: this mixer has none");
  return y;
}

at::Tensor mixed(Mixer& mixer, const std::string& name, const Tensors& in, Pass pass) {
  const at::Tensor &x = needed_input(in, "x", name), memory = optional_input(in, "memory");
  pass.keep_BL = optional_input(in, "keep");
  if (!memory.defined()) return mixer.forward(x, pass);
  if (pass.keep_BL.defined()) throw ShapeError(name, "keep: cannot stand beside memory");
  if (pass.state) throw ShapeError(name, "memory: cannot stand beside --continue, which keeps its own");
  return behind_memory(mixer, name, x, memory);
}

LonePart lone_mixer(const Order& order) {
  const auto part = made<Mixer>(order, {.width = order.words.width,
                                        .length = order.words.length,
                                        .causal = order.words.causal,
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

// The input x [B,L,D] of a part that checks nothing itself.
const at::Tensor& checked_x(const Tensors& in, const std::string& name, int64_t width) {
  const at::Tensor& x = needed_input(in, "x", name);
  expect_shape(name, "x", x, {kAny, kAny, width});
  return x;
}

LonePart lone_channel_mixer(const Order& order) {
  const auto part = made<ChannelMixer>(order, order.block());
  const std::string name = order.name;
  return {name,
          part,
          {"x"},
          [part, name, width = order.words.width](const Tensors& in, const Pass& pass) -> Tensors {
            return {{"y", part->forward(checked_x(in, name, width), pass.memory())}};
          },
          [part, name](int64_t length) { return cost_of(name, *part, part->flops(length)); }};
}

LonePart lone_transform(const Order& order) {
  const auto part = made<Transform>(order, order.block());
  const std::string name = order.name;
  return {name,
          part,
          {"x"},
          [part, name, width = order.words.width](const Tensors& in, const Pass&) -> Tensors {
            const at::Tensor& x = checked_x(in, name, width);
            const int64_t padding = part->padded_width(width) - width;
            if (padding > 0) return {{"y", part->forward(at::constant_pad_nd(x, {0, padding}))}};
            return {{"y", part->forward(x)}, {"inverse", part->inverse(x)}};
          },
          [part, name](int64_t length) { return cost_of(name, *part, part->flops(length)); }};
}

LonePart lone_dilation(const Order& order) {
  const auto part = made<Dilation>(order, order.block());
  const std::string name = order.name;
  return {name,
          part,
          {"x"},
          [part, name, words = order.words](const Tensors& in, const Pass& pass) -> Tensors {
            const at::Tensor& x = checked_x(in, name, words.width);
            std::vector<at::Tensor> past;
            LayerState* memory = pass.memory();
            for (int64_t level = 0; level < words.levels; ++level) {
              RowBuffer* inputs = memory ? &memory->rows(std::to_string(level), part->reach(level)) : nullptr;
              past.push_back(part->past(x, level, inputs));
            }
            return {{"y", at::stack(past)}};
          },
          [part, name](int64_t) { return cost_of(name, *part, 0); }};  // counted with the lifting it serves
}

LonePart lone_lifting(const Order& order) {
  const auto dilation = std::make_shared<Slot<Dilation>>(bind_part<Dilation>(
      order.registry, config::parse_yaml(order.words.dilation, "--dilation"), order.block()));
  LiftingContext context;
  static_cast<BlockContext&>(context) = order.block();
  context.dilation = dilation.get();
  const auto part = made<Lifting>(order, context);
  const std::string name = order.name;
  return {name,
          part,
          {"x", "z"},
          [part, dilation, name, width = order.words.width](const Tensors& in, const Pass& pass) -> Tensors {
            Tensors out;
            at::Tensor z = optional_input(in, "z");
            if (!z.defined()) out["z"] = z = part->decompose(checked_x(in, name, width), pass.memory());
            out["y"] = part->reconstruct(z);
            return out;
          },
          [part, name](int64_t length) { return cost_of(name, *part, part->flops(length)); }};
}

LonePart lone_bypass(const Order& order) {
  const auto part = made<Bypass>(order, order.block());
  const std::string name = order.name;
  return {name,
          part,
          {"x", "z", "previous"},
          [part, name, width = order.words.width](const Tensors& in, const Pass& pass) -> Tensors {
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

LonePart lone_scale_mixer(const Order& order) {
  const auto part = made<ScaleMixer>(order, order.block());
  const std::string name = order.name;
  return {name,
          part,
          {"x"},
          [part, name, words = order.words](const Tensors& in, const Pass&) -> Tensors {
            const at::Tensor& x = needed_input(in, "x", name);
            expect_shape(name, "x", x, {words.levels + 1, kAny, kAny, words.width});
            return {{"y", part->forward(x)}};
          },
          [part, name](int64_t length) { return cost_of(name, *part, part->flops(length)); }};
}

struct LoneKind {
  const char* kind;
  LonePart (*make)(const Order&);
};

constexpr std::array<LoneKind, 7> kLoneKinds = {{{Mixer::kKind, lone_mixer},
                                                 {ChannelMixer::kKind, lone_channel_mixer},
                                                 {Transform::kKind, lone_transform},
                                                 {Dilation::kKind, lone_dilation},
                                                 {Lifting::kKind, lone_lifting},
                                                 {Bypass::kKind, lone_bypass},
                                                 {ScaleMixer::kKind, lone_scale_mixer}}};

}  // namespace

void LonePartWords::add_to(CLI::App& app) {
  app.add_option(
      "--part", part,
      "one part alone, as KIND:NAME (mixer:softmax_attention); kinds: mixer, channel_mixer, transform, "
      "dilation, lifting, bypass, scale_mixer");
  app.add_option("--set", fields, "a field of the part, key=value; may be repeated")->allow_extra_args(false);
  app.add_option("--width", width, "D, of the part's input")->check(above_zero())->capture_default_str();
  app.add_flag("--causal,!--no-causal", causal, "whether a mixer may see what comes later");
  app.add_option("--levels", levels, "of the wavelet around the part; there is one scale more")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option("--dilation", dilation, "of a lifting: a name, or a map as in a recipe")
      ->capture_default_str();
}

LonePart make_lone_part(const Registry& registry, const LonePartWords& words, Initializer& initializer) {
  const size_t colon = words.part.find(':');
  const std::string kind = words.part.substr(0, colon);
  const std::string name = colon == std::string::npos ? "" : words.part.substr(colon + 1);
  std::vector<std::string> known;
  for (const LoneKind& each : kLoneKinds) {
    if (kind == each.kind && !name.empty()) return each.make({registry, words, name, initializer});
    known.emplace_back(each.kind);
  }
  throw ConfigError("command line",
                    "--part " + words.part + ": must be KIND:NAME, KIND one of " + join(known, ", "),
                    "bad_value");
}

}  // namespace subband
