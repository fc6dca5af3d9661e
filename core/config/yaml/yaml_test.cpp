#include "core/config/yaml.h"

#include "core/error.h"
#include "core/files.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"

namespace yaml_test {

using namespace subband;
using config::Entry;
using config::Node;
using config::parse_yaml;
using config::read_yaml;

static std::string complaint(const std::string& text) {
  try {
    parse_yaml(text, "a.yaml");
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "none";
}

static std::string as_json(const std::string& text) { return config::to_json(parse_yaml(text, "a.yaml")); }

TEST_CASE("plain words have the types of YAML 1.2's core schema, and 1_000 is a number", "[yaml]") {
  CHECK(as_json("[0, -3, +4, 1_000, 010, 0x1F, 0o17]") == "[0, -3, 4, 1000, 10, 31, 15]");
  CHECK(as_json("[1., .5, -.5, 1e3, 1E-2, .inf, -.INF, .nan, 1e400]") ==
        "[1.0, 0.5, -0.5, 1000.0, 0.01, \".inf\", \"-.inf\", \".nan\", \".inf\"]");
  CHECK(as_json("[true, False, TRUE, null, ~, Null]") == "[true, false, true, null, null, null]");
  CHECK(as_json("[yes, off, nan, inf, 1__0, 1_, 0xg, 1:30, 2020-01-01, tRuE, None, 1e, '1', \"true\"]") ==
        "[\"yes\", \"off\", \"nan\", \"inf\", \"1__0\", \"1_\", \"0xg\", \"1:30\", \"2020-01-01\", \"tRuE\", "
        "\"None\", "
        "\"1e\", \"1\", \"true\"]");
  CHECK(as_json("") == "null");
}

TEST_CASE("every value and key knows its line and column", "[yaml]") {
  const Node tree = parse_yaml("a: 1\nb:\n  - x\n  - {c: 2}\n", "a.yaml");
  CHECK(tree.find("a")->place.text() == "a.yaml:1:4");
  CHECK(tree.entries()[1].key_place.text() == "a.yaml:2:1");
  CHECK(tree.at("b.0")->place.text() == "a.yaml:3:5");
  CHECK(tree.at("b.1.c")->place.text() == "a.yaml:4:9");
}

TEST_CASE("anchors, aliases and merge keys are read; a map's own keys win over merged ones", "[yaml]") {
  CHECK(as_json("x: &x {a: 1, b: 0}\nz: &z {a: 5, c: 2}\ny:\n  <<: [*x, *z]\n  b: 7\n") ==
        "{\"x\": {\"a\": 1, \"b\": 0}, \"z\": {\"a\": 5, \"c\": 2}, \"y\": {\"a\": 1, \"b\": 7, \"c\": 2}}");
  CHECK(as_json("'<<': 1") == "{\"<<\": 1}");
}

TEST_CASE("keys without values, explicit keys and lists below their key are read", "[yaml]") {
  CHECK(as_json("a:\n- 1\n-\nb :\n'c:d':\n? e\n? f\n: 2\ng: [1, ]\nh: {i, j: 1}\n\"k\" : &x\nl: ~\n") ==
        "{\"a\": [1, null], \"b\": null, \"c:d\": null, \"e\": null, \"f\": 2, \"g\": [1], \"h\": {\"i\": "
        "null, \"j\": 1}, "
        "\"k\": null, \"l\": null}");
}

TEST_CASE("keys keep their type: 1 and '1' are two keys, 1 and 01 are one", "[yaml]") {
  const Node tree = parse_yaml("1: a\n'1': b\ntrue: c\n", "a.yaml");
  REQUIRE(tree.size() == 3);
  CHECK(tree.entries()[0].key_kind == Node::Kind::integer);
  CHECK(tree.entries()[1].key_kind == Node::Kind::string);
  CHECK(tree.entries()[2].key_kind == Node::Kind::boolean);
  CHECK(complaint("1: a\n01: b\n") == "a.yaml:2:1: 01: the key stands twice; first as 1 at line 1");
}

TEST_CASE("keys of a sweep's spec are labels: numbers that are equal stand side by side as they were typed", "[yaml]") {
  const TestFolder folder;
  const auto file = folder / "s.yaml";
  const auto labels = [&](const std::string& text) {
    write_file(file, text);
    std::string all;
    for (const Entry& entry : read_yaml(file).entries()) all += entry.label() + " ";
    return all;
  };
  CHECK(labels("1.10: a\n1.1: b\n010: c\n10: d\n1E234: e\n1e+234: f\n") == "1.10 1.1 010 10 1E234 1e+234 ");
  CHECK(labels("10: a\n010: b\n0010: c\n") == "10 010 0010 ");
  CHECK_THROWS_WITH(labels("1.10: a\n1.1: b\n1.10: c\n"),
                    file.string() + ":3:1: 1.10: the key stands twice; first at line 1");
  CHECK_THROWS_WITH(labels("1.10: a\n1.1: b\n1.1: c\n"),
                    file.string() + ":3:1: 1.1: the key stands twice; first at line 2");
}

TEST_CASE("complaints and labels show words as they were typed", "[yaml]") {
  const Node tree = parse_yaml("a: [1e5, 010, Null, 1.5]\n1.10: b\n1E234: c\n", "a.yaml");
  CHECK(config::brief(*tree.find("a")) == "[1e5, 010, null, 1.5]");
  CHECK(config::brief(*tree.at("a.0")) == "1e5");
  CHECK(config::to_json(*tree.find("a")) == "[100000.0, 10, null, 1.5]");
  CHECK(tree.entries()[1].label() == "1.10");
  CHECK(tree.entries()[2].label() == "1E234");
  CHECK(tree.entries()[1].key == "1.1");
}

TEST_CASE("a tab may stand in quotes, comments and block scalars, and nowhere else", "[yaml]") {
  const Node tree = parse_yaml(
      "# a\tcomment\n"
      "a: 'x\ty' #\tmore\n"
      "b: \"it's\ta \\\"\t\"\n"
      "c: |\n  one\ttwo\n\n  three\t\n"
      "d: [{e: 'it''s\t'}, don't]\n"
      "f:\n  - >-\n    folded\ttext\n  - g: |-\n      h\ti\n",
      "a.yaml");
  CHECK(to_json(tree) ==
        "{\"a\": \"x\\ty\", \"b\": \"it's\\ta \\\"\\t\", \"c\": \"one\\ttwo\\n\\nthree\\t\\n\", "
        "\"d\": [{\"e\": \"it's\\t\"}, \"don't\"], \"f\": [\"folded\\ttext\", {\"g\": \"h\\ti\"}]}");
  const std::string rule =
      ": a tab cannot stand between words or end a line: use spaces, or quote text that holds one";
  const std::pair<const char*, const char*> broken[] = {
      {"a:\t1\n", "1:3"},      {"a: 1\t\n", "1:5"},      {"a: 1\t# b\n", "1:5"},
      {"a: 'b'\t\n", "1:7"},   {"- a\n-\tb\n", "2:2"},   {"a: [1,\t2]\n", "1:7"},
      {"a: x\ty\n", "1:5"},    {"a: |\t\n  b\n", "1:5"}, {"a: |\n  b\nc:\td\n", "3:3"},
      {"a: it's\tb\n", "1:8"}, {"a: *b\t\n", "1:6"}};
  for (const auto& [text, place] : broken) {
    CAPTURE(text);
    CHECK(complaint(text) == "a.yaml:" + std::string(place) + rule);
  }
}

TEST_CASE("line breaks in quotes and folds are PyYAML's", "[yaml]") {
  const std::pair<const char*, const char*> cases[] = {
      {"'a\n\n  b\n  '", "a\\nb "},
      {"'a\n\n  it''s\n  '''", "a\\nit's '"},
      {"\"a\\n\n\"", "a\\n "},
      {">-\n  a\n", "a"},
      {">\n  a\n  b\n\n  c\n   d\n  e\n\n\n  f\n", "a b\\nc\\n d\\ne\\n\\nf\\n"},
      {">\n\n\n", ""},
      {">\n  a\n\n", "a\\n"},
      {">\n  a", "a"},
      {"!!str >\n  a\n  b\n", "a b\\n"},
      {"> # why\n  a\n  b\n", "a b\\n"},
      {">\n  a\n  \\tb\n  c\n", "a \\\\tb c\\n"}};
  for (const auto& [text, value] : cases) {
    CAPTURE(text);
    CHECK(to_json(parse_yaml("k: " + std::string(text), "a.yaml")) ==
          "{\"k\": \"" + std::string(value) + "\"}");
  }
}

TEST_CASE("what yaml-cpp reads as another text than PyYAML is refused", "[yaml]") {
  const std::string breaks = "empty lines cannot stand before a closing quote: write \\n in double quotes";
  const std::string escapes = "the escapes \\N and \\_ are not read: write \\u0085 and \\u00A0";
  const std::string kept = "a folded text cannot keep its last line breaks: write | for >";
  CHECK(complaint("k: 'a\n\n  '\n") == "a.yaml:3:3: " + breaks);
  CHECK(complaint("k: \"\n\n\"\n") == "a.yaml:3:1: " + breaks);
  CHECK(complaint("k: [\"a\\N\"]\n") == "a.yaml:1:7: " + escapes);
  CHECK(complaint("\"\\_\": 1\n") == "a.yaml:1:2: " + escapes);
  CHECK(complaint("k: >+\n  a\n\n") == "a.yaml:1:4: " + kept);
  CHECK(complaint("k: >2+\n  a\n") == "a.yaml:1:4: " + kept);
  CHECK(complaint("k: >-\n  a\n  ") == "a.yaml:3:1: a folded text cannot end in a line of spaces");
  CHECK(complaint("k: ! 1\n") == "a.yaml:1:4: a tag needs a name behind its '!'");
  CHECK(complaint("{k: !}\n") == "a.yaml:1:5: a tag needs a name behind its '!'");
}

TEST_CASE("what PyYAML reads is read, what it refuses is refused, where yaml-cpp differs", "[yaml]") {
  const std::pair<const char*, const char*> read[] = {
      {"k: 1\rz: 2\r", R"({"k": 1, "z": 2})"}, {"&k kk:\n", R"({"kk": null})"},
      {"m: !!str\n", R"({"m": ""})"},          {"'<<': 1\n<<: {a: 1}\n", R"({"a": 1, "<<": 1})"},
      {"k:\n|\n  a\n", R"({"k": "a\n"})"},     {"? k\n: |\n  a\tb\n", R"({"k": "a\tb\n"})"},
      {"'k': 'a\tb'\n", R"({"k": "a\tb"})"}};
  for (const auto& [text, json] : read) {
    CAPTURE(text);
    CHECK(to_json(parse_yaml(text, "a.yaml")) == json);
  }
  CHECK(to_json(parse_yaml("k: >\r\n  a\r\n  b\r\nz: 'a\r\n\r\n b'\r\n", "a.yaml")) ==
        R"({"k": "a b\n", "z": "a\nb"})");
  CHECK(to_json(parse_yaml("o:\n  k: >\n  z: 2\n", "a.yaml")) == R"({"o": {"k": "", "z": 2}})");
  CHECK(complaint("k:\n- &a |\n  b\n- c\n") ==
        "a.yaml:3:3: this belongs to nothing above it: mind the indentation");
  CHECK(complaint("!foo\n") ==
        "a.yaml:1:1: !foo: an unknown tag; known: !!str, !!int, !!float, !!bool, !!null");
  CHECK(complaint("a: &x [*x]\n") == "a.yaml:1:8: this alias stands inside the value that it names");
  CHECK(complaint("a: &x {*x : 1}\n") == "a.yaml:1:8: this alias stands inside the value that it names");
  CHECK(complaint("a: &x {<<: *x}\n") == "a.yaml:1:12: this alias stands inside the value that it names");
  CHECK(complaint("a: &x [\nb: *x\n") ==
        "a.yaml:3:1: a list in brackets needs ',' or ']' here; quote ${...} inside brackets");
  CHECK(complaint("k: [:z]\n") == "a.yaml:1:5: a ':' cannot begin a word inside brackets: quote it");
  CHECK(complaint("k: |#c\n  a\n") == "a.yaml:1:5: a space must stand before the '#' of a comment");
  CHECK(complaint("o:\n  k: &a1\n  'x'\n") ==
        "a.yaml:2:6: the value of 'k' must stand further right than its key");
  CHECK(complaint("k: a\u2028b\n") ==
        "a.yaml:1:5: a line break of Unicode's cannot stand here: quote it as \\u2028");
  CHECK(
      complaint("x: 1\n '\tb'\n") ==
      "a.yaml:2:3: a tab cannot stand between words or end a line: use spaces, or quote text that holds one");
}

TEST_CASE("a broken text is refused with its place", "[yaml]") {
  const std::string deep = "a: " + std::string(250, '[') + std::string(250, ']');
  CHECK(complaint("a:\n\tb: 1\n") == "a.yaml:2:1: a tab cannot indent: use spaces");
  CHECK(complaint("a: 1\nb: 2\na: 3\n") == "a.yaml:3:1: a: the key stands twice; first at line 1");
  CHECK(complaint("a: {b: 1, b: 2}\n") == "a.yaml:1:11: b: the key stands twice; first at line 1");
  CHECK(complaint("a: [1, 2\n") ==
        "a.yaml:2:1: a list in brackets needs ',' or ']' here; quote ${...} inside brackets");
  CHECK(complaint("a: 'b\n") == "a.yaml:1:4: a quote that is not closed");
  CHECK(complaint("a: 'it''s\n") == "a.yaml:1:4: a quote that is not closed");
  CHECK(complaint("a: \"b\\\"\n") == "a.yaml:1:4: a quote that is not closed");
  CHECK(complaint("a: 1\nb:2\n") == "a.yaml:2:1: b:2: expected 'key: value'; a space must follow the colon");
  CHECK(complaint("a: 1\nname:word\n") ==
        "a.yaml:2:1: name:word: expected 'key: value'; a space must follow the colon");
  CHECK(complaint("a: 1\nword\n") ==
        "a.yaml:2:1: word: expected 'key: value'; a space must follow the colon");
  CHECK(complaint("a: 1\n~") == "a.yaml:2:1: ~: expected 'key: value'; a space must follow the colon");
  CHECK(complaint("a: [, 2]\n") == "a.yaml:1:5: an item of a list is missing before ','");
  CHECK(complaint("a: 1\n: 2\n") == "a.yaml:2:1: a key is missing before ':'");
  CHECK(complaint("a:\n[1]\n") == "a.yaml:2:1: the value of 'a' must stand further right than its key");
  CHECK(complaint("a: &'1'\n") ==
        "a.yaml:1:4: &'1': the name of an anchor is made of letters, digits, - and _");
  CHECK(complaint("a: *x\n") == "a.yaml:1:4: this alias names no anchor above it");
  CHECK(complaint("a: &x [*x]\n") == "a.yaml:1:8: this alias stands inside the value that it names");
  CHECK(complaint("a: !!python/tuple [1]\n") ==
        "a.yaml:1:4: !!python/tuple: this tag is not supported for a list");
  CHECK(complaint("a: !!int x\n") == "a.yaml:1:4: !!int x: the tag does not fit the value");
  CHECK(complaint("[1]: 1\n") ==
        "a.yaml:1:1: a key must be one word, not a list; or a bracket before it is not closed");
  CHECK(complaint("Null : 1\n") == "a.yaml:1:1: null cannot be a key; quote it");
  CHECK(complaint("? ~\n: 1\n") == "a.yaml:1:3: null cannot be a key; quote it");
  CHECK(complaint("null: 1\n") == "a.yaml:1:1: null cannot be a key; quote it");
  CHECK(complaint("a: 9223372036854775808\n") ==
        "a.yaml:1:4: 9223372036854775808: needs more than 64 bits; quote it to mean text, or write a number "
        "with a point");
  CHECK(complaint("a: 1\n---\nb: 2\n") == "a.yaml:2:1: a second document starts here: one document a file");
  CHECK(complaint("a: 1\nb: \xC3\x28\n") == "a.yaml:2:4: a byte that is not UTF-8");
  CHECK(complaint("a: @b\n") == "a.yaml:1:4: '@' cannot start a word: quote it");
  CHECK(complaint("<<: 1\n") == "a.yaml:1:5: <<: expected a map or a list of maps");
  CHECK(complaint(deep) == "a.yaml:1:203: more than 200 levels of nesting");
  CHECK(complaint(std::string(size_t{17} << 20, 'a')) == "a.yaml: a file of 17.0 MiB: at most 2 MiB");
  CHECK(complaint(std::string("a: b\0c", 6)) ==
        "a.yaml:1:5: byte 0: a control character cannot stand in a spec");
}

TEST_CASE("aliases that expand to a billion values are refused", "[yaml]") {
  std::string text = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int k = 0; k < 8; ++k) text += ", " + before;
    text += "]\n";
  }
  CHECK_THAT(
      complaint(text),
      Catch::ContainsSubstring("more than 100,000 keys and values, those of anchors and aliases included"));
}

TEST_CASE("10,000 nested levels are refused in every notation without a crash", "[yaml]") {
  CHECK_THAT(complaint("a: " + std::string(10'000, '[') + std::string(10'000, ']')),
             Catch::ContainsSubstring("more than 200 levels"));
  CHECK_THAT(complaint(std::string(10'000, '{')), Catch::ContainsSubstring("a.yaml:1:"));
  std::string dashes;
  for (int i = 0; i < 10'000; ++i) dashes += "- ";
  CHECK_THAT(complaint(dashes), Catch::ContainsSubstring("more than 200 levels"));
}

TEST_CASE("words that YAML 1.1 reads otherwise are warned of", "[yaml]") {
  config::Warnings warnings;
  parse_yaml("a: yes\nb: 010\nc: 1:30\nd: word\n", "a.yaml", &warnings);
  REQUIRE(warnings.size() == 3);
  CHECK(warnings[0] == "a.yaml:1:4: yes: text here, a boolean to readers of YAML 1.1; quote it");
  CHECK(warnings[1] ==
        "a.yaml:2:4: 010: the integer 10 here, an octal number to readers of YAML 1.1; write it without the "
        "zero");
  CHECK(warnings[2] == "a.yaml:3:4: 1:30: text here, a number in base 60 to readers of YAML 1.1; quote it");
}

TEST_CASE("escaped characters of several bytes are read whole", "[yaml]") {
  const Node tree = config::parse_yaml("a: \"x\\u0085\\xA0\\xE9\\u20ac\"\n", "a.yaml");
  CHECK(tree.find("a")->string() == "x\xC2\x85\xC2\xA0\xC3\xA9\xE2\x82\xAC");
  CHECK(config::parse_yaml(config::to_yaml(tree), "b.yaml") == tree);
}

TEST_CASE("no line is lost to a directive", "[yaml]") {
  CHECK(complaint("a: 1\n%b: 2\n") == "a.yaml:2:1: '%' cannot start a line: quote it");
  CHECK(complaint("%YAML 1.2\na: 1\n") == "a.yaml:1:1: '%' cannot start a line: quote it");
  CHECK(as_json("%YAML 1.2\n# why\n---\na: 1\n") == "{\"a\": 1}");
}

TEST_CASE("a key stands on one line", "[yaml]") {
  CHECK(complaint("a: 1\nb\n  line\n") ==
        "a.yaml:2:1: b line: expected 'key: value'; a space must follow the colon");
}

}  // namespace yaml_test
