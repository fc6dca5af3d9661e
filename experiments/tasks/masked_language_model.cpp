// Some tokens of a text, hidden where they stand: what a net that looks both ways is trained on.
//   loss = mean over the tokens asked for of -ln p(x[t] | the window with those tokens hidden)
// Of a window of L tokens max(1, round(masked L)) are asked for, at different places; each is shown as the mask, id V,
// or by chance as a random token or as itself. V = 10, three of eight asked for, '.' no target:
//   text      3 1 4 1 5 9 2 6
//   inputs    3 V 4 1 7 9 2 6        at 1 the mask, at 4 a random token, at 6 the token itself
//   targets   . 1 . . 5 . 2 .
// The masks of training batch k are a function of the seed and k; those of validation and test are the same for every
// seed and batch size.
// Source  BERT, Devlin et al. 2018, arXiv 1810.04805, section 3.1; FNet, arXiv 2105.03824, trains on the same
#include <ATen/ATen.h>
#include <fmt/format.h>

#include <cmath>

#include "core/draws.h"
#include "core/error.h"
#include "experiments/data/files/token_file.h"
#include "experiments/task.h"
#include "experiments/tasks/evaluation.h"
#include "experiments/tasks/random_windows.h"

namespace subband::tasks::masked_language_model {

struct Config {
  double masked = 0.15;
  double random = 0.1;
  double unchanged = 0.1;

  void bind(Binder& b) {
    b.field("masked", masked, {0, 1, true}, "share of a window's tokens that are asked for");
    b.field("random", random, {0, 1}, "of those, share shown as a random token");
    b.field("unchanged", unchanged, {0, 1}, "of those, share shown as it is; the rest is shown as the mask");
    b.check(random + unchanged <= 1, "unchanged", "must be at most 1 with task.random");
  }
};

// Where windows stand and what the net is fed.
struct Frame {
  Config config;
  int64_t vocabulary = 0;  ///< V of the text; the mask is one more
  int64_t length = 1;
};

static void hide(const Frame& frame, Draws draws, std::span<int64_t> inputs, std::span<int64_t> targets) {
  const int64_t L = std::ssize(inputs);
  const auto asked = std::max<int64_t>(1, std::llround(frame.config.masked * static_cast<double>(L)));
  for (int64_t& target : targets) target = kNoTarget;
  for (const int64_t place : draws.distinct(asked, 0, L - 1)) {
    const auto at = static_cast<size_t>(place);
    targets[at] = inputs[at];
    const double chance = draws.uniform();
    if (chance < frame.config.unchanged) continue;
    const bool is_random = chance < frame.config.unchanged + frame.config.random;
    inputs[at] = is_random ? draws.below(frame.vocabulary) : frame.vocabulary;
  }
}

// Hides tokens of windows [B,L] on the CPU; row r draws from `stream` at `first` + r.
static Batch hidden(const Frame& frame, const at::Tensor& ids_BL, uint64_t seed, const std::string& stream,
                    uint64_t first) {
  Batch batch{.inputs_BL = ids_BL.clone(), .targets_BL = at::empty_like(ids_BL)};
  const int64_t L = ids_BL.size(1);
  const auto row_of = [L](const at::Tensor& x, int64_t row) {
    return std::span(x.mutable_data_ptr<int64_t>() + row * L, static_cast<size_t>(L));
  };
  for (int64_t row = 0; row < ids_BL.size(0); ++row)
    hide(frame, Draws(seed, stream, first + static_cast<uint64_t>(row)), row_of(batch.inputs_BL, row),
         row_of(batch.targets_BL, row));
  return batch;
}

static Batch moved(const Batch& batch, const TaskUse& use) {
  return {.inputs_BL = batch.inputs_BL.to(use.device), .targets_BL = batch.targets_BL.to(use.device)};
}

static TokenFile opened(const TaskContext& context, const TaskUse& use, const std::string& split) {
  return open_tokens(*context.data, *context.tokenizer, split, use.cache);
}

// Disjoint windows, as many as are whole.
static Metrics measured(const Frame& frame, const TaskContext& context, const TaskUse& use,
                        const std::string& split, Net& net) {
  const EvaluationMode mode(net);
  const TokenFile tokens = opened(context, use, split);
  const int64_t L = frame.length;
  int64_t windows = plan_windows(tokens.window_starts(L), L, "blocks").windows;
  if (use.most_tokens) windows = std::min(windows, std::max<int64_t>(1, *use.most_tokens / L));
  AskedTokens asked;
  std::vector<int64_t> starts;
  for (int64_t first = 0; first < windows; first += use.batch) {
    starts.clear();
    for (int64_t window = first; window < std::min(windows, first + use.batch); ++window)
      starts.push_back(window * L);
    const at::Tensor ids = at::empty({std::ssize(starts), L}, at::kLong);
    tokens.gather(starts, L, {ids.mutable_data_ptr<int64_t>(), static_cast<size_t>(ids.numel())});
    asked.add(net, moved(hidden(frame, ids, 0, "mask " + split, static_cast<uint64_t>(first)), use), use);
  }
  return asked.metrics(split, "");
}

class OpenMasked final : public OpenTask {
 public:
  OpenMasked(const Frame& frame, const TaskContext& context, const TaskUse& use)
      : frame_(frame),
        use_(use),
        train_(opened(context, use, "train")),
        valid_(opened(context, use, "valid")),
        windows_(train_, windows_of("batch")),
        valid_windows_(valid_, windows_of("valid")) {}

  const Batch& draw(uint64_t index) override {
    return batch_ = moved(masked(windows_, "mask batch", index), use_);
  }
  int64_t batches_per_epoch() const override { return train_.tokens() / (frame_.length * use_.batch); }
  std::string epoch_text() const override { return fmt::format("{} tokens", train_.tokens()); }
  Metrics estimate(Net& net) override {
    const EvaluationMode mode(net);
    AskedTokens asked;
    for (uint64_t index = 0; index < static_cast<uint64_t>(use_.estimate_batches); ++index)
      asked.add(net, moved(masked(valid_windows_, "mask valid_estimate", index), use_), use_);
    return asked.metrics("valid", "_estimate");
  }

 private:
  RandomWindows::Options windows_of(const std::string& stream) const {
    return {.batch = use_.batch, .length = frame_.length, .seed = use_.seed, .stream = stream};
  }
  Batch masked(RandomWindows& windows, const std::string& stream, uint64_t index) const {
    const auto rows = static_cast<uint64_t>(use_.batch);
    return hidden(frame_, windows.draw(index).inputs_BL, use_.seed, stream, index * rows);
  }

  Frame frame_;
  TaskUse use_;
  TokenFile train_, valid_;
  RandomWindows windows_, valid_windows_;
  Batch batch_;
};

class MaskedLanguageModel final : public Task {
 public:
  MaskedLanguageModel(const Config& config, const TaskContext& context)
      : context_(context),
        frame_{config, context.tokenizer ? context.tokenizer->vocabulary() : 0, context.length} {}

  bool reads_data() const override { return true; }
  std::vector<Protocol> protocols() const override { return {{"blocks", "disjoint windows", true}}; }
  TaskShape shape() const override {
    if (context_.data->form())
      throw ConfigError("",
                        "task.type = masked_language_model: data." + context_.data->name() +
                            " holds labelled examples; choose classification or other data",
                        "bad_value");
    return {.vocabulary = frame_.vocabulary + 1, .length = frame_.length, .may_look_ahead = true};
  }
  std::string objective() const override { return "cross-entropy of the tokens that are hidden"; }
  Batch example() const override {
    Batch batch = Task::example();
    return hidden(frame_, batch.inputs_BL, 0, "mask example", 0);
  }
  std::vector<MetricInfo> metrics(const std::vector<std::string>&) const override {
    std::vector<MetricInfo> all;
    for (const std::string& split : context_.data->splits()) {
      if (split == "train") continue;
      all.push_back({split + ".loss", "cross-entropy of hidden tokens, nats each", "min"});
      all.push_back({split + ".accuracy", "share of hidden tokens whose likeliest answer is right", "max"});
    }
    return all;
  }
  std::unique_ptr<OpenTask> open(const TaskUse& use) const override {
    return std::make_unique<OpenMasked>(frame_, context_, use);
  }
  std::vector<Measurement> measurements(const TaskUse& use) const override {
    std::vector<Measurement> all;
    for (const std::string& split : context_.data->splits())
      all.push_back({split, split, [frame = frame_, context = context_, use, split](Net& net) {
                       return measured(frame, context, use, split, net);
                     }});
    return all;
  }

 private:
  TaskContext context_;
  Frame frame_;
};

void add_to(TaskRegistry& registry) {
  registry.add<MaskedLanguageModel, Config>({.name = "masked_language_model",
                                             .summary = "hidden tokens of a text, from both sides",
                                             .source = "BERT, arXiv 1810.04805, section 3.1"});
}

}  // namespace subband::tasks::masked_language_model
