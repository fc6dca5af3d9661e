#include "core/config/interpolation.h"

#include "core/config/yaml.h"
#include "core/error.h"
#include "core/testing/catch.h"

namespace interpolation_test {

using namespace subband;
using config::Node;

static Node resolved(const std::string& text) {
  const Node tree = config::parse_yaml(text, "a.yaml");
  config::check_interpolations(tree);
  return config::Interpolator(tree).resolve();
}

static std::string value(const std::string& text, const std::string& path = "z") {
  return config::to_json(*resolved(text).at(path));
}

static std::string complaint(const std::string& text) {
  try {
    resolved(text);
  } catch (const ConfigError& error) {
    return error.first().kind + " " + error.what();
  }
  return "none";
}

TEST_CASE("one interpolation alone takes the value with its type, text around it makes text",
          "[interpolation]") {
  CHECK(value("i: 3\nz: ${i}\n") == "3");
  CHECK(value("i: 3\nz: x${i}\n") == "\"x3\"");
  CHECK(value("m: {a: [1, {b: 2}]}\nz: ${m}\n") == "{\"a\": [1, {\"b\": 2}]}");
  CHECK(value("a: [true, null, .inf, 1e-5, [x]]\nz: '${a[0]} ${a.1} ${a[2]} ${a.3} ${a[4]}'\n") ==
        "\"true null .inf 1e-05 [x]\"");
}

TEST_CASE("dots climb from the container, brackets are dots, and the inner interpolation comes first",
          "[interpolation]") {
  CHECK(value("a: {b: {c: '${..d}', e: '${.c}'}, d: 7}\n", "a.b.e") == "7");
  CHECK(value("l: [5, {k: 6}]\nz: ${l[1][k]}\n") == "6");
  CHECK(value("m: {x: {y: 8}}\ns: x\nz: ${m[${s}].y}\n") == "8");
  CHECK(value("l: [5, 6]\nk: 1\nz: ${l.${k}}\n") == "6");
  CHECK(value("a: ${b}\nb: {c: '${d}'}\nd: 4\nz: ${a.c}\n") == "4");
}

TEST_CASE("what a nested interpolation gives may be a path itself", "[interpolation]") {
  CHECK(value("k: m.a\nm: {a: 1}\nz: ${${k}}\n") == "1");
  CHECK(value("k: a.b\nm: {a: {b: 2}}\nz: '${m.${k}}'\n") == "2");
  CHECK(value("k: 'l[1]'\nl: [1, 3]\nz: '${${k}}'\n") == "3");
  CHECK(value("o: {k: '.m', m: 4, z: '${${.k}}'}\n", "o.z") == "4");
}

TEST_CASE("a resolver's list may leave items empty, as its arguments may be", "[interpolation]") {
  CHECK(value("z: '${oc.create:[1,,[2,]]}'\n") == "[1, \"\", [2, \"\"]]");
  CHECK(value("z: '${oc.create:[ ]}'\n") == "[]");
}

TEST_CASE("a backslash keeps an interpolation as text", "[interpolation]") {
  CHECK(value("x: 1\nz: \\${x}\n") == "\"${x}\"");
  CHECK(value("x: 1\nz: \\\\${x}\n") == "\"\\\\1\"");
  CHECK(value("x: 1\nz: a\\b$\n") == "\"a\\\\b$\"");
}

TEST_CASE("resolvers read the environment, the tree and text", "[interpolation]") {
  setenv("SUBBAND_TEST_SET", "17", 1);
  unsetenv("SUBBAND_TEST_UNSET");
  CHECK(value("z: ${oc.env:SUBBAND_TEST_SET}\n") == "\"17\"");
  CHECK(value("z: ${oc.decode:${oc.env:SUBBAND_TEST_SET}}\n") == "17");
  CHECK(value("z: '${oc.env:SUBBAND_TEST_UNSET,a b}'\n") == "\"a b\"");
  CHECK(value("m: ???\nz: '${oc.select:m,[1, x]}'\n") == "[1, \"x\"]");
  CHECK(value("m: {a: 1, b: '${.a}'}\nz: ${oc.dict.values:m}\n") == "[1, 1]");
  CHECK(value("k: '${oc.create:{a: {b: 5}}}'\nz: ${k.a.b}\n") == "5");
  CHECK(value("q: 5\nz: ${oc.deprecated:q}\n") == "5");
  CHECK(value("z: '${now:%Y}'\n").size() == 6);
}

TEST_CASE("cycles, missing values and absent paths are told apart and named", "[interpolation]") {
  CHECK(complaint("a: ${b}\nb: ${c}\nc: ${a}\n") ==
        "cycle a.yaml:1:4: a = ${b}: a cycle of interpolations: ${b} -> ${c} -> ${a} -> ${b}");
  CHECK(complaint("a: {b: '${a}'}\n") ==
        "cycle a.yaml:1:8: a.b = ${a}: a cycle of interpolations: 'a' holds this value");
  CHECK(complaint("z: ${hedas}\nheads: 1\n") ==
        "interpolation a.yaml:1:4: z = ${hedas}: no key 'hedas' in the root; did you mean 'heads'? known: "
        "heads, z");
  CHECK(complaint("z: ${m.x}\nm: ???\n") ==
        "missing_value a.yaml:1:4: z = ${m.x}: 'm' is ???: it must be given a value");
  CHECK(complaint("z: ${l.9}\nl: [1]\n") ==
        "interpolation a.yaml:1:4: z = ${l.9}: no item 9 in 'l', which has 1");
  CHECK(complaint("z: ${m.x}\nm: 5\n") ==
        "interpolation a.yaml:1:4: z = ${m.x}: 'm' is 5, which holds no 'x'");
  CHECK(complaint("z: ${...x}\n") == "interpolation a.yaml:1:4: z = ${...x}: 3 dots lead above the root");
  CHECK(complaint("z: ${oc.evn:A}\n") ==
        "interpolation a.yaml:1:4: z = ${oc.evn:A}: unknown resolver 'oc.evn'; did you mean 'oc.env'? known: "
        "now, oc.create, "
        "oc.decode, oc.deprecated, oc.dict.keys, oc.dict.values, oc.env, oc.select");
  CHECK(complaint("z: ${oc.create:%}\n") ==
        "interpolation a.yaml:1:4: z = ${oc.create:%}: oc.create:1:1: '%' cannot start a line: quote it");
  CHECK(complaint("z: ${oc.env:SUBBAND_TEST_UNSET}\n") ==
        "interpolation a.yaml:1:4: z = ${oc.env:SUBBAND_TEST_UNSET}: oc.env: the environment has no variable "
        "'SUBBAND_TEST_UNSET'");
}

TEST_CASE("an unknown resolver is named, not the map around it that is its argument", "[interpolation]") {
  CHECK_THAT(complaint("m: {v: '${foo:${oc.select:m}}'}\n"),
             Catch::ContainsSubstring("m.v = ${foo:${oc.select:m}}: unknown resolver 'foo'"));
  CHECK(complaint("m: ${foo:${m}}\n") ==
        "cycle a.yaml:1:4: m = ${foo:${m}}: a cycle of interpolations: ${foo:${m}} -> ${foo:${m}}");
}

TEST_CASE("a resolver's name may have a hyphen", "[interpolation]") {
  CHECK_THAT(complaint("z: '${oc.en-v:HOME}'\n"),
             Catch::ContainsSubstring("unknown resolver 'oc.en-v'; did you mean 'oc.env'?"));
}

TEST_CASE("malformed interpolations are refused before anything is looked up", "[interpolation]") {
  CHECK(complaint("z: '${a.b'\n") == "syntax a.yaml:1:4: '${' has no end: expected '}' in '${a.b'");
  CHECK(complaint("z: '${}'\n") ==
        "syntax a.yaml:1:4: a name is missing or holds a character that it cannot in '${}'");
  CHECK(complaint("z: '${c d}'\n") == "syntax a.yaml:1:4: unexpected 'd' in '${c d}'");
  CHECK(complaint("z: '${a]}'\n") == "syntax a.yaml:1:4: unexpected ']' in '${a]}'");
  CHECK(complaint("z: '" + std::string(1000, '$') + "'\n") == "none");
  std::string deep;
  for (int i = 0; i < 10'000; ++i) deep += "${";
  CHECK_THAT(complaint("z: '" + deep + "'\n"),
             Catch::ContainsSubstring("interpolations lead on and nest more than 500 levels deep"));
}

TEST_CASE("a default that was taken leaves no trace of what was looked at", "[interpolation]") {
  CHECK(complaint("a: ${oc.select:b.x,1}\nb: ${c}\nc: ???\n") ==
        "missing_value a.yaml:2:4: b = ${c}: 'c' is ???: it must be given a value");
}

TEST_CASE("interpolations that double at every step are refused", "[interpolation]") {
  std::string text = "a0: [1, 1, 1, 1]\n";
  for (int i = 1; i < 40; ++i) {
    const std::string before = "'${a" + std::to_string(i - 1) + "}'";
    text += "a" + std::to_string(i) + ": [" + before + ", " + before + "]\n";
  }
  CHECK_THAT(complaint(text),
             Catch::ContainsSubstring("the interpolations expand to more than 200,000 values"));
}

}  // namespace interpolation_test
