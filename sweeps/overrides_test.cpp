#include "sweeps/overrides.h"

#include "core/testing/catch.h"

using namespace subband;

TEST_CASE("an override is told from plain words by its form", "[overrides]") {
  for (const char* text : {"a=1", "a.b=c", "+a=b", "++a.b=", "~a", "~a=b", "net/block=x", "a=b=c"})
    CHECK(is_override(text));
  for (const char* text : {"", "a", "+a", "=1", "a b=1", "~", "--json"}) CHECK(!is_override(text));
  CHECK(override_key("++net.width=64") == "net.width");
  CHECK(override_key("~net.x") == "net.x");
}
