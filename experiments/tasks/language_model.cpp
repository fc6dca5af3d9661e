// The next token of a text, at every position.
//   loss = mean over windows and positions of -ln p(x[t+1] | x[1] … x[t])
// Source  WaveletLM's training script: windows that start anywhere; Transformer-XL's: windows that follow each other
#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "core/slot.h"
#include "experiments/data/files/token_file.h"
#include "experiments/generation/generator.h"
#include "experiments/generation/text_quality.h"
#include "experiments/task.h"
#include "experiments/tasks/evaluation.h"
#include "experiments/tasks/random_windows.h"
#include "experiments/tasks/sequential_windows.h"

namespace subband::tasks::language_model {

constexpr const char* kGenerated = "generated";

// Of the protocol `generated`.
struct GeneratedConfig {
  int64_t prompts = 8;
  int64_t prompt_tokens = 64;
  int64_t tokens = 128;
  Slots<Sampling> strategies;

  void bind(Binder& b) {
    b.field("prompts", prompts, {1, 1e6}, "texts that are drawn, from prompts at equal distances in the split").since(int64_t{8});
    b.field("prompt_tokens", prompt_tokens, {1, 1e6}, "length of a prompt").since(int64_t{64});
    b.field("tokens", tokens, {1, 1e6}, "drawn behind each").since(int64_t{128});
    b.parts("strategies", strategies, SamplingContext{}, "decoding, side by side; they work in a fixed order")
        .since(config::Node::map());
    const std::string wrong = b.session().problems.empty() ? Strategies::complaint(parts()) : "";
    b.check(wrong.empty(), "strategies", wrong);
    const bool change_net =
        b.session().problems.empty() && std::ranges::any_of(parts(), [](const auto& part) { return part->stage() == SamplingStage::net; });
    b.check(!change_net, "strategies", "fast_weight_updates changes the net; set update_rate of its fast_weight_memory instead");
  }
  SamplingParts parts() const {
    SamplingParts parts;
    for (const auto& [label, slot] : strategies.all()) parts.push_back(slot.make({}));
    return parts;
  }
};

struct Config {
  std::string windows = "random";
  GeneratedConfig generated;

  void bind(Binder& b) {
    b.choice("windows", windows, {"random", "sequential"},
             "random: training windows start anywhere; sequential: row b of a batch goes on where row b of the "
             "last one ended, for nets that carry a state from window to window")
        .since("random");
    b.group("generated", generated, "the texts of the protocol `generated`").since(config::Node::map());
  }
};

static TokenFile opened(const TaskContext& context, const TaskUse& use, const std::string& split) {
  return open_tokens(*context.data, *context.tokenizer, split, use.cache);
}

static std::string name_of_unscored(const std::string& split, const std::string& protocol) {
  return split + ".unscored_tokens" + (protocol == "blocks" ? "" : "_" + protocol);
}

static Metrics scored(const TaskContext& context, const TaskUse& use, const std::string& split,
                      const std::string& protocol, Net& net) {
  const TokenFile tokens = opened(context, use, split);
  const EvaluationOptions options{.length = context.length,
                                  .batch = use.batch,
                                  .device = use.device,
                                  .precision = use.precision,
                                  .most_tokens = use.most_tokens};
  const Score result = score(net, tokens, protocol, options);
  Metrics metrics = loss_metrics(split, protocol, result.loss(), tokens);
  metrics[name_of_unscored(split, protocol)] = static_cast<double>(result.unscored);
  return metrics;
}

// Texts drawn behind prompts of the split, by the run's seed.
static Metrics drawn(const Config& config, const TaskContext& context, const TaskUse& use, const std::string& split, Net& net) {
  const TokenFile tokens = opened(context, use, split);
  const GeneratedConfig& plan = config.generated;
  const int64_t starts = tokens.window_starts(plan.prompt_tokens);
  std::vector<std::vector<int32_t>> prompts;
  std::vector<int64_t> ids(static_cast<size_t>(plan.prompt_tokens));
  for (int64_t i = 0; i < plan.prompts; ++i) {
    tokens.copy(i * starts / plan.prompts, ids);
    prompts.emplace_back(ids.begin(), ids.end());
  }
  const auto texts = generate(net, *context.tokenizer, Strategies(plan.parts()), prompts,
                              {.tokens = plan.tokens,
                               .seed = use.seed,
                               .most_rows = use.batch,
                               .source = {.length = context.length,
                                          .device = use.device,
                                          .precision = use.precision,
                                          .most_tried = use.batch}});
  std::vector<std::vector<DrawnToken>> drawn;
  for (const GeneratedText& text : texts) drawn.push_back(text.tokens);
  Metrics metrics;
  for (const auto& [name, value] : text_quality(drawn)) metrics[split + "." + name + "_" + kGenerated] = value;
  return metrics;
}

static std::vector<MetricInfo> drawn_metrics(const std::string& split) {
  std::vector<MetricInfo> all = {
      {"mean_log_p", "mean log-probability of drawn tokens as the strategies leave it, nats", "max"},
      {"mean_entropy", "mean entropy before the temperature where tokens are drawn, nats", ""},
      {"distinct_1", "different tokens over tokens of a drawn text", "max"},
      {"distinct_2", "different pairs of tokens over pairs of a drawn text", "max"},
      {"distinct_3", "different triples of tokens over triples of a drawn text", "max"},
      {"repeated_4", "share of a drawn text inside four tokens that occur twice", "min"},
      {"drift", "1 - cosine of the fingerprints of prompt and last tokens, where coherence looks", "min"}};
  for (MetricInfo& each : all) each.name = split + "." + each.name + "_" + kGenerated;
  return all;
}

class OpenLanguageModel final : public OpenTask {
 public:
  OpenLanguageModel(const Config& config, const TaskContext& context, const TaskUse& use)
      : context_(context),
        use_(use),
        train_(opened(context, use, "train")),
        valid_(opened(context, use, "valid")),
        windows_(train_, windows_of("batch")),
        valid_windows_(valid_, windows_of("valid")) {
    if (config.windows == "sequential") streams_.emplace(train_, windows_of("batch"));
    if (use.estimate_train) train_windows_.emplace(train_, windows_of("train_estimate"));
  }

  const Batch& draw(uint64_t index) override {
    return streams_ ? streams_->draw(index) : windows_.draw(index);
  }
  int64_t batches_per_epoch() const override {
    return streams_ ? streams_->batches_per_pass() : train_.tokens() / (context_.length * use_.batch);
  }
  std::string epoch_text() const override { return fmt::format("{} tokens", train_.tokens()); }

  Metrics estimate(Net& net) override {
    Metrics estimates;
    const auto add = [&](const std::string& split, const TokenFile& tokens, RandomWindows& windows) {
      const double loss = estimate_loss(net, windows, use_);
      for (const auto& [name, value] : loss_metrics(split, "blocks", loss, tokens))
        estimates[name + "_estimate"] = value;
    };
    if (train_windows_) add("train", train_, *train_windows_);
    add("valid", valid_, valid_windows_);
    return estimates;
  }

 private:
  RandomWindows::Options windows_of(const std::string& stream) const {
    return {.batch = use_.batch,
            .length = context_.length,
            .seed = use_.seed,
            .stream = stream,
            .device = use_.device};
  }

  TaskContext context_;
  TaskUse use_;
  TokenFile train_, valid_;
  RandomWindows windows_, valid_windows_;
  std::optional<SequentialWindows> streams_;    // instead of `windows_`
  std::optional<RandomWindows> train_windows_;  // of estimates
};

class LanguageModel final : public Task {
 public:
  LanguageModel(const Config& config, const TaskContext& context) : config_(config), context_(context) {}

  bool reads_data() const override { return true; }
  TaskShape shape() const override {
    if (context_.data->form())
      throw ConfigError("",
                        "task.type = language_model: data." + context_.data->name() +
                            " holds labelled examples; choose classification or other data",
                        "bad_value");
    return {.vocabulary = context_.tokenizer->vocabulary(), .length = context_.length};
  }
  bool writes_text() const override { return true; }
  bool estimates_training() const override { return true; }
  std::vector<Protocol> protocols() const override {
    std::vector<Protocol> all = text_protocols();
    all.push_back({kGenerated, "texts drawn behind prompts of the split: how likely, varied and repetitive they are", false});
    return all;
  }
  std::string objective() const override { return "cross-entropy of the next token"; }
  std::vector<MetricInfo> metrics(const std::vector<std::string>& protocols) const override {
    std::vector<MetricInfo> all;
    for (const std::string& split : context_.data->splits()) {
      for (const std::string& protocol : protocols) {
        if (split == "train") continue;
        if (protocol == kGenerated) {
          for (MetricInfo& metric : drawn_metrics(split)) all.push_back(std::move(metric));
          continue;
        }
        for (MetricInfo& metric : text_metrics(split, protocol)) all.push_back(std::move(metric));
        all.push_back({name_of_unscored(split, protocol), "tokens that no window scored, " + protocol, ""});
      }
    }
    return all;
  }
  std::unique_ptr<OpenTask> open(const TaskUse& use) const override {
    return std::make_unique<OpenLanguageModel>(config_, context_, use);
  }
  std::vector<Measurement> measurements(const TaskUse& use) const override {
    std::vector<Measurement> all;
    for (const std::string& split : context_.data->splits()) {
      for (const std::string& protocol : use.protocols)
        all.push_back({split, split + " " + protocol, [config = config_, context = context_, use, split, protocol](Net& net) {
                         return protocol == kGenerated ? drawn(config, context, use, split, net)
                                                       : scored(context, use, split, protocol, net);
                       }});
    }
    return all;
  }

 private:
  Config config_;
  TaskContext context_;
};

void add_to(TaskRegistry& registry) {
  registry.add<LanguageModel, Config>({.name = "language_model",
                                       .summary = "the next token of a text, at every position",
                                       .source = "WaveletLM's windows; protocols of the published tables"});
}

}  // namespace subband::tasks::language_model
