#include "experiments/recipe.h"

#include "core/testing/catch.h"
#include "experiments/testing/tiny.h"

namespace recipe_test {
using namespace subband;
using config::Node;
using testing::tiny_config;
using testing::tiny_registry;

TEST_CASE("a recipe binds to its parts, and says every value with its place", "[recipe]") {
  const Registry registry = tiny_registry();
  const Recipe recipe = bind_recipe(registry, "tiny", tiny_config());
  CHECK(recipe.name == "tiny");
  CHECK(recipe.vocabulary == 27);
  CHECK(recipe.trainer.steps == 12);
  CHECK(recipe.net.type() == "tiny");
  CHECK(recipe.resolved.at("net.width")->integer() == 8);
  CHECK(recipe.resolved.at("schedule.type")->string() == "cosine");
  CHECK(recipe.resolved.at("schedule.warmup")->place.text() == "default");
  CHECK(recipe.parts == std::map<std::string, int>{{"data:tiny", 1},
                                                   {"net:tiny", 1},
                                                   {"optimizer:adagrad", 1},
                                                   {"schedule:cosine", 1},
                                                   {"tokenizer:letters", 1}});
}

TEST_CASE("a resolved recipe binds to itself", "[recipe]") {
  const Registry registry = tiny_registry();
  const Recipe recipe = bind_recipe(registry, "tiny", tiny_config());
  CHECK(bind_recipe(registry, "tiny", recipe.resolved).resolved == recipe.resolved);
}

TEST_CASE("the identity leaves out the seed and what changes no result, and nothing else", "[recipe]") {
  const Registry registry = tiny_registry();
  const Node base = bind_recipe(registry, "tiny", tiny_config()).identity;
  const auto identity_with = [&](const char* path, Node value) {
    Node config = tiny_config();
    config.set_at(path, std::move(value));
    return bind_recipe(registry, "another name", config).identity;
  };
  CHECK(identity_with("seed", Node(int64_t{5})) == base);
  CHECK(identity_with("trainer.evaluate_every", Node(int64_t{5})) == base);
  CHECK(identity_with("trainer.checkpoint_every", Node(int64_t{5})) == base);
  CHECK(identity_with("samples.tokens", Node(int64_t{5})) == base);
  CHECK(identity_with("schedule.warmup", Node(0.1)) == base);  // written or default: the same
  CHECK_FALSE(identity_with("trainer.threads", Node(int64_t{2})) == base);
  CHECK(base.at("optimizer.no_decay") == nullptr);  // fields that came later, at their defaults
  CHECK(base.at("optimizer.rates") == nullptr);
  CHECK_FALSE(identity_with("optimizer.no_decay", Node::list({Node("bias")})) == base);
  CHECK_FALSE(identity_with("optimizer.rates.bias", Node(0.5)) == base);
  CHECK_FALSE(identity_with("net.width", Node(int64_t{9})) == base);
  CHECK_FALSE(identity_with("data.letters", Node(int64_t{601})) == base);
}

TEST_CASE("every mistake of a recipe is reported in one go", "[recipe]") {
  Node config = tiny_config();
  config.set_at("net.widht", Node(int64_t{3}));
  config.set_at("trainer.batch", Node("many"));
  config.set_at("optimizer.lr", Node(-1.0));
  config.set("sed", Node(int64_t{1}));
  const Registry registry = tiny_registry();
  CHECK_THROWS_WITH(
      bind_recipe(registry, "tiny", config),
      "trainer.batch = many: expected a whole number\n"
      "net.widht: unknown key; did you mean 'width'? known: broken_at, carry, dropout, type, width\n"
      "optimizer.lr = -1.0: must be 0 to 1000\n"
      "sed: unknown key; did you mean 'seed'? known: data, net, ops, optimizer, price, quantisation, "
      "samples, schedule, seed, task, tokenizer, trainer");
}

TEST_CASE("a recipe needs data, and exactly one of steps and epochs", "[recipe]") {
  const Registry registry = tiny_registry();
  Node config = tiny_config();
  config.erase("data");
  config.set_at("trainer.epochs", Node(1.0));
  CHECK_THROWS_WITH(bind_recipe(registry, "tiny", config),
                    "data: needs a data; known: tiny\n"
                    "trainer.epochs = 1.0: only one of steps and epochs can be given");
  config = tiny_config();
  config.find("trainer")->erase("steps");
  CHECK_THROWS_WITH(bind_recipe(registry, "tiny", config),
                    "trainer.steps = null: one of steps and epochs must be given");
}

TEST_CASE("a recipe without a task is a language model, under the identity it always had", "[recipe]") {
  const Registry registry = tiny_registry();
  const Recipe recipe = bind_recipe(registry, "tiny", tiny_config());
  CHECK(recipe.task.type() == "language_model");
  CHECK(recipe.resolved.at("task.type")->string() == "language_model");
  CHECK(recipe.identity.at("task") == nullptr);
  Node config = tiny_config();
  config.set("task", Node("language_model"));
  CHECK(bind_recipe(registry, "tiny", config).identity == recipe.identity);
}

TEST_CASE("a task that makes its own sequences takes neither data nor tokeniser", "[recipe]") {
  const Registry registry = tiny_registry();
  Node config = tiny_config();
  config.set("task", Node("induction"));
  CHECK_THROWS_WITH(
      bind_recipe(registry, "tiny", config),
      Catch::ContainsSubstring("task induction makes its own sequences; remove it") &&
          Catch::ContainsSubstring("tokenizer = letters: task induction makes its own tokens; remove it"));
  config.erase("data");
  config.erase("tokenizer");
  const Recipe recipe = bind_recipe(registry, "tiny", config);
  CHECK(recipe.vocabulary == 16);
  CHECK(recipe.parts.contains("task:induction"));
  CHECK(recipe.identity.at("task.type")->string() == "induction");
  CHECK(parameter_count(*make_meta_net(recipe)) == 2 * 16 * 8 + 2);
  config.set_at("samples.tokens", Node(int64_t{5}));
  CHECK_THROWS_WITH(bind_recipe(registry, "tiny", config),
                    Catch::ContainsSubstring("task induction writes no text; leave samples.tokens at 0"));
}

TEST_CASE("what a task imposes is checked with the rest of the recipe", "[recipe]") {
  const Registry registry = tiny_registry();
  Node config = tiny_config();
  config.set("task", Node("mqar"));
  config.erase("data");
  config.erase("tokenizer");
  config.set_at("net.widht", Node(int64_t{3}));
  CHECK_THROWS_WITH(
      bind_recipe(registry, "tiny", config),
      "task.pairs = 4: needs an even length of at least 16, got 8\n"
      "net.widht: unknown key; did you mean 'width'? known: broken_at, carry, dropout, type, width");
}

TEST_CASE("half precision on the CPU and unknown protocols are refused", "[recipe]") {
  const Registry registry = tiny_registry();
  Node config = tiny_config();
  config.set_at("trainer.precision", Node("bf16"));
  config.set_at("trainer.protocols", Node::list({Node("blocks"), Node("slidin")}));
  CHECK_THROWS_WITH(
      bind_recipe(registry, "tiny", config),
      "trainer.precision = bf16: needs trainer.device = cuda or auto; the CPU computes in fp32\n"
      "default: trainer.protocols = [\"blocks\", \"slidin\"]: unknown protocol 'slidin' of task language_model; "
      "did you mean 'sliding'? known: all, blocks, generated, sliding, streaming");
}

TEST_CASE("a net's initial weights come from the seed, and a meta net has the same shapes without memory",
          "[recipe]") {
  const Registry registry = tiny_registry();
  Recipe recipe = bind_recipe(registry, "tiny", tiny_config());
  const auto net = make_net(recipe), same = make_net(recipe), shapes = make_meta_net(recipe);
  CHECK(net->named_parameters()["embedding"].equal(same->named_parameters()["embedding"]));
  recipe.seed = 2;
  CHECK_FALSE(net->named_parameters()["embedding"].equal(make_net(recipe)->named_parameters()["embedding"]));
  CHECK(parameter_count(*net) == 2 * 27 * 8 + 2);
  CHECK(parameter_count(*shapes) == parameter_count(*net));
  CHECK(shapes->parameters().front().is_meta());
}

}  // namespace recipe_test
