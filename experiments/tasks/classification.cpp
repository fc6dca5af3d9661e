// One label for a whole sequence.
//   loss = mean over the batch of -ln p(label | sequence)
// Every pass over the training examples has an order of its own; batch k takes the next B of it, so it is a function of
// the seed and k alone. Sequences are cut at the trainer's length and padded on the right up to the longest of their
// batch.
// Source  Long Range Arena (Tay et al. 2020, arXiv 2011.04006), which cuts and pads likewise
#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <optional>

#include "core/draws.h"
#include "core/error.h"
#include "core/tensors/autocast.h"
#include "experiments/data/epoch_order.h"
#include "experiments/task.h"
#include "experiments/tasks/classification_metrics.h"
#include "experiments/tasks/evaluation.h"

namespace subband::tasks::classification {

struct Config {
  void bind(Binder&) {}
};

// Text as the ids of its first `length` tokens.
static ExampleSet tokenized(const ExampleSet& texts, const Tokenizer& tokenizer, int64_t length,
                            int64_t& cut) {
  ExampleSet examples;
  std::vector<int32_t> ids;
  std::vector<uint16_t> narrow;
  for (int64_t i = 0; i < texts.size(); ++i) {
    ids.clear();
    tokenizer.encode(texts.text(i), ids);
    cut += std::ssize(ids) > length;
    if (std::ssize(ids) > length) ids.resize(static_cast<size_t>(length));
    narrow.assign(ids.begin(), ids.end());
    examples.add_ids(narrow, texts.label(i));
  }
  return examples;
}

// A split in the form in which nets take it.
class Split {
 public:
  Split(const TaskContext& context, const std::string& split)
      : form_(*context.data->form()), length_(context.length), examples_(context.data->examples(split)) {
    if (form_.is_text())
      examples_ = tokenized(examples_, *context.tokenizer, length_, cut_);
    else
      for (int64_t i = 0; i < examples_.size(); ++i) cut_ += whole(i) > length_;
    if (examples_.size() == 0)
      throw Error("data." + context.data->name(), "split " + split + ": holds no example");
  }

  int64_t size() const { return examples_.size(); }
  int64_t cut() const { return cut_; }  ///< examples that are longer than the window; they keep their labels
  int64_t classes() const { return form_.classes; }
  int64_t label(int64_t index) const { return examples_.label(index); }
  int64_t positions(int64_t index) const {
    return std::clamp<int64_t>(whole(index), 1, length_);  // an empty sequence is one position of padding
  }
  Batch batch(std::span<const int64_t> rows, at::Device device) const;

 private:
  int64_t whole(int64_t index) const {
    return form_.channels > 0 ? std::ssize(examples_.numbers(index)) / form_.channels
                              : std::ssize(examples_.ids(index));
  }
  void copy_row(int64_t row, int64_t index, at::Tensor& inputs, at::Tensor& keep) const;

  ExampleForm form_;
  int64_t length_;
  ExampleSet examples_;
  int64_t cut_ = 0;
};

void Split::copy_row(int64_t row, int64_t index, at::Tensor& inputs, at::Tensor& keep) const {
  const int64_t length = inputs.size(1);
  int64_t real = 0;
  if (form_.channels > 0) {
    const auto numbers = examples_.numbers(index);
    real = std::min(std::ssize(numbers) / form_.channels, length);
    std::copy_n(numbers.begin(), real * form_.channels,
                inputs.mutable_data_ptr<float>() + row * length * form_.channels);
  } else {
    const auto ids = examples_.ids(index);
    real = std::min(std::ssize(ids), length);
    std::copy_n(ids.begin(), real, inputs.mutable_data_ptr<int64_t>() + row * length);
  }
  std::fill_n(keep.mutable_data_ptr<bool>() + row * length, real, true);
}

Batch Split::batch(std::span<const int64_t> rows, at::Device device) const {
  const int64_t count = std::ssize(rows);
  int64_t longest = 1;
  for (const int64_t index : rows) longest = std::max(longest, positions(index));
  at::Tensor inputs = form_.channels > 0
                          ? at::zeros({count, longest, form_.channels}, at::TensorOptions(at::kFloat))
                          : at::zeros({count, longest}, at::TensorOptions(at::kLong));
  at::Tensor keep = at::zeros({count, longest}, at::TensorOptions(at::kBool));
  at::Tensor labels = at::empty({count}, at::TensorOptions(at::kLong));
  for (int64_t row = 0; row < count; ++row) {
    const int64_t index = rows[static_cast<size_t>(row)];
    copy_row(row, index, inputs, keep);
    labels.mutable_data_ptr<int64_t>()[row] = label(index);
  }
  Batch batch{.inputs_BL = inputs.to(device), .targets_BL = labels.to(device)};
  if (!keep.all().item<bool>()) batch.keep_BL = keep.to(device);
  return batch;
}

// Sequences of like length go through the net together: less padding, the same answers.
static Answers answers_of(Net& net, const Split& examples, std::vector<int64_t> rows, const TaskUse& use) {
  const EvaluationMode mode(net);
  std::ranges::stable_sort(rows, {}, [&](int64_t index) { return examples.positions(index); });
  Answers answers{.classes = examples.classes()};
  for (size_t first = 0; first < rows.size(); first += static_cast<size_t>(use.at_once())) {
    const size_t count = std::min(rows.size() - first, static_cast<size_t>(use.at_once()));
    const Batch batch = examples.batch(std::span(rows).subspan(first, count), use.device);
    const Autocast autocast(use.precision);
    const at::Tensor logits = net.forward(batch.inputs_BL, {.keep_BL = batch.keep_BL});
    const at::Tensor logs = at::log_softmax(logits.to(at::kDouble), -1).cpu().contiguous();
    const double* values = logs.const_data_ptr<double>();
    answers.log_probabilities.insert(answers.log_probabilities.end(), values, values + logs.numel());
    for (size_t i = 0; i < count; ++i) answers.labels.push_back(examples.label(rows[first + i]));
  }
  return answers;
}

static Metrics measured(const TaskContext& context, const TaskUse& use, const std::string& split, Net& net) {
  const Split examples(context, split);
  std::vector<int64_t> all(static_cast<size_t>(examples.size()));
  std::iota(all.begin(), all.end(), int64_t{0});
  Metrics metrics = classification_metrics(split, answers_of(net, examples, all, use));
  if (examples.cut() > 0) metrics[split + ".cut_examples"] = static_cast<double>(examples.cut());
  return metrics;
}

class OpenClassification final : public OpenTask {
 public:
  OpenClassification(const TaskContext& context, const TaskUse& use)
      : context_(context), use_(use), train_(context, "train"), epoch_order_(train_.size(), use.seed) {}

  const Batch& draw(uint64_t index) override {
    std::vector<int64_t> rows(static_cast<size_t>(use_.batch));
    const auto first = static_cast<int64_t>(index) * use_.batch;
    for (int64_t row = 0; row < use_.batch; ++row) rows[static_cast<size_t>(row)] = epoch_order_.at(first + row);
    batch_ = train_.batch(rows, use_.device);
    return batch_;
  }
  int64_t batches_per_epoch() const override { return train_.size() / use_.batch; }
  std::string epoch_text() const override { return fmt::format("{} examples", train_.size()); }
  std::vector<std::string> notes() const override {
    if (train_.cut() == 0) return {};
    return {fmt::format(
        "train: {} of {} sequences are longer than trainer.length = {} and are cut there; their labels "
        "are those of the whole",
        train_.cut(), train_.size(), context_.length)};
  }

  // The same examples at every estimate and for every seed.
  Metrics estimate(Net& net) override {
    if (!valid_) valid_.emplace(context_, "valid");
    std::vector<int64_t> some = Draws(0, "estimate").permutation(valid_->size());
    some.resize(static_cast<size_t>(std::min(valid_->size(), use_.batch * use_.estimate_batches)));
    return classification_metrics("valid", answers_of(net, *valid_, some, use_), "_estimate");
  }

 private:
  TaskContext context_;
  TaskUse use_;
  Split train_;
  std::optional<Split> valid_;  // read at the first estimate
  EpochOrder epoch_order_;
  Batch batch_;
};

class Classification final : public Task {
 public:
  Classification(const Config&, const TaskContext& context) : context_(context) {}

  bool reads_data() const override { return true; }
  bool needs_tokenizer(const Data& data) const override { return data.form() && data.form()->is_text(); }

  TaskShape shape() const override {
    const auto form = context_.data->form();
    if (!form)
      throw ConfigError("",
                        "task.type = classification: data." + context_.data->name() +
                            " holds text without labels; choose language_model or other data",
                        "bad_value");
    TaskShape shape{.vocabulary = form->vocabulary,
                    .classes = form->classes,
                    .channels = form->channels,
                    .length = context_.length,
                    .may_look_ahead = true};
    if (!form->is_text()) return shape;
    shape.vocabulary = context_.tokenizer->vocabulary();
    if (shape.vocabulary > 1 << 16)
      throw ConfigError("",
                        fmt::format("tokenizer: {} different tokens: classification takes at most 65,536",
                                    shape.vocabulary),
                        "bad_value");
    return shape;
  }
  std::string objective() const override { return "cross-entropy of the label of a whole sequence"; }
  at::Tensor loss(Net& net, const Batch& batch, SequenceState*) const override {
    const at::Tensor logits = net.forward(batch.inputs_BL, {.keep_BL = batch.keep_BL});
    return at::cross_entropy_loss(logits.to(at::kFloat), batch.targets_BL);
  }
  // Longer than a window of text: such nets may put many inputs into one position.
  Batch example() const override {
    constexpr int64_t kShortSequence = 2048;
    const TaskShape form = shape();
    const int64_t length = std::min(kShortSequence, form.length);
    const at::Tensor label = at::zeros({1}, at::kLong);
    if (form.channels == 0) {
      const int64_t ids = std::min<int64_t>(2, form.vocabulary);
      return {.inputs_BL = at::arange(length, at::kLong).remainder(ids).unsqueeze(0), .targets_BL = label};
    }
    const at::Tensor numbers = at::linspace(-1, 1, length * form.channels, at::TensorOptions(at::kFloat));
    return {.inputs_BL = numbers.reshape({1, length, form.channels}), .targets_BL = label};
  }
  std::vector<MetricInfo> metrics(const std::vector<std::string>&) const override {
    std::vector<MetricInfo> all;
    for (const std::string& split : context_.data->splits()) {
      if (split == "train") continue;
      all.push_back({split + ".accuracy", "share of right labels", "max"});
      all.push_back(
          {split + ".auc", "area under the ROC curve, one class against the rest, averaged", "max"});
      all.push_back({split + ".f1_macro", "F1 of every class, averaged", "max"});
      all.push_back({split + ".loss", "cross-entropy, nats per sequence", "min"});
    }
    return all;
  }
  std::unique_ptr<OpenTask> open(const TaskUse& use) const override {
    return std::make_unique<OpenClassification>(context_, use);
  }
  std::vector<Measurement> measurements(const TaskUse& use) const override {
    std::vector<Measurement> all;
    for (const std::string& split : context_.data->splits()) {
      all.push_back({split, split, [context = context_, use, split](Net& net) {
                       return measured(context, use, split, net);
                     }});
    }
    return all;
  }

 private:
  TaskContext context_;
};

void add_to(TaskRegistry& registry) {
  registry.add<Classification, Config>({.name = "classification",
                                        .summary = "one label for a whole sequence",
                                        .source = "Long Range Arena, arXiv 2011.04006"});
}

}  // namespace subband::tasks::classification
