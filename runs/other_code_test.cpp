#include "runs/other_code.h"

#include "core/testing/catch.h"

namespace other_code_test {

using namespace subband;

TEST_CASE("code is other where both sides know it and differ", "[other_code]") {
  const PartCode then = {{"mixer:a", "11"}, {"mixer:b", "22"}, {"net:c", "33"}};
  CHECK(other_code(then, then).empty());
  CHECK(other_code(then, {{"mixer:a", "11"}, {"mixer:b", "2f"}, {"net:d", "44"}}) == std::vector<std::string>{"b"});
  CHECK(other_code({}, then).empty());  // a run of before code was kept
}

TEST_CASE("a run that went on under other code is of no program's code", "[other_code]") {
  const PartCode both = code_of_both({{"mixer:a", "11"}, {"mixer:b", "22"}}, {{"mixer:a", "11"}, {"mixer:b", "2f"}});
  CHECK(other_code(both, {{"mixer:a", "11"}, {"mixer:b", "22"}}) == std::vector<std::string>{"b"});
  CHECK(other_code(both, {{"mixer:a", "11"}, {"mixer:b", "2f"}}) == std::vector<std::string>{"b"});
}

TEST_CASE("code is kept in a provenance", "[other_code]") {
  const PartCode code = {{"mixer:a", "11"}};
  CHECK(part_code_in({{"code", part_code_json(code)}}) == code);
  CHECK(part_code_in({{"host", "mill"}}).empty());
}

}  // namespace other_code_test
