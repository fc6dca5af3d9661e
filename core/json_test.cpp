#include "core/json.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/testing/catch.h"

namespace json_test {

using namespace subband;

static std::string refusal(const std::string& text, const JsonForm& form = {}) {
  try {
    read_json(text, "F.json", form);
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST_CASE("a text of JSON is its value, keys in their order", "[json]") {
  const Json value = read_json(R"({"z": [1, -2, 0.5, true, null], "a": {"k": "täxt\n"}})", "F.json");
  CHECK(value.dump() == R"({"z":[1,-2,0.5,true,null],"a":{"k":"täxt\n"}})");
  CHECK(read_json("\xef\xbb\xbf 18446744073709551615 ", "F.json").get<uint64_t>() == ~uint64_t{0});
  CHECK(read_json("[[], {}]", "F.json").dump() == "[[],{}]");
}

TEST_CASE("what is no JSON is refused at its line and column", "[json]") {
  CHECK(refusal("{\"C\": 1,\n \"layers\" 2}") == "F.json:2:11: is no JSON from here on");
  CHECK(refusal("[1, 2") == "F.json:1:6: is no JSON from here on");
  CHECK(refusal("[1] 2") == "F.json:1:5: is no JSON from here on");
  CHECK(refusal("{'a': 1}") == "F.json:1:2: is no JSON from here on");
  CHECK(refusal("[\"\xff\"]") == "F.json:1:3: is no JSON from here on");
  CHECK(refusal("[1,\n1e999]") == "F.json:2:5: a number beyond what can be held");
  CHECK_THROWS_AS(read_json("", "F.json", {.is_spec = true}), ConfigError);
}

TEST_CASE("brackets nest as deep as they may and no deeper, whatever their number", "[json]") {
  const auto nested = [](size_t levels, const std::string& open, const std::string& close) {
    std::string text;
    for (size_t i = 0; i < levels; ++i) text += open;
    text += "1";
    for (size_t i = 0; i < levels; ++i) text += close;
    return text;
  };
  CHECK(read_json(nested(1000, "[", "]"), "F.json").dump().size() == 2001);
  CHECK(refusal(nested(1001, "[", "]")) == "F.json:1:1001: nests deeper than 1000 levels");
  CHECK(refusal(nested(1001, "{\"a\":", "}")) == "F.json:1:5001: nests deeper than 1000 levels");
  for (const std::string open : {"[", "{\"a\":", "[{\"a\":"})
    for (const std::string close : {"", "]", "}"}) CHECK(refusal(nested(100'000, open, close)) != "accepted");
}

TEST_CASE("a key that is given twice is refused at the second, in small and in large objects", "[json]") {
  CHECK(refusal("{\"a\": 1,\n  \"a\": 2}") == "F.json:2:3: \"a\": is given twice");
  CHECK(refusal(R"({"x": {"q\"\\": 1, "q\"\\": 2}})") == R"(F.json:1:20: "q\"\\": is given twice)");
  CHECK(refusal(R"([{"a": 1}, {"a": 2}])") == "accepted");
  std::string many = "{";
  for (int i = 0; i < 1000; ++i) many += "\"k" + std::to_string(i) + "\": 0,";
  CHECK(read_json(many + "\"last\": 0}", "F.json").size() == 1001);
  CHECK(refusal(many + "\"k999\": 0}").ends_with(": \"k999\": is given twice"));
  CHECK(refusal(many + "\"k3\": 0}").ends_with(": \"k3\": is given twice"));
}

TEST_CASE("Infinity and NaN are numbers where the form has them, and text in quotes", "[json]") {
  const std::string text = R"({"a": NaN, "b": [Infinity, -Infinity], "NaN": "Infinity \" NaN"})";
  CHECK(refusal(text) == "F.json:1:7: is no JSON from here on");
  const Json value = read_json(text, "F.json", {.non_finite = true});
  CHECK(std::isnan(value["a"].get<double>()));
  CHECK(value["b"][0].get<double>() == HUGE_VAL);
  CHECK(value["b"][1].get<double>() == -HUGE_VAL);
  CHECK(value["NaN"] == "Infinity \" NaN");
  CHECK(refusal("[NaN, x]", {.non_finite = true}) == "F.json:1:7: is no JSON from here on");
  CHECK(refusal("[NaNo]", {.non_finite = true}) == "F.json:1:5: is no JSON from here on");
  CHECK(read_json("[\"\x7f\"]", "F.json", {.non_finite = true})[0] == "\x7f");
  CHECK(json_brief(value["b"][1]) == "-Infinity");
  CHECK(json_as_yaml("{\"a\":\t-Infinity, \"b\": NaN, \"c\": \"NaN\"}") ==
        "{\"a\": -.inf    , \"b\": .nan, \"c\": \"NaN\"}");
}

TEST_CASE("a file that is something else is called by its name", "[json]") {
  CHECK(refusal("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n") ==
        "F.json: is a Git LFS pointer, no JSON; git lfs pull fetches the file itself");
  CHECK(refusal("<!DOCTYPE html><html>") ==
        "F.json: is an HTML page, no JSON; it was fetched from a wrong address, or needs a login");
  CHECK(refusal("") == "F.json: is empty, no JSON");
  CHECK(refusal(std::string("\x1f\x8b\x08\0", 4)) == "F.json: is a gzip file, no JSON; name it .gz");
  CHECK(refusal(std::string("\xff\xfe{\0}\0", 6)) ==
        "F.json: is UTF-16 text, no JSON; iconv -t utf-8 converts it");
  CHECK(read_json_or_null("nothing").is_null());
}

}  // namespace json_test
