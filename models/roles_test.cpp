// What the roles of parameters decide, over the whole registry.
#include <cmath>
#include <map>

#include "models/bypass.h"
#include "models/dilation.h"
#include "models/lifting.h"
#include "models/net.h"
#include "models/nets/residual_block.h"
#include "models/scale_mixer.h"
#include "models/testing/mixer_cases.h"
#include "models/transform.h"

using namespace subband;

namespace roles_test {

using testing::MixerCase;
using testing::Workshop;
using Weights = std::map<std::string, Parameter>;

constexpr int64_t kLayers = 8;  // residual outputs are divided by sqrt(2 layers) = 4, exactly
constexpr double kDeviation = 0.05;

// Initial weights of the block's mixer, or of its one channel mixer.
Weights first_weights(const ResidualParts& parts, bool causal, const std::string& initialization,
                      const std::string& below) {
  Initializer first(plain_generator(5));
  const ResidualFrame frame{.width = 64,
                            .length = 64,
                            .layers = kLayers,
                            .causal = causal,
                            .initialization = initialization,
                            .deviation = kDeviation,
                            .initializer = &first};
  const ResidualBlock block(parts, frame);
  Weights weights;
  for (const Parameter& each : parameters_of(block))
    if (each.name.starts_with(below)) weights.emplace(each.name.substr(below.size()), each);
  return weights;
}

bool is_bias_of_drawn(const std::string& name, const Weights& weights) {
  if (!name.ends_with(".bias")) return false;
  const auto found = weights.find(name.substr(0, name.size() - 4) + "weight");
  return found != weights.end() && found->second.purpose.is_drawn_by_net();
}

// Checks every parameter under every initialisation; whether a residual output was among them.
bool check_starts(const ResidualParts& parts, bool causal, const std::string& below) {
  const Weights own = first_weights(parts, causal, "parts", below);
  const Weights plain = first_weights(parts, causal, "normal", below);
  const Weights scaled = first_weights(parts, causal, "gpt2", below);
  bool has_output = false;
  for (const auto& [name, parameter] : plain) {
    CAPTURE(name, name_of(parameter.purpose.role));
    const at::Tensor &value = parameter.value, &of_gpt2 = scaled.at(name).value;
    const bool is_drawn = parameter.purpose.is_drawn_by_net();
    const bool is_output = parameter.purpose.role == Role::residual_output && is_drawn;
    has_output |= is_output;
    CHECK(of_gpt2.equal(is_output ? value / 4 : value));  // exactly the residual outputs are scaled
    if (is_drawn) {
      const double n = static_cast<double>(value.numel()), tolerance = 4 / std::sqrt(2 * n);
      CHECK(value.std().item<double>() == Approx(kDeviation).epsilon(tolerance));
      CHECK(of_gpt2.std().item<double>() == Approx(kDeviation / (is_output ? 4 : 1)).epsilon(tolerance));
      CHECK_FALSE(value.equal(own.at(name).value));
    } else if (is_bias_of_drawn(name, plain)) {
      CHECK(value.count_nonzero().item<int64_t>() == 0);
    } else {
      CHECK(value.equal(own.at(name).value));  // the part's own start
    }
  }
  return has_output;
}

// `registry` must outlive the parts.
ResidualParts parts_of(const Registry& registry, const Slot<Mixer>& mixer, const std::string& channel_mixer,
                       bool causal) {
  config::Node written = config::Node::map(), resolved;
  written.set_at("channel_mixers." + channel_mixer, config::Node::map());
  BindSession session{.registry = &registry};
  Binder binder(session, written, resolved);
  ResidualParts parts;
  const ResidualFrame frame{.width = 64, .length = 64, .layers = kLayers, .causal = causal};
  binder.take("mixer");
  binder.parts("channel_mixers", parts.channel_mixers, frame.channel_context(), "");
  session.finish();
  parts.mixer = mixer;
  return parts;
}

TEST_CASE("every projection of a mixer starts as its role says, under every initialisation", "[roles]") {
  const Workshop workshop;
  Registry registry;
  register_models_parts(registry);
  const auto expect_output = [](const std::string& name) { return name != "fnet" && name != "wavelet"; };
  for (const MixerCase& each : testing::mixer_cases()) {
    INFO(each.text());
    const MixerContext context{.width = 64, .length = 64, .causal = each.causal, .layers = kLayers};
    const auto mixer = workshop.slot<Mixer>(each.name, each.fields, context);
    CHECK(check_starts(parts_of(registry, mixer, "mlp", each.causal), each.causal, "mixer.") ==
          expect_output(each.name));
  }
}

TEST_CASE("every projection of a channel mixer starts as its role says, under every initialisation",
          "[roles]") {
  const Workshop workshop;
  Registry registry;
  register_models_parts(registry);
  const auto mixer = workshop.slot<Mixer>("fnet", {}, {.width = 64, .length = 64, .causal = false});
  for (const std::string& name : registry.of<ChannelMixer>().names()) {
    INFO(name);
    CHECK(check_starts(parts_of(registry, mixer, name, false), false, "channel_mixers." + name + ".") ==
          !name.ends_with("_memory"));  // a memory's values write into the stream, and start as it says
  }
}

TEST_CASE("what a part declares its own starts as the part says", "[roles]") {
  const Workshop workshop;
  Registry registry;
  register_models_parts(registry);
  const auto wavelet = workshop.slot<Mixer>("wavelet", {}, {.width = 64, .length = 64});
  for (const auto& [name, parameter] :
       first_weights(parts_of(registry, wavelet, "mlp", true), true, "gpt2", "mixer."))
    CHECK_FALSE(parameter.purpose.is_drawn_by_net());
}

void check_listing(const Module& part) {
  const std::vector<Parameter> listed = parameters_of(part);
  const std::vector<at::Tensor> parameters = part.parameters();
  REQUIRE(listed.size() == parameters.size());
  for (size_t i = 0; i < listed.size(); ++i) CHECK(listed[i].value.is_same(parameters[i]));
}

// Every parameter of every registered part of a kind says what it is for.
template <class Interface>
void check_purposes(const Workshop& workshop, const typename Interface::Context& context) {
  Registry registry;
  register_models_parts(registry);
  for (const std::string& name : registry.of<Interface>().names()) {
    CAPTURE(Interface::kKind, name);
    const auto part = workshop.make<Interface>(name, {}, context);
    check_listing(*part);
  }
}

TEST_CASE("every parameter of every part says what it is for", "[roles]") {
  const Workshop workshop;
  const Slot<Dilation> dilation = workshop.slot<Dilation>("crawl", {}, {});
  LiftingContext lifting;
  lifting.dilation = &dilation;
  check_purposes<ChannelMixer>(workshop, {});
  check_purposes<Dilation>(workshop, {});
  check_purposes<Lifting>(workshop, lifting);
  check_purposes<Transform>(workshop, {});
  check_purposes<Bypass>(workshop, {});
  check_purposes<ScaleMixer>(workshop, {});
  for (const MixerCase& each : testing::mixer_cases())
    check_listing(*each.made(Initializer(plain_generator(1))));
  for (const char* net : {"decoder_lm", "wavelet_lm", "multinodal"}) {
    check_listing(*workshop.make<Net>(net, {}, {}));
  }
  const auto classifier =
      workshop.make<Net>("classifier", {{"pooling", config::Node("cls")}, {"input", config::Node("bytes")}},
                         {.classes = 3, .may_look_ahead = true});
  check_listing(*classifier);
}

}  // namespace roles_test
