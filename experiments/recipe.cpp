#include "experiments/recipe.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/config/identity.h"
#include "core/error.h"
#include "core/files.h"
#include "core/ops/op_paths.h"
#include "core/tensors/device.h"
#include "core/tensors/random.h"
#include "core/text.h"
#include "experiments/data/files/pinned.h"
#include "experiments/price.h"
#include "experiments/recipe_fields.h"
#include "experiments/training/checkpoints/start_weights.h"
#include "experiments/training/procedure.h"

namespace subband {

using config::Node;

namespace {

// Complains of `key`, which the task has no use for.
void refuse_unused(Binder& b, const std::string& key, const std::string& rule) {
  if (const Node* written = b.take(key)) b.complain(key, written, rule);
}

// What stands between the recipe's words and its batches; data and tokeniser only where the task has use for them.
void bind_task(Recipe& recipe, Binder& b) {
  const size_t before = b.session().problems.size();
  const auto is_sound = [&] { return b.session().problems.size() == before; };
  b.part("task", recipe.task, TaskContext{}, "what the net is asked").since("language_model");
  if (is_sound() && !recipe.task.make({})->reads_data()) {
    refuse_unused(b, "data", "task " + recipe.task.type() + " makes its own sequences; remove it");
    refuse_unused(b, "tokenizer", "task " + recipe.task.type() + " makes its own tokens; remove it");
    return;
  }
  b.part("data", recipe.data.emplace(), DataContext{program_root()}, "the corpus, or labelled examples");
  const auto data = is_sound() ? make_data(recipe) : nullptr;
  if (data && !recipe.task.make({})->needs_tokenizer(*data))
    refuse_unused(b, "tokenizer", "there is no text to tokenise; remove it");
  else
    b.part("tokenizer", recipe.tokenizer.emplace("bytes"), TokenizerContext{}, "text to ids and back");
}

// Asks the task what it imposes on the net; nothing where its parts are already wrong.
void learn_shape(Recipe& recipe, BindSession& session) {
  try {
    recipe.shape = make_task(recipe)->shape();
    recipe.vocabulary = recipe.shape.vocabulary;
  } catch (const ConfigError& wrong) {
    session.problems.insert(session.problems.end(), wrong.problems().begin(), wrong.problems().end());
  }
}

// What the trainer and the samples ask of the task must be what it offers.
void check_use(const Recipe& recipe, Binder& b) {
  const std::shared_ptr<Task> task = recipe.task.make({});
  const std::string name = "task " + recipe.task.type();
  if (recipe.trainer.evaluate_train && !task->estimates_training())
    b.complain("trainer.evaluate_train", recipe.resolved.at("trainer.evaluate_train"),
               "must be false with " + name + ": only a text has such estimates");
  b.check(recipe.samples.tokens == 0 || task->writes_text(), "samples",
          name + " writes no text; leave samples.tokens at 0");
  const Node* protocols = recipe.resolved.at("trainer.protocols");
  std::vector<std::string> known;
  for (const Protocol& each : task->protocols()) known.push_back(each.name);
  if (known.empty() && recipe.trainer.protocols != TrainerConfig{}.protocols)
    b.complain("trainer.protocols", protocols, name + " has one way to measure; remove it");
  for (const std::string& each : recipe.trainer.protocols) {
    if (!known.empty() && std::ranges::find(known, each) == known.end())
      b.complain("trainer.protocols", protocols,
                 "unknown protocol '" + each + "' of " + name + suggestion(each, known));
  }
}

void bind_fields(Recipe& recipe, Binder& b) {
  BindSession& session = b.session();
  bind_task(recipe, b);
  const bool parts_are_sound = session.problems.empty();
  b.group("trainer", recipe.trainer, "how long, how much at once, where");
  if (parts_are_sound) learn_shape(recipe, session);

  const bool is_known = recipe.shape.answers() > 0;
  const NetContext net =
      is_known ? net_context(recipe, nullptr) : NetContext{.length = recipe.trainer.length};
  b.part("net", recipe.net, net, "the model");

  const size_t before_optimizer = session.problems.size();
  b.part("optimizer", recipe.optimizer, OptimizerContext{}, "how gradients move the weights");
  ScheduleContext schedule{.steps = recipe.trainer.steps.value_or(ScheduleContext{}.steps)};
  if (session.problems.size() == before_optimizer)
    schedule.peak = recipe.optimizer.make({})->peak_rate();
  else
    schedule.peak = std::numeric_limits<double>::infinity();
  b.part("schedule", recipe.schedule, schedule, "the learning rate over the run");

  b.group("ops", recipe.ops, "the path that an operation is forced to take").since(Node::map());
  b.group("quantisation", recipe.quantisation,
          "few bits a weight, once the net is trained: what is measured and drawn from is the packed net")
      .since(Node::map());
  b.group("samples", recipe.samples, "text drawn from the net when the run is done");
  if (parts_are_sound) check_use(recipe, b);
  if (b.given("price") || b.session().records_fields) {
    Price price;
    b.group("price", price, "what the published run of this recipe took; changes nothing");
    b.cosmetic({"price"});
  }
  b.field("seed", recipe.seed, {0, 9e15}, "of initial weights, batches, dropout and samples");
  b.finish_keys();
}

// Results differ between devices in their last bits, so that the identity holds the device that `auto` stands for here.
void settle_device(Recipe& recipe) {
  if (recipe.trainer.device != "auto") return;
  recipe.trainer.device = usable_device().name;
  recipe.device_note = device_line(usable_device());
  recipe.identity.set_at("trainer.device", Node(recipe.trainer.device));
}

// A procedure is part of the identity from its second version on.
void add_procedures(Recipe& recipe, const Registry& registry) {
  for (const auto& [name, version] : procedure_versions(registry)) {
    recipe.versions[name] = version;
    if (version > 1) recipe.parts[name] = version;
  }
}

}  // namespace

Recipe bind_recipe(const Registry& registry, const std::string& name, const Node& composed) {
  if (!composed.is(Node::Kind::map) && !composed.is(Node::Kind::null)) {
    throw ConfigError(composed.place.text(), name + ": expected a map, got a " + composed.kind_name(),
                      "bad_value");
  }
  const auto bind = [&](BindSession& session) {
    Recipe recipe{.name = name};
    Binder binder(session, composed, recipe.resolved);
    bind_fields(recipe, binder);
    return recipe;
  };
  BindSession session{.registry = &registry, .records_fields = false};
  Recipe recipe = bind(session);
  if (!session.problems.empty()) {  // once more, with all fields, which its complaints can name
    BindSession slow{.registry = &registry};
    bind(slow);
    slow.finish();
  }
  HashedSpec hashed = hashed_spec(recipe.resolved, session);
  recipe.identity = std::move(hashed.values);
  recipe.identity.erase("seed");
  recipe.parts = std::move(hashed.parts);
  recipe.versions = used_parts(session);
  settle_device(recipe);
  if (recipe.trainer.weights) recipe.identity.set_at("trainer.weights", Node(weights_digest(*recipe.trainer.weights)));
  add_procedures(recipe, registry);
  // Version 2 rounds the number of steps once, at the end. Whole epochs without accumulation have as many as in version 1.
  const TrainerConfig& trainer = recipe.trainer;
  const bool was_rounded_twice =
      trainer.epochs && (trainer.accumulate > 1 || *trainer.epochs != std::floor(*trainer.epochs));
  if (was_rounded_twice) recipe.parts["procedure:epochs"] = 2;
  return recipe;
}

void OpsConfig::bind(Binder& b) {
  for (const OpInfo& op : known_ops()) {
    std::string& path = paths.try_emplace(op.name, "auto").first->second;
    std::vector<std::string> choices = {"auto"};
    choices.insert(choices.end(), op.paths.begin(), op.paths.end());
    b.choice(op.name, path, choices, op.help + "; a path that cannot take what it is given is refused")
        .since("auto");
  }
}

std::map<std::string, std::string> OpsConfig::forced() const {
  std::map<std::string, std::string> forced = paths;
  std::erase_if(forced, [](const auto& each) { return each.second == "auto"; });
  return forced;
}

NetContext net_context(const Recipe& recipe, Initializer* initializer) {
  return {.vocabulary = recipe.vocabulary,
          .length = recipe.shape.length,
          .initializer = initializer,
          .classes = recipe.shape.classes,
          .channels = recipe.shape.channels,
          .may_look_ahead = recipe.shape.may_look_ahead};
}

std::shared_ptr<Data> make_data(const Recipe& recipe) {
  if (!recipe.data) return nullptr;
  std::shared_ptr<Data> data = recipe.data->make({program_root()});
  return recipe.data_pin.empty() ? data : pinned_data(std::move(data), recipe.data_pin);
}

std::shared_ptr<Tokenizer> make_tokenizer(const Recipe& recipe) {
  return recipe.tokenizer ? recipe.tokenizer->make({}) : nullptr;
}

std::shared_ptr<Task> make_task(const Recipe& recipe) {
  return recipe.task.make(
      {.data = make_data(recipe), .tokenizer = make_tokenizer(recipe), .length = recipe.trainer.length});
}

TaskUse task_use(const Recipe& recipe, at::Device device, const std::filesystem::path& cache) {
  return {.batch = recipe.trainer.batch,
          .parts = recipe.trainer.split,
          .seed = static_cast<uint64_t>(recipe.seed),
          .device = device,
          .precision = device.is_cpu() ? "fp32" : recipe.trainer.precision,
          .estimate_batches = recipe.trainer.evaluate_batches,
          .estimate_train = recipe.trainer.evaluate_train,
          .protocols = recipe.trainer.protocols,
          .most_tokens = recipe.trainer.evaluate_tokens,
          .cache = cache};
}

static std::shared_ptr<Net> made_net(const Recipe& recipe, Initializer& initializer) {
  auto net = recipe.net.make(net_context(recipe, &initializer));
  const bool wants_classes = recipe.shape.classes > 0;
  if (net->gives_classes() == wants_classes) return net;
  throw ConfigError("",
                    "net.type = " + recipe.net.type() + ": answers for " +
                        (wants_classes ? "every position" : "whole sequences") + ", task " +
                        recipe.task.type() + " asks for " +
                        (wants_classes ? "one class a sequence" : "tokens") + "; choose " +
                        (wants_classes ? "classifier" : "a language model"),
                    "bad_value");
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
  return made_net(recipe, initializer);
}

std::shared_ptr<Net> make_meta_net(const Recipe& recipe) {
  Initializer initializer = Initializer::meta();
  return made_net(recipe, initializer);
}

int64_t parameter_count(const Net& net) {
  int64_t count = 0;
  for (const at::Tensor& parameter : net.parameters()) count += parameter.numel();
  return count;
}

}  // namespace subband
