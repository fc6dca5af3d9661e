#include "experiments/recipe.h"

#include <limits>

#include "core/files.h"
#include "core/tensors/random.h"
#include "experiments/recipe_fields.h"

namespace subband {

using config::Node;

namespace {

// What the tokeniser says of V; nothing where its own fields are already wrong.
void learn_vocabulary(Recipe& recipe, const BindSession& session, size_t problems_before) {
  if (session.problems.size() == problems_before) recipe.vocabulary = recipe.tokenizer.make({})->vocabulary();
}

void bind_fields(Recipe& recipe, Binder& b) {
  BindSession& session = b.session();
  b.part("data", recipe.data, DataContext{program_root()}, "the corpus");
  const size_t before_tokenizer = session.problems.size();
  b.part("tokenizer", recipe.tokenizer, TokenizerContext{}, "text to ids and back");
  learn_vocabulary(recipe, session, before_tokenizer);
  b.group("trainer", recipe.trainer, "how long, how much at once, where");

  NetContext net{.length = recipe.trainer.length};
  if (recipe.vocabulary > 0) net.vocabulary = recipe.vocabulary;
  b.part("net", recipe.net, net, "the model");

  const size_t before_optimizer = session.problems.size();
  b.part("optimizer", recipe.optimizer, OptimizerContext{}, "how gradients move the weights");
  ScheduleContext schedule{.steps = recipe.trainer.steps.value_or(ScheduleContext{}.steps)};
  if (session.problems.size() == before_optimizer)
    schedule.peak = recipe.optimizer.make({})->peak_rate();
  else
    schedule.peak = std::numeric_limits<double>::infinity();
  b.part("schedule", recipe.schedule, schedule, "the learning rate over the run");

  b.group("samples", recipe.samples, "text drawn from the net when the run is done");
  b.field("seed", recipe.seed, {0, 9e15}, "of first weights, batches, dropout and samples");
  b.finish_keys();
}

// `tree` without the value under the dotted `path`.
void erase_at(Node& tree, const std::string& path) {
  const size_t dot = path.rfind('.');
  Node* parent = &tree;
  if (dot != std::string::npos) {
    const Node* found = tree.at(path.substr(0, dot));
    parent = const_cast<Node*>(found);
  }
  if (parent != nullptr && parent->is(Node::Kind::map)) parent->erase(path.substr(dot + 1));
}

}  // namespace

Recipe bind_recipe(const Registry& registry, const std::string& name, const Node& composed) {
  BindSession session{.registry = &registry};
  Recipe recipe;
  recipe.name = name;
  Binder binder(session, composed, recipe.resolved);
  if (!composed.is(Node::Kind::map) && !composed.is(Node::Kind::null)) {
    throw ConfigError(composed.place.text(), name + ": expected a map, got a " + composed.kind_name(),
                      "bad_value");
  }
  bind_fields(recipe, binder);
  session.finish();
  recipe.parts = session.parts;
  recipe.identity = recipe.resolved;
  recipe.identity.erase("seed");
  for (const std::string& path : session.cosmetic_paths) erase_at(recipe.identity, path);
  return recipe;
}

std::vector<FieldInfo> recipe_fields(const Registry& registry) {
  BindSession session{.registry = &registry};
  Recipe recipe;
  const Node nothing = Node::map();
  Binder binder(session, nothing, recipe.resolved);
  bind_fields(recipe, binder);
  return session.fields;
}

std::shared_ptr<Net> make_net(const Recipe& recipe) {
  Initializer initializer(plain_generator(static_cast<uint64_t>(recipe.seed)));
  return recipe.net.make({recipe.vocabulary, recipe.trainer.length, &initializer});
}

std::shared_ptr<Net> make_meta_net(const Recipe& recipe) {
  Initializer initializer = Initializer::meta();
  return recipe.net.make({recipe.vocabulary, recipe.trainer.length, &initializer});
}

int64_t parameter_count(const Net& net) {
  int64_t count = 0;
  for (const at::Tensor& parameter : net.parameters()) count += parameter.numel();
  return count;
}

}  // namespace subband
