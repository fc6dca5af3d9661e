#include "runs/record/record_line.h"

#include <cmath>
#include <limits>

#include "core/hash.h"
#include "core/testing/catch.h"

namespace subband::record_line_test {

static const RecordJson kObject = {{"seq", 3}, {"event", "note"}, {"text", "µ \"quoted\"\nline"}};

TEST_CASE("a sealed line ends with the first 16 digits of the SHA-256 of what stands before", "[record]") {
  const std::string body = R"({"seq":1,"text":"a")";
  CHECK(sealed_line({{"seq", 1}, {"text", "a"}}) ==
        body + ",\"sum\":\"" + sha256_hex(body).substr(0, 16) + "\"}\n");
}

TEST_CASE("a sealed line opens to the object it was made of", "[record]") {
  const std::string line = sealed_line(kObject);
  CHECK(line.find('\n') == line.size() - 1);
  const OpenedLine opened = open_line(line.substr(0, line.size() - 1));
  CHECK(opened.complaint == "");
  CHECK(opened.object == kObject);
}

TEST_CASE("every changed byte of a line is noticed", "[record]") {
  const std::string line = sealed_line(kObject);
  for (size_t i = 0; i + 1 < line.size(); ++i) {
    std::string changed = line.substr(0, line.size() - 1);
    changed[i] = changed[i] == 'x' ? 'y' : 'x';
    CHECK_FALSE(open_line(changed).complaint.empty());
  }
}

TEST_CASE("a line whose checksum is wrong says which was expected", "[record]") {
  const std::string body = R"({"seq":1)";
  CHECK(open_line(body + R"(,"sum":"0123456789abcdef"})").complaint ==
        "checksum = 0123456789abcdef: expected " + sha256_hex(body).substr(0, 16));
  CHECK(open_line(R"({"seq":1})").complaint == "no checksum at its end");
}

TEST_CASE("numbers keep every bit, NaN and infinities included", "[record]") {
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double value : {0.1, 1.0, 3.0e-308, -2.7182818284590452, infinity, -infinity}) {
    const RecordJson back = RecordJson::parse(json_text(number_json(value)));
    CHECK(number_of(back) == value);
  }
  CHECK(number_json(infinity) == ".inf");
  CHECK(std::isnan(number_of(RecordJson::parse(json_text(number_json(std::nan("")))))));
}

TEST_CASE("bytes that are no UTF-8 do not stop a record", "[record]") {
  const std::string line = sealed_line({{"seq", 0}, {"text", std::string("a\xff") + "b"}});
  CHECK(open_line(line.substr(0, line.size() - 1)).object["text"] ==
        "a\xEF\xBF\xBD"
        "b");
}

}  // namespace subband::record_line_test
