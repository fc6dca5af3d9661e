#include "experiments/commands/lone_part.h"

#include "core/config/yaml.h"
#include "core/error.h"
#include "core/slot.h"
#include "models/channel_mixer.h"
#include "models/mixer.h"

namespace subband {

using config::Node;

static Node spec_of(const std::string& name, const std::vector<std::string>& fields) {
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
static std::shared_ptr<Interface> bound_and_made(const Registry& registry, const std::string& name,
                                                 const LonePartWords& words,
                                                 const typename Interface::Context& context) {
  Node root = Node::map(), resolved;
  root.set(name, spec_of(name, words.fields));
  BindSession session{.registry = &registry};
  Binder binder(session, root, resolved);
  Slot<Interface> slot;
  slot.bind(binder, name, context, "");
  session.finish();
  return slot.make(context);
}

static at::Tensor mixed(Mixer& mixer, const std::string& name, const PartInput& input) {
  if (!input.memory_BMD.defined()) return mixer.forward(input.x_BLD, input.keep_BL);
  if (!mixer.carries_memory()) throw ShapeError(name, "memory: this mixer has none");
  if (input.keep_BL.defined()) throw ShapeError(name, "keep: cannot stand beside memory");
  MixerState state{.position = input.memory_BMD.size(1), .tensors = {{"memory", input.memory_BMD}}};
  return mixer.extend(input.x_BLD, state);
}

void LonePartWords::add_to(CLI::App& app) {
  app.add_option("--part", part, "one part alone, as KIND:NAME (mixer:softmax_attention)");
  app.add_option("--set", fields, "a field of the part, key=value; may be repeated")->allow_extra_args(false);
  app.add_option("--width", width, "D, of the part's input")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_flag("--causal,!--no-causal", causal, "whether the part may see what comes later");
}

LonePart make_lone_part(const Registry& registry, const LonePartWords& words, Initializer& initializer) {
  const size_t colon = words.part.find(':');
  const std::string kind = words.part.substr(0, colon);
  const std::string name = colon == std::string::npos ? "" : words.part.substr(colon + 1);
  if (kind == Mixer::kKind && !name.empty()) {
    const auto mixer = bound_and_made<Mixer>(
        registry, name, words,
        {.width = words.width, .length = words.length, .causal = words.causal, .initializer = &initializer});
    return {name, mixer, [mixer, name](const PartInput& input) { return mixed(*mixer, name, input); },
            [mixer, name](int64_t length) {
              PartCosts costs;
              costs.add(name, *mixer, mixer->flops(length), mixer->state_bytes(length, 4));
              return costs;
            }};
  }
  if (kind == ChannelMixer::kKind && !name.empty()) {
    const auto mixer = bound_and_made<ChannelMixer>(
        registry, name, words,
        {.width = words.width, .padded_width = words.width, .initializer = &initializer});
    return {name, mixer, [mixer](const PartInput& input) { return mixer->forward(input.x_BLD); },
            [mixer, name](int64_t length) {
              PartCosts costs;
              costs.add(name, *mixer, mixer->flops(length));
              return costs;
            }};
  }
  throw ConfigError("command line", "--part " + words.part + ": must be mixer:NAME or channel_mixer:NAME",
                    "bad_value");
}

}  // namespace subband
