#include "runs/record/config_file.h"

#include "core/testing/catch.h"

namespace subband::config_file_test {

using config::Node;

TEST_CASE("every value of config.yaml says where it came from", "[config_file]") {
  Node node = Node::map();
  Node& width = node.set_at("net.width", Node(int64_t{64}));
  width.place = {std::make_shared<const std::string>("wavelet.yaml"), 5, 10};
  node.set_at("net.block.bypass", Node("running_mean"));
  node.set_at("trainer.rate", Node(0.5));
  node.set_at("trainer.protocols", Node::list({Node("blocks"), Node("sliding")}));
  CHECK(yaml_with_origins(node) ==
        "net:\n"
        "  width: 64                     # wavelet.yaml:5:10\n"
        "  block:\n"
        "    bypass: running_mean        # default\n"
        "trainer:\n"
        "  rate: 0.5                     # default\n"
        "  protocols: [blocks, sliding]  # default\n");
}

TEST_CASE("strings that YAML would take for something else are quoted", "[config_file]") {
  Node node = Node::map();
  node.set("a", Node("yes"));
  node.set("b", Node("1.5"));
  node.set("c", Node("two words: #1"));
  node.set("d", Node(""));
  node.set("on", Node(true));
  node.set("e", Node::map());
  node.set("f", Node());
  CHECK(yaml_with_origins(node) ==
        "a: \"yes\"            # default\n"
        "b: \"1.5\"            # default\n"
        "c: \"two words: #1\"  # default\n"
        "d: \"\"               # default\n"
        "\"on\": true          # default\n"
        "e: {}               # default\n"
        "f: null             # default\n");
}

}  // namespace subband::config_file_test
