#include "core/config/identity.h"

#include "core/registry.h"
#include "core/slot.h"
#include "core/testing/catch.h"

namespace spec_identity_test {
using namespace subband;
using config::Node;

struct Voice {
  static constexpr const char* kKind = "voice";
  struct Context {};
};
struct Plain {
  void bind(Binder&) {}
};
struct Loud {
  int64_t decibels = 60;
  std::string tone = "low";
  void bind(Binder& b) {
    b.field("decibels", decibels, {0, 200}, "how loud");
    b.choice("tone", tone, {"low", "high"}, "came later").since("low");
  }
};
struct Spoken final : Voice {
  template <class Config>
  Spoken(const Config&, const Voice::Context&) {}
};

static Registry voices(int plain_version) {
  Registry registry;
  registry.of<Voice>().add<Spoken, Plain>({.name = "plain", .version = plain_version});
  registry.of<Voice>().add<Spoken, Loud>({.name = "loud"});
  return registry;
}

struct Switches {
  std::string path = "auto";
  void bind(Binder& b) { b.choice("path", path, {"auto", "slow"}, "by force").since("auto"); }
};

// The first program knew `words` and `voice`; the others came one by one.
struct Spec {
  int64_t words = 3;
  bool echo = false;
  int64_t pause = 5;
  Slot<Voice> voice{"loud"}, answer{"plain"};
  Switches switches;
  void bind(Binder& b) {
    b.field("words", words, {0, 100}, "how many");
    b.part("voice", voice, Voice::Context{}, "who speaks");
    b.field("echo", echo, "came later").since(false);
    b.field("pause", pause, {0, 9}, "came later as 2; since then its default has changed").since(int64_t{2});
    b.part("answer", answer, Voice::Context{}, "came later").since("plain");
    b.group("switches", switches, "came later").since(Node::map());
  }
};

static HashedSpec hashed(std::initializer_list<std::pair<const char*, Node>> written, int plain_version = 1) {
  const Registry registry = voices(plain_version);
  Node spec = Node::map(), resolved;
  for (const auto& [path, value] : written) spec.set_at(path, value);
  BindSession session{.registry = &registry};
  Binder binder(session, spec, resolved);
  Spec bound;
  bound.bind(binder);
  binder.finish_keys();
  session.finish();
  return hashed_spec(resolved, session);
}

static std::string text(const HashedSpec& spec) {
  std::string all = config::to_json(spec.values, true);
  for (const auto& [part, version] : spec.parts) all += " " + part + " " + std::to_string(version);
  return all;
}

TEST_CASE("a field that came later is hashed where it is not as it came", "[spec_identity]") {
  const std::string first = R"("voice": {"decibels": 60, "type": "loud"}, "words": 3} voice:loud 1)";
  CHECK(text(hashed({{"pause", Node(int64_t{2})}})) == "{" + first);
  CHECK(text(hashed({})) == "{\"pause\": 5, " + first);  // today's default is not the one it came with
  CHECK(text(hashed({{"pause", Node(int64_t{2})}, {"echo", Node(true)}})) == "{\"echo\": true, " + first);
  CHECK(text(hashed({{"pause", Node(int64_t{2})}, {"switches.path", Node("slow")}})) ==
        "{\"switches\": {\"path\": \"slow\"}, " + first);
}

TEST_CASE("a part's own later field is left out inside its slot", "[spec_identity]") {
  CHECK(hashed({{"voice.tone", Node("low")}}).values.at("voice.tone") == nullptr);
  CHECK(hashed({{"voice.tone", Node("high")}}).values.at("voice.tone")->string() == "high");
}

TEST_CASE(
    "a slot that came later is left out with its part, until the part's version rises or another is chosen",
    "[spec_identity]") {
  using Parts = std::map<std::string, int>;
  CHECK(hashed({}).values.find("answer") == nullptr);
  CHECK(hashed({}).parts == Parts{{"voice:loud", 1}});
  CHECK(hashed({}, 2).parts == Parts{{"voice:loud", 1}, {"voice:plain", 2}});
  CHECK(hashed({{"answer", Node("loud")}}).values.at("answer.type")->string() == "loud");
  // Used elsewhere too, it counts.
  CHECK(hashed({{"voice", Node("plain")}}).parts == Parts{{"voice:plain", 1}});
}

TEST_CASE("a later field of an item of a list is found", "[spec_identity]") {
  Node item = Node::map();
  item.set("tone", Node("low"));
  item.set("words", Node(int64_t{1}));
  Node resolved = Node::map();
  resolved.set("blocks", Node::list({item}));
  const BindSession session{.later_fields = {{"blocks.0.tone", Node("low")}, {"blocks.7.tone", Node("low")}}};
  CHECK(config::to_json(hashed_spec(resolved, session).values) == R"({"blocks": [{"words": 1}]})");
}

}  // namespace spec_identity_test
