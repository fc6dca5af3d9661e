#include "core/languages/numbers.h"

#include <cmath>
#include <limits>

#include "core/testing/catch.h"

using namespace subband;

TEST_CASE("metrics have four places, a sign where asked for, and words where they are no numbers", "[text]") {
  const double inf = std::numeric_limits<double>::infinity();
  CHECK(decimal_text(2.55) == "2.5500");
  CHECK(decimal_text(-2.55) == "-2.5500");
  CHECK(decimal_text(123456789.0) == "123456789.0000");
  CHECK(decimal_text(1e171) == "1.0000e+171");
  CHECK(decimal_text(inf) == "inf");
  CHECK(decimal_text(-inf) == "−inf");
  CHECK(decimal_text(std::nan("")) == "nan");
  CHECK(signed_text(0.05) == "+0.0500");
  CHECK(signed_text(-0.05) == "−0.0500");
  CHECK(signed_text(-1e171) == "−1.0000e+171");
  CHECK(signed_text(-inf) == "−inf");
  CHECK(signed_text(std::nan("")) == "nan");
  CHECK(mib_text(90.4) == "90 MiB");
  CHECK(mib_text(1e171) == "1.0000e+171 MiB");
}
