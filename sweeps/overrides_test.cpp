#include "sweeps/overrides.h"

#include "core/testing/catch.h"

using namespace subband;
using config::Node;

TEST_CASE("an override is told from plain words by its form", "[overrides]") {
  for (const char* text : {"a=1", "a.b=c", "+a=b", "++a.b=", "~a", "~a=b", "net/block=x", "a=b=c"})
    CHECK(is_override(text));
  for (const char* text : {"", "a", "+a", "=1", "a b=1", "~", "--json"}) CHECK(!is_override(text));
  CHECK(override_key("++net.width=64") == "net.width");
  CHECK(override_key("~net.x") == "net.x");
}

TEST_CASE("values are written as an override reads them", "[overrides]") {
  CHECK(override_value(Node()) == "null");
  CHECK(override_value(Node(true)) == "true");
  CHECK(override_value(Node(int64_t{3})) == "3");
  CHECK(override_value(Node(1.0)) == "1.0");
  CHECK(override_value(Node("wikitext-2/raw.txt")) == "wikitext-2/raw.txt");
  CHECK(override_value(Node("true")) == "'true'");
  CHECK(override_value(Node("12")) == "'12'");
  CHECK(override_value(Node("it's")) == "'it\\'s'");
  CHECK(override_value(Node("")) == "''");
  CHECK(override_value(Node::list({Node(int64_t{1}), Node("a b")})) == "[1,'a b']");
  Node map = Node::map();
  map.set("type", Node("crawl")), map.set("taps", Node(int64_t{3}));
  CHECK(override_value(map) == "{type:crawl,taps:3}");
}
