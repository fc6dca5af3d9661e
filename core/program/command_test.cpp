#include "core/program/command.h"

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

}  // namespace command_test
