#include "core/text.h"

#include "core/testing/catch.h"

using namespace subband;

TEST_CASE("numbers are written so that they read back to the same double", "[text]") {
  for (const double value : {0.1, 1.0, 1e-300, 123456789.123, 1e22, -0.0})
    CHECK(*parse_number(number_text(value)) == value);
  CHECK(number_text(1) == "1.0");
  CHECK(number_text(1e30) == "1e+30");
}

TEST_CASE("a slip of the finger finds its word, and a stranger finds none", "[text]") {
  const std::vector<std::string> known = {"heads", "causal", "type"};
  CHECK(suggestion("hedas", known) == "; did you mean 'heads'? known: causal, heads, type");
  CHECK(suggestion("zebra", known) == "; known: causal, heads, type");
  CHECK(suggestion("cau", known) == "; did you mean 'causal'? known: causal, heads, type");
  const std::vector<std::string> many(50, "same");
  CHECK(suggestion("zebra", many) == "; known: same");
  std::vector<std::string> numbered;
  for (int i = 10; i < 60; ++i) numbered.push_back("n" + std::to_string(i));
  CHECK(suggestion("zebra", numbered).ends_with("n48, n49 and 10 more"));
}

TEST_CASE("edit distance counts a swap of neighbours once", "[text]") {
  CHECK(edit_distance("heads", "hedas") == 1);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("kitten", "sitting") == 3);
}

TEST_CASE("counts, times and sizes read well", "[text]") {
  CHECK(grouped(-1234567) == "-1,234,567");
  CHECK(grouped(882511981) == "882,511,981");
  CHECK(duration_text(125) == "2 min 05 s");
  CHECK(bytes_text(1536) == "1.5 KiB");
}

TEST_CASE("UTF-8 with overlong forms, surrogates or cut sequences is refused", "[text]") {
  CHECK(is_utf8("na\xc3\xafve \xf0\x9f\x8c\x8a"));
  for (const char* bad : {"\xc0\xaf", "\xed\xa0\x80", "\xe2\x82", "\xff", "\xf4\x90\x80\x80"})
    CHECK_FALSE(is_utf8(bad));
}
