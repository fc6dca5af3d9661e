#include "experiments/commands/lone_part.h"

#include "core/config/yaml.h"
#include "core/error.h"
#include "core/text.h"

namespace subband {

using config::Node;

static Node lone_spec(const std::string& name, const std::vector<std::string>& fields) {
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

void LonePartWords::add_to(CLI::App& app) {
  app.add_option("--part", part,
                 "one part alone, as KIND:NAME (mixer:softmax_attention); kinds: `subband list lone_form`");
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
  const std::vector<std::string> known = registry.of<LoneForm>().names();
  if (name.empty() || registry.of<LoneForm>().find(kind) == nullptr)
    throw ConfigError("command line", "--part " + words.part + ": must be KIND:NAME, KIND one of " + join(known, ", "),
                      "bad_value");
  return make_part<LoneForm>(registry, Node(kind))
      ->make({registry, name, lone_spec(name, words.fields), words, initializer});
}

}  // namespace subband
