#include "core/program/command.h"

#include <filesystem>
#include <iostream>
#include <sstream>
#include <vector>

#include "core/testing/catch.h"

namespace command_test {

using namespace subband;

// What a command with `--orders N` and `--origins` says on stderr, after its exit code.
static std::pair<int, std::string> said(const std::vector<std::string>& words) {
  CommandLine line("serve", "Serves.", "subband serve --orders 2");
  int64_t orders = 1;
  bool origins = false;
  line.app().add_option("--orders", orders, "how many")->check(above_zero());
  line.app().add_flag("--origins", origins, "where from");
  std::ostringstream text;
  std::streambuf* before = std::cerr.rdbuf(text.rdbuf());
  const int code = line.run(words, [] { return 0; });
  std::cerr.rdbuf(before);
  return {code, text.str()};
}

TEST_CASE("a mistyped option is answered with the nearest one", "[command]") {
  CHECK(said({"--orders", "2", "--origins"}) == std::pair<int, std::string>(0, ""));
  CHECK(said({"--orgins"}) ==
        std::pair<int, std::string>(
            2,
            "command line: --orgins: unknown option; did you mean '--origins'?; see subband serve --help\n"));
  CHECK(said({"--orders"}).first == 2);
}

TEST_CASE("an option that counts takes numbers above zero", "[command]") {
  for (const char* wrong : {"0", "-1"})
    CHECK(said({"--orders", wrong}) ==
          std::pair<int, std::string>(2, std::string("command line: --orders: ") + wrong +
                                             ": must be a number above 0; see subband serve --help\n"));
}

// What a command with words makes of a line: `first | rest | orders`.
static std::string words_of(const std::vector<std::string>& arguments) {
  CommandLine line("sweep", "Sweeps.", "subband sweep quickstart");
  std::string first, text;
  std::vector<std::string> rest;
  std::vector<std::filesystem::path> folders;
  int64_t orders = 1;
  bool origins = false;
  line.words("SPEC", first, rest, "which sweep");
  line.config_dirs(folders);
  std::string again;
  line.app().add_option("--orders,-o", orders, "how many");
  line.app().add_option("--again", again, "once more, or only this")->expected(0, 1);
  line.app().add_flag("--origins", origins, "where from");
  std::ostringstream errors;
  std::streambuf* before = std::cerr.rdbuf(errors.rdbuf());
  line.run(arguments, [&] {
    text = first + " |";
    for (const std::string& word : rest) text += " " + word;
    text += " | " + std::to_string(orders) + (origins ? " origins" : "") + (again.empty() ? "" : " again " + again);
    return 0;
  });
  std::cerr.rdbuf(before);
  return text + errors.str();
}

TEST_CASE("words are taken as they are typed, and an option's value is none of them", "[command]") {
  CHECK(words_of({"a", "+b=1", "~c", "[d]", "++e={f: 1}"}) == "a | +b=1 ~c [d] ++e={f: 1} | 1");
  CHECK(words_of({"--orders", "3", "a", "--origins", "b"}) == "a | b | 3 origins");
  CHECK(words_of({"a", "-o", "4", "b", "--origins"}) == "a | b | 4 origins");
  CHECK(words_of({"a", "--orders=5", "b"}) == "a | b | 5");
  CHECK(words_of({"a", "--", "--orders", "-x"}) == "a | --orders -x | 1");
  CHECK(words_of({"a", "--config-dir", "/tmp", "b", "--config-dir", "/", "c"}) == "a | b c | 1");
}

TEST_CASE("a value that may be left out is neither the first word nor an option", "[command]") {
  CHECK(words_of({"a", "--again", "--orders", "2"}) == "a | | 2");
  CHECK(words_of({"--again", "a", "b"}) == "a | b | 1");
  CHECK(words_of({"a", "--again", "x", "b"}) == "a | b | 1 again x");
  CHECK(words_of({"a", "b", "--again=x"}) == "a | b | 1 again x");
  CHECK(words_of({"a", "--again"}) == "a | | 1");
}

TEST_CASE("a missing first word and a missing folder are named", "[command]") {
  CHECK(words_of({"--origins"}) == "command line: SPEC is missing: which sweep\n");
  CHECK(words_of({"a", "--config-dir", "/no/such"}) == "/no/such: no such folder\n");
  CHECK(words_of({"a", "--order", "3"}) ==
        "command line: --order: unknown option; did you mean '--orders'?; see subband sweep --help\n");
}

}  // namespace command_test
