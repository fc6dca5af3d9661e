// Probes of what trains: optimisers, schedules, tasks, tokenisers, and the procedures that every run shares. What is
// measured is exact or in fp64, so that machines agree. Not probed: data sets, whose content is in every run's manifest;
// launchers; initial weights, whose last bits differ between instruction sets.
#include <torch/torch.h>

#include <cmath>
#include <set>

#include "core/config/yaml.h"
#include "core/files.h"
#include "core/tensors/random.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "core/testing/probe_book.h"
#include "experiments/tasks/evaluation.h"
#include "experiments/tasks/sequential_windows.h"
#include "experiments/testing/optimizers.h"
#include "experiments/testing/sampling.h"
#include "experiments/testing/tasks.h"
#include "experiments/testing/tiny_tokens.h"
#include "experiments/training/procedure.h"
#include "experiments/training/trainer.h"

namespace experiments_probes_test {
using namespace subband;
using config::Node;
using testing::ProbeBook;

static at::Tensor noise(const std::string& name, at::IntArrayRef shape) {
  return at::empty(shape, at::kDouble).normal_(0, 1, stream(1, "probe " + name));
}

static double against_noise(const at::Tensor& x, const std::string& name) {
  return (x.to(at::kDouble) * noise(name, x.sizes())).sum().item<double>();
}

static Registry all_parts() {
  Registry registry = testing::tiny_registry();
  register_procedures(registry);
  return registry;
}

class Prober {
 public:
  Prober() : registry_(all_parts()), book_(program_root() / "experiments/probes.json") {}
  ~Prober() {
    if (ProbeBook::is_writing()) book_.write();
  }
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

  const Registry& registry() const { return registry_; }
  void note(const std::string& kind, const std::string& part, const std::string& name,
            const std::vector<double>& values) {
    seen_.insert(kind + ":" + part);
    const int version = registry_.find(kind)->info(part)->version;
    const std::string verdict = book_.verdict(kind + ":" + part, version, name, values);
    if (verdict.empty()) return;
    if (ProbeBook::is_writing())
      std::cerr << verdict << "\n";
    else
      FAIL_CHECK(verdict);
  }
  void finish() const {
    const std::set<std::string> left_out = {"procedure:initialization", "tokenizer:letters"};
    for (const char* kind : {"optimizer", "sampling", "schedule", "task", "tokenizer", "procedure"}) {
      for (const std::string& name : registry_.find(kind)->names()) {
        const std::string part = std::string(kind) + ":" + name;
        CAPTURE(part);
        CHECK((seen_.contains(part) || left_out.contains(part)));
      }
    }
    if (!ProbeBook::is_writing()) CHECK(book_.idle() == std::vector<std::string>{});
  }

 private:
  Registry registry_;
  ProbeBook book_;
  std::set<std::string> seen_;
};

// Three updates of a matrix and a vector.
static std::vector<double> updates(const Registry& registry, const std::string& name,
                                   const testing::Fields& fields) {
  const at::Tensor matrix = noise("matrix", {3, 4}), vector = noise("vector", {5});
  const auto optimizer =
      testing::make_part<Optimizer>(registry, name, fields, testing::trained({matrix, vector}));
  for (int step = 0; step < 3; ++step) {
    matrix.mutable_grad() = noise("gradient " + std::to_string(step), {3, 4});
    vector.mutable_grad() = noise("small gradient " + std::to_string(step), {5});
    testing::step(*optimizer, 0.1 / (1 + step));
  }
  return {against_noise(matrix, "m"), against_noise(vector, "v")};
}

static void probe_optimizers(Prober& prober) {
  for (const std::string& name : prober.registry().of<Optimizer>().names()) {
    prober.note("optimizer", name, "defaults", updates(prober.registry(), name, {}));
    prober.note("optimizer", name, "weight_decay=0.1",
                updates(prober.registry(), name, {{"weight_decay", Node(0.1)}}));
  }
}

static void probe_schedules(Prober& prober) {
  for (const std::string& name : prober.registry().of<Schedule>().names()) {
    const auto schedule = testing::make_part<Schedule>(prober.registry(), name, {{"warmup", Node(0.1)}},
                                                       {.steps = 50, .peak = 1});
    std::vector<double> rates;
    for (const int64_t step : {0, 3, 5, 20, 49}) rates.push_back(schedule->rate(step));
    prober.note("schedule", name, "warmup=0.1", rates);
  }
}

// One step of 40 tokens behind a text of 36, of which the prompt has 20; a choice; a finished text; a changed net.
static void probe_samplings(Prober& prober) {
  const at::Tensor logits = noise("logits", {40}) * 2;
  std::vector<int32_t> ids;
  for (int32_t i = 0; i < 36; ++i) ids.push_back(i * i % 37);
  testing::FunctionRollout rollout([&](const std::vector<int32_t>& tried) {
    const at::Tensor next = logits.roll(tried.back() * 3 + std::ssize(tried), 0).contiguous();
    return std::vector<double>(next.const_data_ptr<double>(), next.const_data_ptr<double>() + 40);
  });
  for (const std::string& name : prober.registry().of<Sampling>().names()) {
    const auto part = testing::make_part<Sampling>(prober.registry(), name);
    SamplingStep step{.ids = ids,
                      .prompt = 20,
                      .logits = {logits.const_data_ptr<double>(), logits.const_data_ptr<double>() + 40},
                      .entropy = 1.5,
                      .embedding_VC = noise("embedding", {40, 6})};
    part->apply(step);
    double sum = 0, kept = 0;
    for (const double each : step.logits)
      if (std::isfinite(each)) sum += each, ++kept;
    Node net = config::parse_yaml("net: {type: fast_weight_memory, update_rate: 0.0}", "probe");
    part->adapt(net);
    prober.note("sampling", name, "defaults",
                {sum, kept, step.top_p_off, static_cast<double>(part->choose(step, rollout).value_or(-1)),
                 static_cast<double>(part->attempts()), static_cast<double>(part->finished("a , b ( c ) \" d \"").size()),
                 net.at("net.update_rate")->number()});
  }
}

static void probe_tokenizers(Prober& prober) {
  const std::string text =
      "Call me Ishmael. Some years ago—never mind\nhow long; 1851, it's precisely 3 x 617.";
  const std::string model = (program_root() / "experiments/testdata/small_pieces.model").string();
  for (const std::string& name : prober.registry().of<Tokenizer>().names()) {
    if (name == "letters") continue;  // of the tests themselves
    testing::Fields fields;
    if (name == "sentencepiece") fields = {{"model", Node(model)}, {"vocabulary", Node(int64_t{120})}};
    const auto tokenizer = testing::make_part<Tokenizer>(prober.registry(), name, fields);
    std::vector<int32_t> ids;
    tokenizer->encode(text, ids);
    double weighted = 0;
    for (size_t i = 0; i < ids.size(); ++i)
      weighted += static_cast<double>(ids[i]) * static_cast<double>(i + 1);
    prober.note("tokenizer", name, "defaults", {static_cast<double>(ids.size()), weighted});
  }
}

// A recipe of the tiny parts with this task.
static Recipe recipe_of(const Registry& registry, const std::string& task) {
  Node config = testing::tiny_config();
  const bool reads = testing::make_part<Task>(registry, task)->reads_data();
  if (!reads) config.erase("data"), config.erase("tokenizer");
  config.set("task", Node(task));
  config.set_at("trainer.length", Node(int64_t{32}));
  config.set_at("trainer.protocols", Node::list({Node("blocks")}));
  if (!reads) config.find("trainer")->erase("protocols");
  return bind_recipe(registry, "probe", config);
}

class Answering final : public Net {
 public:
  // Right by 64 nats or wrong by 64: sums without rounding.
  at::Tensor forward(const at::Tensor& inputs, const Pass&) override {
    return at::one_hot(inputs.select(1, 0).remainder(4), 4).to(at::kFloat) * 64;
  }
  bool gives_classes() const override { return true; }
  PartCosts costs(int64_t, int64_t) const override { return {}; }
};

// Its batches are those of labelled data, which is probed nowhere: what it makes of answers.
static double classification_loss(const Registry& registry) {
  Answering net;
  const at::Tensor inputs = at::arange(8, at::kLong).view({8, 1});
  const at::Tensor labels = at::arange(8, at::kLong).remainder(3);
  const auto task = testing::make_part<Task>(registry, "classification");
  return task->loss(net, {.inputs_BL = inputs, .targets_BL = labels}).item<double>();
}

// The fourth batch of every task.
static void probe_tasks(Prober& prober) {
  const TestFolder folder;
  for (const std::string& name : prober.registry().of<Task>().names()) {
    if (name == "classification") {
      prober.note("task", name, "loss", {classification_loss(prober.registry())});
      continue;
    }
    const Recipe recipe = recipe_of(prober.registry(), name);
    const auto task = make_task(recipe);
    const auto open = task->open(task_use(recipe, at::kCPU, folder.path()));
    const Batch& batch = open->draw(3);
    prober.note("task", name, "batch 3",
                {against_noise(batch.inputs_BL, "inputs"), against_noise(batch.targets_BL, "targets")});
  }
}

// Four steps in fp64, clipped, of two micro-batches each.
static void probe_training(Prober& prober) {
  Node config = testing::tiny_config();
  config.set_at("trainer.accumulate", Node(int64_t{2}));
  config.set_at("trainer.clip_norm", Node(0.01));
  config.set_at("optimizer.type", Node("adamw"));
  const Recipe recipe = bind_recipe(prober.registry(), "probe", config);
  const TestFolder folder;
  const auto net = make_net(recipe);
  net->to(at::kDouble);
  const at::NoGradGuard no_gradient;
  for (auto& item : net->named_parameters())
    item.value().copy_(0.3 * noise(item.key(), item.value().sizes()));
  at::AutoGradMode gradients(true);
  const auto open = make_task(recipe)->open(task_use(recipe, at::kCPU, folder.path()));
  Trainer trainer(recipe, *net, *open, {.steps = 12});
  std::vector<double> values;
  for (int step = 0; step < 4; ++step) {
    const StepResult result = trainer.step();
    values.push_back(result.loss), values.push_back(result.gradient_norm);
  }
  for (const auto& item : net->named_parameters())
    values.push_back(against_noise(item.value().detach(), "end of " + item.key()));
  prober.note("procedure", "training", "four steps", values);
}

// Either certain and right, which costs nothing, or certain and wrong, which costs 64 nats: sums without rounding.
class Certain final : public Net {
 public:
  at::Tensor forward(const at::Tensor& ids_BL, const Pass&) override {
    const at::Tensor answers = (ids_BL * 5 + at::arange(ids_BL.size(1))).remainder(6);
    return at::one_hot(answers, 27).to(at::kFloat) * 64;
  }
  PartCosts costs(int64_t, int64_t) const override { return {}; }
  int64_t most_tokens() const override { return kEndless; }
};

static void probe_evaluation(Prober& prober) {
  const testing::TinyTokens text = testing::tiny_tokens("valid");
  for (const Protocol& protocol : text_protocols()) {
    Certain net;
    const Score result = score(net, text.tokens, protocol.name, {.length = 9, .batch = 2});
    prober.note("procedure", "evaluation", protocol.name,
                {std::round(result.total_nats), static_cast<double>(result.scored)});
  }
}

static void probe_reading(Prober& prober) {
  const testing::TinyTokens text = testing::tiny_tokens("train");
  const RandomWindows::Options options{.batch = 3, .length = 9, .seed = 5, .stream = "batch"};
  RandomWindows random(text.tokens, options);
  SequentialWindows sequential(text.tokens, options);
  const auto values = [](const Batch& batch) -> std::vector<double> {
    return {against_noise(batch.inputs_BL, "inputs"), against_noise(batch.targets_BL, "targets")};
  };
  prober.note("procedure", "reading", "random windows", values(random.draw(4)));
  prober.note("procedure", "reading", "sequential windows", values(sequential.draw(4)));
}

TEST_CASE("what trains and measures is what was stored when its version was set", "[probes]") {
  Prober prober;
  probe_optimizers(prober);
  probe_schedules(prober);
  probe_samplings(prober);
  probe_tokenizers(prober);
  probe_tasks(prober);
  probe_training(prober);
  probe_evaluation(prober);
  probe_reading(prober);
  prober.finish();
}

}  // namespace experiments_probes_test
