#include "core/config/override.h"

#include <random>

#include "core/error.h"
#include "core/testing/catch.h"

namespace override_test {

using namespace subband;
using config::Node;
using config::Override;
using config::parse_override;
using Texts = std::vector<std::string>;

static std::string value(const std::string& text) {
  return config::to_json(parse_override("k=" + text).value);
}

static std::string complaint(const std::string& text) {
  try {
    parse_override(text, 2);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "none";
}

static Texts expanded(const std::string& text, Texts options = {}) {
  return config::expand(parse_override(text), options);
}

static std::string refused(const std::string& text) {
  try {
    expanded(text);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "none";
}

TEST_CASE("a word has an action, a target, a package and a value", "[override]") {
  const Override word = parse_override("+a/b@p.q=[1, x]", 3);
  CHECK(word.action == Override::Action::add);
  CHECK(word.target == "a/b");
  CHECK(word.package == "p.q");
  CHECK(word.key() == "a/b@p.q");
  CHECK(config::to_json(word.value) == "[1, \"x\"]");
  CHECK(word.value.place.text() == "override 3 (+a/b@p.q=[1, x])");
  CHECK(parse_override("++a.b.0=1").action == Override::Action::force);
  CHECK_FALSE(parse_override("~a").has_value);
  CHECK(parse_override("~a=").value.string().empty());
  CHECK(parse_override("a@=x").package == "");
}

TEST_CASE("primitives, quotes, lists and maps are read as in Hydra", "[override]") {
  CHECK(value("a  b ") == "\"a  b\"");
  CHECK(value("a\\,b\\ ") == "\"a,b \"");
  CHECK(value("[a: , b :c ]") == "[\"a: \", \"b :c\"]");  // spaces belong to the colon before them
  CHECK(value("'it\\'s'") == "\"it's\"");
  CHECK(value("\"C:\\dir\\\\\"") == "\"C:\\\\dir\\\\\"");
  CHECK(value("'3'") == "\"3\"");
  CHECK(value("[[],{a b:c d,1:{x:.5}},null]") == "[[], {\"a b\": \"c d\", \"1\": {\"x\": 0.5}}, null]");
  CHECK(value("x${a.b}/y") == "\"x${a.b}/y\"");
  CHECK(value("sort({b:1,a:2})") == "{\"b\": 1, \"a\": 2}");
  CHECK(value("http\\://h/p?q\\=1") == "\"http://h/p?q=1\"");
}

TEST_CASE("casts apply to scalars, lists, maps and sweeps", "[override]") {
  CHECK(value("int(3.9)") == "3");
  CHECK(value("str({a:1,b:[true]})") == "{\"a\": \"1\", \"b\": [\"true\"]}");
  CHECK(value("bool(0)") == "false");
  CHECK(value("float('inf')") == "\".inf\"");
  CHECK(expanded("k=int(1.5,2.5)") == Texts{"k=1", "k=2"});
  CHECK(expanded("k=int(range(1.2,4.5))") == Texts{"k=1", "k=2", "k=3"});
}

TEST_CASE("sweeps expand in order, each value as a word of its own", "[override]") {
  CHECK(expanded("+k=a,'b,c',[1,2],{x:y}") == Texts{"+k=a", "+k='b,c'", "+k=[1,2]", "+k={x:y}"});
  CHECK(expanded("k=range(3)") == Texts{"k=0", "k=1", "k=2"});
  CHECK(expanded("k=range(5,0,-2)") == Texts{"k=5", "k=3", "k=1"});
  CHECK(expanded("k=range(0.1,0.5,0.1)") == Texts{"k=0.1", "k=0.2", "k=0.3", "k=0.4"});
  CHECK(expanded("k=sort(3,1,2,reverse=true)") == Texts{"k=3", "k=2", "k=1"});
  CHECK(expanded("g@p=glob([a*,b],exclude=*z)", {"az", "ab", "b", "c"}) == Texts{"g@p=ab", "g@p=b"});
  CHECK(parse_override("k=tag(log,x,interval(1e-5,1))").sweep->tags == Texts{"log", "x"});
  CHECK(expanded("k=1") == Texts{"k=1"});
  CHECK(expanded("k=choice(true,'true',1.0,'')") == Texts{"k=true", "k='true'", "k=1.0", "k=''"});
}

TEST_CASE("a shuffled sweep holds the same values in an order of its own that does not change",
          "[override]") {
  const Texts once = expanded("k=shuffle(range(20))");
  CHECK(once == expanded("k=shuffle(range(20))"));
  CHECK(once != expanded("k=range(20)"));
  Texts sorted = once, plain = expanded("k=range(20)");
  std::sort(sorted.begin(), sorted.end());
  std::sort(plain.begin(), plain.end());
  CHECK(sorted == plain);
}

TEST_CASE("what a sweep expands to parses to the same value again", "[override]") {
  const Texts pieces = {"a", "0", " ", ",",    ":", "=", "'", "\"",  "\\",   "[", "]", "{", "}",
                        "(", ")", "$", "${a}", "~", "#", "é", "1e3", "null", ".", "-", "\t"};
  std::mt19937_64 random(7);
  for (int i = 0; i < 3000; ++i) {
    std::string text;
    for (size_t n = random() % 6; n > 0; --n) text += pieces[random() % pieces.size()];
    const Node node = random() % 2 ? Node(text) : Node::list({Node(text), Node(int64_t{1})});
    INFO(config::override_text(node));
    const Override back = parse_override("k=" + config::override_text(node));
    REQUIRE(back.value == node);
    REQUIRE_FALSE(back.sweep);
  }
}

TEST_CASE("the name of a function may have a hyphen, and then is unknown", "[override]") {
  CHECK_THROWS_WITH(parse_override("a=choic-e (1)"),
                    Catch::ContainsSubstring("choic-e: unknown function; did you mean 'choice'?"));
  CHECK_THROWS_WITH(parse_override("a=tag(sweep=range(3))"),
                    "override 1 (a=tag(sweep=range(3))): tag: needs a tag beside sweep=");
}

TEST_CASE("a malformed word is refused with the character where it goes wrong", "[override]") {
  CHECK(complaint("k") ==
        "override 2 (k): character 2: expected key=value; known forms: a.b=1, +a.b=1, ++a.b=1, ~a.b");
  CHECK(complaint("a..b=1") == "override 2 (a..b=1): character 3: unexpected '.' in a key");
  CHECK(complaint("a[0]=1") == "override 2 (a[0]=1): character 2: unexpected '[' in a key");
  CHECK(complaint("1a=1") == "override 2 (1a=1): character 2: a name of a key cannot begin with a digit");
  CHECK(complaint("a.01=2") == "override 2 (a.01=2): character 5: an index has no leading zero");
  CHECK(complaint("a.b/c=1") == "override 2 (a.b/c=1): character 4: dots and slashes do not mix in a key");
  CHECK(complaint("k=[1,,2]") == "override 2 (k=[1,,2]): character 6: a value is missing");
  CHECK(complaint("k=[1,2") ==
        "override 2 (k=[1,2): character 7: expected ']' after an item of a list, got the end; quote text "
        "that holds such characters");
  CHECK(complaint("k=it's") == "override 2 (k=it's): character 5: \"'\" must be quoted or escaped");
  CHECK(complaint("k='x") == "override 2 (k='x): character 3: a quote that is not closed");
  CHECK(complaint("k=[1] ") ==
        "override 2 (k=[1] ): character 6: a space may not follow a quote or a bracket here");
  CHECK(complaint("k=a=b") == "override 2 (k=a=b): character 4: '=' must be quoted or escaped");
  CHECK(complaint("k={'a':1}") ==
        "override 2 (k={'a':1}): character 4: expected 'key: value'; keys of a map stand without quotes");
  CHECK(complaint("k=${f:{x: 1}}") ==
        "override 2 (k=${f:{x: 1}}): character 13: unexpected '}'; an interpolation ends at the "
        "first '}': quote one that holds braces");
  CHECK(complaint("k=int(foo)") == "override 2 (k=int(foo)): int: 'foo' is no whole number");
  CHECK(complaint("k=null(3)") == "override 2 (k=null(3)): character 7: '(' must be quoted or escaped");
  CHECK(complaint("k=rnage(3)") ==
        "override 2 (k=rnage(3)): rnage: unknown function; did you mean 'range'? known: append, bool, "
        "choice, float, glob, insert, int, interval, prepend, range, remove, shuffle, sort, str, tag");
  CHECK(complaint("k=[1,choice(2,3)]") ==
        "override 2 (k=[1,choice(2,3)]): a sweep inside a list: not supported; sweep over whole "
        "lists: a=[1,2],[1,3]");
  CHECK(complaint("k=" + std::string(10'000, '[')).find("more than 200 levels of nesting") !=
        std::string::npos);
}

TEST_CASE("what is put in order is one list or sweep, or several plain values", "[override]") {
  CHECK(complaint("k=sort([2],[1])") == "override 2 (k=sort([2],[1])): sort: a list among several arguments");
  CHECK(complaint("k=sort(list=a)") == "override 2 (k=sort(list=a)): sort: list= needs a list");
  CHECK(complaint("k=shuffle(sweep=[1])") ==
        "override 2 (k=shuffle(sweep=[1])): shuffle: sweep= needs a sweep");
}

TEST_CASE("sweeps without an end, a list or a value are refused when they are expanded", "[override]") {
  CHECK(refused("k=range(1,2,0)") == "override 1 (k=range(1,2,0)): range: a step of 0 never ends");
  CHECK(refused("k=range(0)") == "override 1 (k=range(0)): a sweep without a single value");
  CHECK(refused("k=interval(0,1)") ==
        "override 1 (k=interval(0,1)): an interval has no list of values; only a sampler draws from it");
  CHECK(refused("k=choice(a,b),c") ==
        "override 1 (k=choice(a,b),c): a sweep inside a choice: write its values out");
  CHECK(refused("k=interval(0,'1')") == "override 1 (k=interval(0,'1')): interval: expected two numbers");
  CHECK(refused("k=tag(1,range(3))") == "override 1 (k=tag(1,range(3))): tag: tags are words");
  CHECK(refused("k=range(1e9)") == "override 1 (k=range(1e9)): range: more than 100,000 values");
}

}  // namespace override_test
