// YAML out: what is written reads back as the same values, here and in other readers, whatever it holds.
#include <fstream>
#include <limits>
#include <random>

#include "core/config/interpolation.h"
#include "core/config/yaml.h"
#include "core/error.h"
#include "core/files.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "core/testing/process.h"
#include "core/text.h"

namespace write_test {

using namespace subband;
using config::Node;
using config::parse_yaml;

static std::string nasty_text(std::mt19937_64& random) {
  static const std::vector<std::string> kPieces = {"a",
                                                   "Z",
                                                   "0",
                                                   "1",
                                                   "9",
                                                   " ",
                                                   ":",
                                                   ": ",
                                                   " #",
                                                   "#",
                                                   "-",
                                                   "- ",
                                                   "?",
                                                   "? ",
                                                   "'",
                                                   "\"",
                                                   "\\",
                                                   "\n",
                                                   "\t",
                                                   "\r",
                                                   "[",
                                                   "]",
                                                   "{",
                                                   "}",
                                                   ",",
                                                   "&",
                                                   "*",
                                                   "!",
                                                   "|",
                                                   ">",
                                                   "%",
                                                   "@",
                                                   "`",
                                                   "=",
                                                   "~",
                                                   ".",
                                                   "e",
                                                   "_",
                                                   "x",
                                                   "null",
                                                   "true",
                                                   "no",
                                                   "<<",
                                                   "${a}",
                                                   "é",
                                                   "漢",
                                                   "😀",
                                                   "\xC2\x85",
                                                   "\xE2\x80\xA8",
                                                   "\xEF\xBB\xBF",
                                                   "\x01",
                                                   "\x7F",
                                                   "---",
                                                   "...",
                                                   "0x",
                                                   "inf",
                                                   ".nan",
                                                   "1e3",
                                                   "2020-01-01",
                                                   "\xC2\xAD",
                                                   "\xEE\x80\x80",
                                                   "\xEF\xBF\xBF",
                                                   "\\${x}",
                                                   "1e-05",
                                                   "1_0",
                                                   "?",
                                                   "\x1B"};
  std::string text;
  for (size_t length = random() % 6; length > 0; --length) text += kPieces[random() % kPieces.size()];
  return text;
}

static Node random_node(std::mt19937_64& random, int depth) {
  switch (random() % (depth > 3 ? 5 : 7)) {
    case 0:
      return Node();
    case 1:
      return Node(random() % 2 == 0);
    case 2:
      return Node(static_cast<int64_t>(random()) >> (random() % 64));
    case 3: {
      constexpr double kOdd[] = {0.0,
                                 -0.0,
                                 1.0,
                                 1e-5,
                                 1e16,
                                 1e300,
                                 5e-324,
                                 std::numeric_limits<double>::infinity(),
                                 -std::numeric_limits<double>::infinity(),
                                 0.1};
      return Node(random() % 2 ? kOdd[random() % std::size(kOdd)]
                               : static_cast<double>(random()) / 1e17 - 50);
    }
    case 4:
      return Node(nasty_text(random));
    case 5: {
      Node list = Node::list();
      for (size_t n = random() % 4; n > 0; --n) list.items().push_back(random_node(random, depth + 1));
      return list;
    }
    default: {
      Node map = Node::map();
      for (size_t n = random() % 4; n > 0; --n) map.set(nasty_text(random), random_node(random, depth + 1));
      return map;
    }
  }
}

TEST_CASE("what to_yaml writes is read back as the same tree", "[yaml]") {
  std::mt19937_64 random(20240607);
  for (int i = 0; i < 3000; ++i) {
    const Node tree = random_node(random, 0);
    const std::string text = config::to_yaml(tree);
    INFO(text);
    Node back;
    REQUIRE_NOTHROW(back = parse_yaml(text, "a.yaml"));
    REQUIRE(back == tree);
  }
}

TEST_CASE("to_yaml keeps the types of keys and takes keys of any length", "[yaml]") {
  const Node tree = parse_yaml("1: a\n'1': b\ntrue: c\n'true': d\n1.5: e\n", "a.yaml");
  CHECK(config::to_yaml(tree) == "1: a\n'1': b\ntrue: c\n'true': d\n1.5: e\n");
  Node map = Node::map();
  map.set(std::string(5000, 'k'), Node(int64_t{1}));
  CHECK(parse_yaml(config::to_yaml(map), "a.yaml") == map);
  CHECK(config::to_yaml(Node(1e-5)) == "1.0e-05\n");
}

TEST_CASE("keys that are no finite numbers are written as they were read", "[yaml]") {
  const Node tree = config::parse_yaml(".NAN: 1\n-.inf: 2\n1e-7: 3\n", "a.yaml");
  CHECK(config::to_yaml(tree) == ".nan: 1\n-.inf: 2\n1.0e-07: 3\n");
  CHECK(config::parse_yaml(config::to_yaml(tree), "b.yaml") == tree);
}

// Places as a command line makes them: the whole word, whatever it holds.
static void put_places(Node& node, std::mt19937_64& random) {
  if (random() % 2 == 0)
    node.place = {std::make_shared<const std::string>("override 1 (a=" + nasty_text(random) + ")"), 0, 0};
  if (node.is(Node::Kind::list))
    for (Node& item : node.items()) put_places(item, random);
  if (node.is(Node::Kind::map))
    for (auto& entry : node.entries()) put_places(entry.value, random);
}

TEST_CASE("what is written with places, or with its interpolations escaped, reads back as the same tree",
          "[yaml]") {
  std::mt19937_64 random(15);
  for (int i = 0; i < 2000; ++i) {
    Node tree = Node::map();
    for (size_t n = random() % 5; n > 0; --n) tree.set(nasty_text(random), random_node(random, 0));
    put_places(tree, random);
    const std::string text = config::to_yaml_with_origins(config::literal(tree));
    INFO(text);
    const Node back = parse_yaml(text, "a.yaml");
    CHECK(back == config::literal(tree));
    config::check_interpolations(back);
    REQUIRE(config::Interpolator(back).resolve() == tree);
  }
}

TEST_CASE("every value may say where it came from", "[yaml]") {
  Node node = Node::map();
  Node& width = node.set_at("net.width", Node(int64_t{64}));
  width.place = {std::make_shared<const std::string>("wavelet.yaml"), 5, 10};
  node.set_at("net.block.bypass", Node("running_mean"));
  node.set_at("trainer.rate", Node(0.5));
  node.set_at("trainer.protocols", Node::list({Node("blocks"), Node("sliding")}));
  node.set("text", Node("two\nlines"));
  CHECK(config::to_yaml_with_origins(node) ==
        "net:\n"
        "  width: 64                     # wavelet.yaml:5:10\n"
        "  block:\n"
        "    bypass: running_mean        # default\n"
        "trainer:\n"
        "  rate: 0.5                     # default\n"
        "  protocols: [blocks, sliding]  # default\n"
        "text: \"two\\nlines\"              # default\n");
}

TEST_CASE("words that YAML would take for something else are quoted", "[yaml]") {
  Node node = Node::map();
  node.set("a", Node("yes"));
  node.set("b", Node("1.5"));
  node.set("c", Node("two words: #1"));
  node.set("d", Node(""));
  node.set("on", Node(1e-5));
  node.set("e", Node::map());
  node.set("f", Node());
  node.set("g", Node("del \x7F, \xE2\x80\xA8, \x1B"));
  CHECK(config::to_yaml_with_origins(node) ==
        "a: 'yes'                     # default\n"
        "b: '1.5'                     # default\n"
        "c: 'two words: #1'           # default\n"
        "d: ''                        # default\n"
        "'on': 1.0e-05                # default\n"
        "e: {}                        # default\n"
        "f: null                      # default\n"
        "g: \"del \\x7F, \\u2028, \\x1B\"  # default\n");
}

TEST_CASE("a comment is one line that moves nothing", "[yaml]") {
  CHECK(config::yaml_comment("a.yaml:1:2") == "# a.yaml:1:2");
  CHECK(config::yaml_comment("x\ny: 1\r\xE2\x80\xA8 \xC2\x85 \x7F \xFF é") ==
        "# x\\ny: 1\\r\\u2028 \\x85 \\x7F \\xFF é");
  CHECK(config::yaml_comment("@package _global_") == "# \\x40package _global_");
}

TEST_CASE("backslashes before what looks like an interpolation are kept", "[yaml]") {
  for (const char* text : {"${x}", "\\${x}", "\\\\${x}", "a\\b\\", "${", "cost: \\\\\\${x} ${y}"}) {
    Node tree = Node::map();
    tree.set("k", Node(text));
    CHECK(config::Interpolator(config::literal(tree)).resolve() == tree);
  }
  Node tree = Node::map();
  tree.set("k", Node("a\\${x}"));
  CHECK(config::literal(tree).find("k")->string() == "a\\\\\\${x}");
}

// PyYAML, the reader that most of our users' tools have.
TEST_CASE("PyYAML reads what is written as the same values of the same types", "[yaml]") {
  const TestFolder folder;
  std::mt19937_64 random(5);
  std::string cases;
  for (int i = 0; i < 500; ++i) {
    Node tree = random_node(random, 0);
    put_places(tree, random);
    Node each = Node::list({Node(config::to_yaml(tree)), Node(config::to_yaml_with_origins(tree)), tree});
    cases += config::to_json(each) + "\n";
  }
  write_file(folder / "cases", cases);
  write_file(folder / "read.py", R"(
import json, math, sys, yaml
def shown(x):
    if isinstance(x, float) and not math.isfinite(x): return {'inf': '.inf', '-inf': '-.inf', 'nan': '.nan'}[str(x)]
    if isinstance(x, list): return [shown(i) for i in x]
    if isinstance(x, dict): return {k: shown(v) for k, v in x.items()}
    return x
def same(a, b):
    if type(a) is not type(b): return False
    if isinstance(a, list): return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict): return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    return a == b
for line in open(sys.argv[1], encoding='utf-8', newline='\n'):
    *texts, tree = json.loads(line)
    for text in texts:
        read = shown(yaml.safe_load(text))
        if not same(read, tree): sys.exit(f'{text!r}: {read!r} is not {tree!r}')
)");
  const auto run = [&](std::vector<std::string> words) {
    return testing::Process::of(words, {.out = folder / "out", .err = folder / "err"}).wait();
  };
  if (run({"python3", "-c", "import yaml"}) != 0) {
    WARN("skipped: PyYAML is not installed");
    return;
  }
  const int code = run({"python3", (folder / "read.py").string(), (folder / "cases").string()});
  INFO(read_file(folder / "err"));
  CHECK(code == 0);
}

}  // namespace write_test
