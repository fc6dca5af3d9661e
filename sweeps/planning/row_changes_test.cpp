#include "sweeps/planning/row_changes.h"

#include "core/config/yaml.h"
#include "core/testing/catch.h"

namespace row_changes_test {

using namespace subband;
using config::Node;
using Words = std::vector<std::string>;

// Values of a file; those under `=` were set by an override, those under `.` by nobody.
static Node tree(const std::string& text, const Words& asked = {}, const Words& standard = {}) {
  Node node = config::parse_yaml(text, "base.yaml");
  const auto place = [&](const Words& paths, const char* source) {
    for (const std::string& path : paths)
      const_cast<Node*>(node.at(path))->place = {std::make_shared<const std::string>(source), 0, 0};
  };
  place(asked, "override 1 (x=y)");
  place(standard, "default");
  return node;
}

TEST_CASE("a swapped part names the fields of the frame that it lost or that have other values",
          "[row_changes]") {
  const Node base =
      tree("net: {type: lm, mixer: {type: softmax, heads: 6, rope: half, bias: false}, width: 8}\n", {},
           {"net.mixer.bias"});
  const Node row = tree("net: {type: lm, mixer: {type: flash, heads: 4, window: 2}, width: 8}\n",
                        {"net.mixer.type"}, {"net.mixer.heads", "net.mixer.window"});
  CHECK(side_changes(base, row) ==
        Words{"heads 6→4",
              "drops rope=half (net.mixer.type=flash keeps what both have)"});  // bias was nobody's choice
  CHECK(side_changes(base, base).empty());
}

TEST_CASE("what an override asked for is no side change, wherever it stands", "[row_changes]") {
  const Node base = tree("net: {type: lm, width: 8, block: {levels: 5}}\nseed: 1\n");
  CHECK(side_changes(base, tree("net: {type: lm, width: 16, block: {levels: 5}}\nseed: 1\n", {"net.width"}))
            .empty());
  CHECK(side_changes(base, tree("net: {type: other, width: 16}\nseed: 2\n", {"net.type", "seed"})) ==
        Words{"width 8→16", "drops block (net.type=other keeps what both have)"});
  CHECK(side_changes(base, tree("net: {type: lm, width: 8, block: {levels: 3}}\nseed: 1\n")) ==
        Words{"net.block.levels 5→3"});
}

TEST_CASE("parameters are remarked on where they differ by more than 5 %", "[row_changes]") {
  CHECK(parameter_change(1000, 1050).empty());
  CHECK(parameter_change(1000, 951).empty());
  CHECK(parameter_change(1000, 1051) == "parameters +5.1 %");
  CHECK(parameter_change(1000, 500) == "parameters -50.0 %");
  CHECK(parameter_change(0, 500).empty());
  CHECK(row_remark({"heads 6→4"}, "parameters +5.1 %") == "heads 6→4, parameters +5.1 %");
  CHECK(row_remark(Words(10, "a"), "") == "a, a, a, a, a, a, a, a, and 2 more");
  CHECK(row_remark({}, "").empty());
}

}  // namespace row_changes_test
