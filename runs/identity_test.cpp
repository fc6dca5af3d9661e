#include "runs/identity.h"

#include "core/hash.h"
#include "core/testing/catch.h"

namespace subband::identity_test {

using config::Node;

static Node example_config() {
  Node node = Node::map();
  node.set_at("net.width", Node(int64_t{64}));
  node.set_at("net.block.bypass", Node("none"));
  node.set_at("trainer.rate", Node(0.5));
  return node;
}

static std::string id(const Node& node) {
  return run_identity(node, {{"net:wavelet_lm", 1}}, {{"train.txt", "ab"}});
}

TEST_CASE("the identity is the SHA-256 of the canonical JSON of config, parts and data", "[identity]") {
  CHECK(id(example_config()) ==
        sha256_hex(
            R"({"config": {"net": {"block": {"bypass": "none"}, "width": 64}, "trainer": {"rate": 0.5}}, )"
            R"("data": {"train.txt": "ab"}, "parts": {"net:wavelet_lm": 1}})"));
}

TEST_CASE("the order of keys and the place of a value do not count", "[identity]") {
  Node other = Node::map();
  other.set_at("trainer.rate", Node(0.5));
  other.set_at("net.block.bypass", Node("none"));
  other.set_at("net.width", Node(int64_t{64})).place.line = 12;
  CHECK(id(other) == id(example_config()));
}

TEST_CASE("every value, every version and every checksum counts", "[identity]") {
  Node other = example_config();
  other.set_at("net.block.bypass", Node("ema"));
  const std::string original = id(example_config());
  CHECK(id(other) != original);
  CHECK(run_identity(example_config(), {{"net:wavelet_lm", 2}}, {{"train.txt", "ab"}}) != original);
  CHECK(run_identity(example_config(), {{"net:wavelet_lm", 1}}, {{"train.txt", "ac"}}) != original);
}

TEST_CASE("the order of parts side by side counts", "[identity]") {
  Node mlp_first = Node::map();
  mlp_first.set_at("channel_mixers.mlp.type", Node("mlp"));
  mlp_first.set_at("channel_mixers.memory.type", Node("product_key_memory"));
  Node memory_first = Node::map();
  memory_first.set_at("channel_mixers.memory.type", Node("product_key_memory"));
  memory_first.set_at("channel_mixers.mlp.type", Node("mlp"));
  CHECK(id(mlp_first) != id(memory_first));
}

}  // namespace subband::identity_test
