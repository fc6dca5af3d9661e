#include "core/config/binder.h"

#include "core/slot.h"
#include "core/testing/catch.h"

using namespace subband;
using config::Node;

namespace binder_test {

Node text(const char* value, int line, int column) {
  Node node(value);
  node.place = {std::make_shared<const std::string>("recipe.yaml"), line, column};
  return node;
}

template <class T>
Node at(T value, int line, int column) {
  Node node(value);
  node.place = {std::make_shared<const std::string>("recipe.yaml"), line, column};
  return node;
}

// A map whose keys carry the places of their values.
Node map(std::vector<std::pair<const char*, Node>> entries) {
  Node node = Node::map();
  for (auto& [key, value] : entries) node.set(key, std::move(value));
  return node;
}

struct Rotation {
  double base = 10000;
  void bind(Binder& b) { b.field("base", base, {0, 1e9, true}, "slowest wavelength"); }
};

struct Attention {
  int64_t heads = 4;
  double dropout = 0;
  std::string gate = "silu";
  std::optional<int64_t> window;
  std::vector<double> widths = {1, 0.5};
  Rotation rotation;
  void bind(Binder& b) {
    b.field("heads", heads, {1, 256}, "H, attention heads; divides the width");
    b.check(64 % heads == 0, "heads", "must divide width = 64");
    b.field("dropout", dropout, {0, 1}, "probability");
    b.choice("gate", gate, {"none", "silu"}, "activation");
    b.field("window", window, {1, 1e9}, "tokens; null: all");
    b.field("widths", widths, {0, 2, true}, "per scale");
    b.group("rotation", rotation, "rotary positions");
    b.cosmetic({"window"});
  }
};

std::string complaints(const Node& node) {
  BindSession session;
  Node resolved;
  Attention config;
  Binder binder(session, node, resolved, "net.mixer");
  config.bind(binder);
  binder.finish_keys();
  try {
    session.finish();
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

struct GreetingContext {
  std::string name = "nobody";
};
class Greeting {
 public:
  static constexpr const char* kKind = "greeting";
  using Context = GreetingContext;
  virtual ~Greeting() = default;
  virtual std::string say() const = 0;
};
struct HelloConfig {
  int64_t times = 1;
  void bind(Binder& b) { b.field("times", times, {1, 9}, "how often"); }
};
class Hello final : public Greeting {
 public:
  Hello(const HelloConfig& config, const GreetingContext& context) : config_(config), name_(context.name) {}
  std::string say() const override { return "hello " + name_ + " x" + std::to_string(config_.times); }

 private:
  HelloConfig config_;
  std::string name_;
};
struct ByeConfig {
  void bind(Binder&) {}
};
class Bye final : public Greeting {
 public:
  Bye(const ByeConfig&, const GreetingContext&) {}
  std::string say() const override { return "bye"; }
};

Registry registry() {
  Registry made;
  made.of<Greeting>().add<Hello, HelloConfig>({.name = "hello", .summary = "greets", .version = 3});
  made.of<Greeting>().add<Bye, ByeConfig>({.name = "bye"});
  return made;
}

}  // namespace binder_test

using namespace binder_test;

TEST_CASE("what is written is bound, what is not keeps its default, and both are resolved", "[binder]") {
  BindSession session;
  Node resolved;
  Attention config;
  const Node node = map({{"heads", at(int64_t{8}, 2, 3)}, {"rotation", map({{"base", at(5.5, 4, 9)}})}});
  Binder binder(session, node, resolved);
  config.bind(binder);
  binder.finish_keys();
  session.finish();
  CHECK(config.heads == 8);
  CHECK(config.rotation.base == 5.5);
  CHECK(
      config::to_json(resolved) ==
      R"({"heads": 8, "dropout": 0.0, "gate": "silu", "window": null, "widths": [1.0, 0.5], "rotation": {"base": 5.5}})");
  CHECK(resolved.find("heads")->place.text() == "recipe.yaml:2:3");
  CHECK(resolved.find("gate")->place.text() == "default");
  CHECK(session.cosmetic_paths == std::vector<std::string>{"window"});
}

TEST_CASE("every mistake of a spec is reported in one go, each with place, value and rule", "[binder]") {
  const Node node = map({{"hedas", at(int64_t{2}, 1, 1)},
                         {"heads", at(int64_t{3}, 2, 3)},
                         {"dropout", at(1.5, 3, 3)},
                         {"gate", text("sliu", 4, 3)},
                         {"window", at(0.5, 5, 3)},
                         {"widths", at(true, 6, 3)},
                         {"rotation", map({{"base", at(int64_t{0}, 7, 9)}})}});
  CHECK(complaints(node) ==
        "recipe.yaml:2:3: net.mixer.heads = 3: must divide width = 64\n"
        "recipe.yaml:3:3: net.mixer.dropout = 1.5: must be 0 to 1\n"
        "recipe.yaml:4:3: net.mixer.gate = sliu: unknown choice; did you mean 'silu'? known: none, silu\n"
        "recipe.yaml:5:3: net.mixer.window = 0.5: expected a whole number\n"
        "recipe.yaml:6:3: net.mixer.widths = true: expected a list\n"
        "recipe.yaml:7:9: net.mixer.rotation.base = 0: must be above 0 and at most 1000000000\n"
        "recipe.yaml:1:1: net.mixer.hedas: unknown key; did you mean 'heads'? known: dropout, gate, heads, "
        "rotation, "
        "widths, window");
}

TEST_CASE("a value out of range leaves a legal struct, so that later rules can be checked", "[binder]") {
  CHECK(complaints(map({{"heads", at(int64_t{0}, 2, 3)}})) ==
        "recipe.yaml:2:3: net.mixer.heads = 0: must be 1 to 256");
}

TEST_CASE(
    "a value that cannot be read breaks no further rules, and a key in the wrong map is shown its place",
    "[binder]") {
  CHECK(complaints(map({{"heads", text("many", 2, 3)}})) ==
        "recipe.yaml:2:3: net.mixer.heads = many: expected a whole number");
  CHECK(complaints(map({{"base", at(2.0, 2, 3)}})) ==
        "recipe.yaml:2:3: net.mixer.base: unknown key; did you mean net.mixer.rotation.base? known: dropout, "
        "gate, "
        "heads, rotation, widths, window");
}

TEST_CASE("a mandatory value that nobody gave is named", "[binder]") {
  CHECK(complaints(map({{"heads", text("???", 2, 3)}})) ==
        "recipe.yaml:2:3: net.mixer.heads = ???: must be given");
}

TEST_CASE("a part slot takes a name or a map, and makes the part with its context", "[slot]") {
  const Registry parts = registry();
  const auto say = [&](const Node& written) {
    BindSession session{.registry = &parts};
    Node resolved;
    Slot<Greeting> slot{"hello"};
    const Node node = map({{"greeting", written}});
    Binder binder(session, node, resolved);
    binder.part("greeting", slot, GreetingContext{}, "what to say");
    session.finish();
    return slot.make({.name = "ada"})->say() + " " + config::to_json(resolved);
  };
  CHECK(say(text("bye", 1, 1)) == R"(bye {"greeting": {"type": "bye"}})");
  CHECK(say(map({{"times", Node(int64_t{2})}})) ==
        R"(hello ada x2 {"greeting": {"type": "hello", "times": 2}})");
}

TEST_CASE("parts that were used are named with their versions", "[slot]") {
  const Registry parts = registry();
  BindSession session{.registry = &parts};
  Node resolved;
  Slot<Greeting> slot{"hello"};
  const Node nothing = Node::map();
  Binder binder(session, nothing, resolved);
  binder.part("greeting", slot, GreetingContext{}, "what to say");
  REQUIRE(session.parts.size() == 1);
  CHECK(session.parts[0].path == "greeting");
  CHECK(session.parts[0].name == "greeting:hello");
  CHECK(session.parts[0].version == 3);
}

TEST_CASE("an unknown part is refused with the nearest one", "[slot]") {
  const Registry parts = registry();
  BindSession session{.registry = &parts};
  Node resolved;
  Slot<Greeting> slot{"hello"};
  const Node node = map({{"greeting", text("helo", 3, 11)}});
  Binder binder(session, node, resolved, "net");
  binder.part("greeting", slot, GreetingContext{}, "what to say");
  CHECK_THROWS_WITH(session.finish(),
                    "recipe.yaml:3:11: net.greeting = helo: unknown greeting 'helo'; did you mean "
                    "'hello'? known: bye, hello");
}

TEST_CASE("parts side by side keep the order of their labels, and a label may differ from its type",
          "[slot]") {
  const Registry parts = registry();
  BindSession session{.registry = &parts};
  Node resolved;
  Slots<Greeting> slots{"hello"};
  const Node node = map({{"greetings", map({{"last", map({{"type", Node("bye")}})}, {"hello", map({})}})}});
  Binder binder(session, node, resolved);
  binder.parts("greetings", slots, GreetingContext{}, "in order");
  session.finish();
  REQUIRE(slots.all().size() == 2);
  CHECK(slots.all()[0].first == "last");
  CHECK(slots.all()[0].second.make({})->say() == "bye");
  CHECK(slots.all()[1].second.make({})->say() == "hello nobody x1");
}

TEST_CASE("a part is registered once", "[registry]") {
  Registry parts = registry();
  CHECK_THROWS_WITH((parts.of<Greeting>().add<Bye, ByeConfig>({.name = "bye"})),
                    "registry: greeting 'bye' is registered twice");
}
