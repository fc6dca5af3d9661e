#include "sweeps/spec/launcher_words.h"

#include "core/config/yaml.h"
#include "core/testing/catch.h"

namespace subband::launcher_words_test {

static std::string node_of(const std::string& spec, const LauncherWords& words) {
  return config::to_json(launcher_node(config::parse_yaml(spec, "spec"), words));
}

TEST_CASE("a launcher is that of the spec, changed by the command line", "[launcher]") {
  CHECK(node_of("", {}) == R"({"type": "local"})");
  CHECK(node_of("slurm", {}) == R"({"type": "slurm"})");
  CHECK(node_of("{type: slurm, account: lab}", {.jobs = 3}) ==
        R"({"type": "slurm", "account": "lab", "jobs": 3})");
  const std::vector<std::string> overrides = {"launcher.account=own", "launcher.prologue=[module load x]"};
  CHECK(node_of("{type: slurm, account: lab}", {.overrides = overrides}) ==
        R"({"type": "slurm", "account": "own", "prologue": ["module load x"]})");
}

TEST_CASE("another launcher than the spec's begins with its own defaults", "[launcher]") {
  CHECK(node_of("{type: slurm, account: lab}", {.type = "local", .jobs = 2}) ==
        R"({"type": "local", "jobs": 2})");
  const std::vector<std::string> overrides = {"launcher=slurm", "launcher.qos=short"};
  CHECK(node_of("{type: local, retries: 3}", {.overrides = overrides}) ==
        R"({"type": "slurm", "qos": "short"})");
  const std::vector<std::string> swept = {"launcher.qos=a,b"};
  CHECK_THROWS_WITH(
      node_of("slurm", {.overrides = swept}),
      "override 1 (launcher.qos=a,b): launcher.qos: takes one value, as in launcher.account=lab");
}

}  // namespace subband::launcher_words_test
