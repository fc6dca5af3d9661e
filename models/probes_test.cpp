// Declared versions identify runs; probes guard them: what every part computes, in fp64 on the reference paths, is what
// was stored when its version was set.
#include <torch/torch.h>

#include <set>

#include "core/files.h"
#include "core/testing/catch.h"
#include "core/testing/probe_book.h"
#include "models/testing/mixer_cases.h"
#include "models/testing/probe_part.h"

namespace models_probes_test {
using namespace subband;
using config::Node;
using testing::integer;
using testing::ProbeBook;
using testing::Settings;

static Node word(const char* text) { return Node(text); }
static Node yes() { return Node(true); }

struct Case {
  std::string part;
  Settings fields = {};

  std::string text() const {
    std::string all;
    for (const auto& [key, value] : fields)
      all += (all.empty() ? "" : ", ") + key + "=" + config::brief(value);
    return all.empty() ? "defaults" : all;
  }
};

static const Settings kSmallMemory = {{"keys", integer(25)}, {"top_k", integer(3)}};
static const Settings kSmallWavelet = {{"width", integer(8)},
                                       {"block.levels", integer(2)},
                                       {"block.channel_mixers.mlp.expansion", integer(2)},
                                       {"block.channel_mixers.product_key_memory.keys", integer(25)},
                                       {"block.channel_mixers.product_key_memory.top_k", integer(3)}};

static Settings with(Settings base, const Settings& more) {
  base.insert(base.end(), more.begin(), more.end());
  return base;
}

// What defaults leave off, and what is too large by default.
static const std::vector<Case> kChannelMixers = {{"product_key_memory", kSmallMemory},
                                                 {"fast_weight_memory", kSmallMemory},
                                                 {"mlp", {{"activation", word("relu")}}}};
static const std::vector<Case> kScaleMixers = {{"gated", {{"low_rank", integer(2)}, {"routing", yes()}}},
                                               {"gated", {{"gate", word("none")}}}};
static const std::vector<Case> kNets = {
    {"wavelet_lm", kSmallWavelet},
    {"wavelet_lm", with(kSmallWavelet, {{"block.dilation", word("crawl")},
                                        {"block.bypass", word("running_mean")},
                                        {"block.per_layer_embedding", yes()},
                                        {"share_lifting", yes()}})},
    {"multinodal",
     {{"width", integer(8)},
      {"cell.block.levels", integer(2)},
      {"cell.block.channel_mixers.mlp.expansion", integer(2)},
      {"gating", yes()}}},
    {"decoder_lm", {{"width", integer(8)}}},
    {"decoder_lm",
     {{"width", integer(8)}, {"norm", word("rms")}, {"positions", word("sinusoidal")}, {"tied", yes()}}},
    {"classifier", {{"width", integer(8)}}},
    {"classifier", {{"width", integer(8)}, {"pooling", word("cls")}, {"patch", integer(4)}}}};

// The parts of a kind with their defaults, unless they are named, and what is named.
template <class Interface>
std::vector<Case> cases_of(const std::vector<Case>& named) {
  Registry registry;
  register_models_parts(registry);
  std::vector<Case> all = named;
  for (const std::string& name : registry.of<Interface>().names()) {
    const auto is_sized = [&](const Case& each) { return each.part == name && each.fields.size() > 0; };
    const bool is_too_large = name.ends_with("_memory") || std::is_same_v<Interface, Net>;
    if (!is_too_large || std::none_of(named.begin(), named.end(), is_sized)) all.push_back({name});
  }
  return all;
}

class Prober {
 public:
  Prober() : book_(program_root() / "models/probes.json") { register_models_parts(registry_); }
  ~Prober() {
    if (ProbeBook::is_writing()) book_.write();
  }
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

  template <class Interface>
  void check(const Case& each, const typename Interface::Context& context, const at::Tensor& x) {
    const auto make = [&](uint64_t seed) {
      Initializer first(plain_generator(seed));
      typename Interface::Context own = context;
      own.initializer = &first;
      return shop_.slot<Interface>(each.part, each.fields, own).make(own);
    };
    note<Interface>(each.part, each.text(), testing::probe<Interface>(make, x));
  }
  template <class Interface>
  void note(const std::string& part, const std::string& name, const std::vector<double>& values) {
    const std::string full = std::string(Interface::kKind) + ":" + part;
    seen_.insert(full);
    const std::string verdict =
        book_.verdict(full, registry_.of<Interface>().info(part)->version, name, values);
    if (verdict.empty()) return;
    if (ProbeBook::is_writing())
      std::cerr << verdict << "\n";
    else
      FAIL_CHECK(verdict);
  }
  void finish() const {
    for (const std::string& kind : registry_.kinds())
      for (const std::string& name : registry_.find(kind)->names()) CHECK(seen_.contains(kind + ":" + name));
    if (!ProbeBook::is_writing()) CHECK(book_.idle() == std::vector<std::string>{});
  }

 private:
  Registry registry_;
  testing::Workshop shop_;
  ProbeBook book_;
  std::set<std::string> seen_;
};

static BlockContext block() { return {.width = 8, .padded_width = 8, .levels = 2}; }

static void probe_mixers(Prober& prober) {
  for (const testing::MixerCase& each : testing::mixer_cases()) {
    const auto make = [&](uint64_t seed) { return each.made(Initializer(plain_generator(seed))); };
    const std::string name = each.text().substr(each.name.size());
    prober.note<Mixer>(each.name, name.empty() ? "not causal" : name.substr(2),
                       testing::probe<Mixer>(make, testing::probe_input()));
  }
}

static void probe_liftings(Prober& prober) {
  const testing::Workshop shop;
  for (const char* name : {"dyadic", "crawl"}) {
    const auto dilation = shop.slot<Dilation>(name, {}, block());
    LiftingContext context;
    static_cast<BlockContext&>(context) = block();
    context.dilation = &dilation;
    for (const Case& each : cases_of<Lifting>({})) {
      const auto make = [&](uint64_t seed) {
        Initializer first(plain_generator(seed));
        LiftingContext own = context;
        own.initializer = &first;
        return shop.slot<Lifting>(each.part, each.fields, own).make(own);
      };
      prober.note<Lifting>(each.part, name, testing::probe<Lifting>(make, testing::probe_input()));
    }
  }
}

TEST_CASE("what every part computes is what was stored when its version was set", "[probes]") {
  Prober prober;
  probe_mixers(prober);
  probe_liftings(prober);
  for (const Case& each : cases_of<ChannelMixer>(kChannelMixers))
    prober.check<ChannelMixer>(each, block(), testing::probe_input());
  for (const Case& each : cases_of<Transform>({}))
    prober.check<Transform>(each, block(), testing::probe_input());
  for (const Case& each : cases_of<Dilation>({}))
    prober.check<Dilation>(each, block(), testing::probe_input());
  for (const Case& each : cases_of<Bypass>({})) prober.check<Bypass>(each, block(), testing::probe_input());
  for (const Case& each : cases_of<ScaleMixer>(kScaleMixers))
    prober.check<ScaleMixer>(each, block(), testing::probe_coefficients());
  for (const Case& each : cases_of<Net>(kNets)) {
    const bool is_classifier = each.part == "classifier";
    prober.check<Net>(
        each,
        {.vocabulary = 11, .length = 12, .classes = is_classifier ? 3 : 0, .may_look_ahead = is_classifier},
        testing::probe_ids());
  }
  prober.finish();
}

TEST_CASE("a book of probes tells what moved and what to do", "[probes]") {
  const auto file = std::filesystem::temp_directory_path() / ("subband_probes_" + std::to_string(::getpid()));
  {
    ProbeBook book(file);
    CHECK(book.verdict("mixer:wave", 1, "causal", {1, 2}) == "mixer:wave: no probe is stored; make probes");
    book.verdict("mixer:flat", 2, "causal", {3});
    book.write();
  }
  ProbeBook book(file);
  std::filesystem::remove(file);
  CHECK(book.verdict("mixer:wave", 1, "causal", {1, 2 + 1e-9}).empty());
  CHECK(book.verdict("mixer:wave", 1, "causal", {1, 2.0001}) ==
        "mixer:wave, causal: arithmetic moved and version 1 did not: raise it in the part's add_to, then "
        "make probes; "
        "found [1.0,2.0001], stored [1.0,2.0]");
  CHECK(book.verdict("mixer:wave", 2, "causal", {1, 3}) ==
        "mixer:wave: has version 2, its probes are of version 1; make probes");
  CHECK(book.verdict("mixer:wave", 1, "not causal", {1}) ==
        "mixer:wave, not causal: no probe is stored; make probes");
  CHECK(book.idle() == std::vector<std::string>{"mixer:flat, causal"});
}

}  // namespace models_probes_test
