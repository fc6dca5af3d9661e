#include "core/testing/catch.h"
#include "experiments/testing/sampling.h"

namespace clean_spacing_test {
using namespace subband;

static std::string cleaned(const std::string& text) { return testing::made_sampling("clean_spacing")->finished(text); }

// What Python's `re` makes of the same texts by the rules of the original.
TEST_CASE("spaces around signs go as in the original", "[clean_spacing]") {
  CHECK(cleaned("1 @,@ 000 , well @-@ known ; 3 @.@ 5 !") == "1, 000, well - known; 3. 5!");
  CHECK(cleaned("a  .") == "a .");  // one space alone
  CHECK(cleaned("see ( below [ here ] ) .") == "see (below [here]).");
  CHECK(cleaned("he 's and they 're not 'so , we 'll 'd 'seen") == "he's and they're not 'so, we'll'd 'seen");
  CHECK(cleaned("") == "");
  CHECK(cleaned("@-") == "@-");
}

TEST_CASE("double quotes open and close in turn", "[clean_spacing]") {
  CHECK(cleaned("he said \" go away \" and \" never \" left") == "he said \"go away\" and \"never\" left");
  CHECK(cleaned("\" \" twice \" \" .") == "\"\"twice\"\".");
  CHECK(cleaned("one \" only") == "one \"only");
}

TEST_CASE("only two single quotes and more are a series", "[clean_spacing]") {
  CHECK(cleaned("'' a word '' and ' one '") == "''a word'' and ' one '");
}

}  // namespace clean_spacing_test
