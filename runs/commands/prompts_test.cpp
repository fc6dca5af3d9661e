#include "runs/commands/prompts.h"

#include "core/error.h"
#include "core/testing/catch.h"

namespace prompts_test {
using namespace subband;

TEST_CASE("a prompt is UTF-8 unless another encoding is named", "[prompts]") {
  CHECK(decoded_prompt("caf\xC3\xA9", "utf-8", "here") == "caf\xC3\xA9");
  CHECK(decoded_prompt("caf\xE9", "latin-1", "here") == "caf\xC3\xA9");
  CHECK(decoded_prompt("caf\xE9", "bytes", "here") == "caf\xE9");
  CHECK_THROWS_WITH(decoded_prompt("caf\xE9", "utf-8", "p.txt"),
                    "p.txt: prompt: is no UTF-8; --encoding latin-1 reads it as that, --encoding bytes as it is");
}

TEST_CASE("prompts that are none are refused in one line", "[prompts]") {
  CHECK_THROWS_WITH(decoded_prompt("a", "utf-16", "here"),
                    "command line: --encoding = utf-16: unknown encoding; did you mean 'utf-8'? known: bytes, latin-1, utf-8");
  CHECK_THROWS_WITH(decoded_prompt("", "utf-8", "here"), "here: prompt: is empty");
  CHECK_THROWS_WITH(decoded_prompt(std::string(10'000'000, 'a'), "utf-8", "here"),
                    "here: prompt: has more than 8.0 MiB; give its end");
  CHECK_THROWS_WITH(read_prompt_file("/no/such/prompt"), Catch::Contains("/no/such/prompt: cannot be read"));
}

}  // namespace prompts_test
