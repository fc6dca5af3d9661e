#include "sweeps/spec/ablation.h"

#include "core/config/yaml.h"
#include "core/error.h"
#include "core/testing/catch.h"
#include "sweeps/spec/cells.h"

namespace subband::ablation_test {

static config::Node tree(const std::string& text) { return config::parse_yaml(text, "run.yaml"); }

static bool all_legal(const std::vector<std::string>&) { return true; }

static std::vector<std::string> labels(const std::vector<SweepChange>& changes) {
  std::vector<std::string> all;
  for (const SweepChange& each : changes) all.push_back(each.label);
  return all;
}

TEST_CASE("two configs differ by fields, and where the parts differ by whole parts", "[ablation]") {
  const config::Node from = tree("net: {width: 8, mixer: {type: a, heads: 2}}\nlist: [1]\nold: 1\nseed: 3\n");
  const config::Node to = tree("net: {width: 16, mixer: {type: b, slots: 4}}\nlist: [2]\nnew: {x: 1}\nseed: 4\n");
  const auto changes = config_differences(from, to, all_legal);
  CHECK(labels(changes) ==
        std::vector<std::string>{"net.width=16", "net.mixer=b", "list=[2]", "new={x:1}", "~old"});
  CHECK(changes[1].overrides == std::vector<std::string>{"++net.mixer={type:b,slots:4}"});
  CHECK(config_differences(from, from, all_legal).empty());
}

TEST_CASE("a difference that is not legal alone is joined with the next one", "[ablation]") {
  const config::Node from = tree("width: 8\nheads: 2\nrate: 1\n"), to = tree("width: 9\nheads: 3\nrate: 2\n");
  const auto legal = [](const std::vector<std::string>& changes) { return changes.size() != 1; };
  const auto changes = config_differences(from, to, legal);
  CHECK(labels(changes) == std::vector<std::string>{"width=9, heads=3", "rate=2"});
}

TEST_CASE("between two runs each row takes over one more difference", "[ablation]") {
  SweepSpec spec = bind_sweep("gap", tree("between: {from: aaaa, to: bbbb, pairs: 3}\nseeds: [5]\n"));
  REQUIRE(spec.between);
  add_between(spec, "logs/x/config.yaml",
              config_differences(tree("a: 1\nb: 2\n"), tree("a: 3\nb: 4\n"), all_legal));
  const SweepGrid grid = expand(spec);
  REQUIRE(grid.rows.size() == 3);
  CHECK(grid.rows[0].label == "base");
  CHECK(grid.rows[2].label == "+ b=4");
  CHECK(grid.rows[2].overrides == std::vector<std::string>{"++a=3", "++b=4"});
  CHECK(grid.rows[2].baseline == "+ a=3");
  CHECK(grid.rows[2].recipe == "logs/x/config.yaml");
  CHECK(spec.seeds == std::vector<int64_t>{5, 6, 7});
  SweepSpec same = bind_sweep("gap", tree("between: {from: aaaa, to: bbbb}\n"));
  CHECK_THROWS_WITH(add_between(same, "x", {}),
                    "run.yaml:1:10: between = aaaa, bbbb: have the same config");
}

}  // namespace subband::ablation_test
