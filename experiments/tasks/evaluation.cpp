#include "experiments/tasks/evaluation.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "core/error.h"
#include "core/tensors/autocast.h"

namespace subband {

EvaluationMode::EvaluationMode(Net& net)
    : net_(net), training_(net.is_training()), gradients_(c10::GradMode::is_enabled()) {
  c10::GradMode::set_enabled(false);
  net_.eval();
}

EvaluationMode::~EvaluationMode() {
  net_.train(training_);
  c10::GradMode::set_enabled(gradients_);
}

namespace {

// Sum over the last `scored` targets of each row.
double sum_of_last(const at::Tensor& logits_BLV, const at::Tensor& targets_BL, int64_t scored) {
  const int64_t length = targets_BL.size(1), vocabulary = logits_BLV.size(2);
  const at::Tensor logits = logits_BLV.narrow(1, length - scored, scored).reshape({-1, vocabulary});
  const at::Tensor targets = targets_BL.narrow(1, length - scored, scored).reshape({-1});
  return at::cross_entropy_loss(logits.to(at::kFloat), targets, {}, at::Reduction::Sum).item<double>();
}

void expect_stream(const Net& net, int64_t tokens) {
  const int64_t most = net.most_tokens();
  if (most >= tokens) return;
  const std::string rule = most == 0 ? "this net reads whole windows and cannot go on from a past"
                                     : fmt::format("this net goes on for {} tokens, the text has {}", most, tokens);
  throw ConfigError("", "trainer.protocols = streaming: " + rule, "bad_value");
}

}  // namespace

std::vector<Protocol> text_protocols() {
  return {{"blocks", "disjoint windows", true},
          {"sliding", "half-overlapping windows", true},
          {"streaming",
           "disjoint windows one after another: carried states go on, fast weights learn from each window "
           "once it is scored",
           false},
          {"all", "blocks, and a last shorter window, so that every token is scored", false}};
}

static std::string suffix_of(const std::string& protocol) {
  return protocol == "blocks" ? "" : "_" + protocol;
}

std::vector<MetricInfo> text_metrics(const std::string& split, const std::string& protocol) {
  const std::string suffix = suffix_of(protocol), over = ", " + protocol;
  return {{split + ".loss" + suffix, "cross-entropy, nats per token" + over, "min"},
          {split + ".ppl" + suffix, "perplexity per token" + over, "min"},
          {split + ".bpb" + suffix, "bits per byte of the split's text" + over, "min"},
          {split + ".word_ppl" + suffix, "perplexity per word, where the words are known" + over, "min"}};
}

WindowPlan plan_windows(int64_t starts, int64_t length, const std::string& protocol) {
  if (protocol == "all") {
    const int64_t targets = starts + length - 1;
    return {.windows = targets / length, .stride = length, .scored = targets, .last = targets % length};
  }
  const int64_t stride = protocol != "sliding" ? length : std::max<int64_t>(1, length / 2);
  const int64_t windows = (starts - 1) / stride + 1;
  return {.windows = windows, .stride = stride, .scored = length + (windows - 1) * stride};
}

Score score(Net& net, const TokenFile& tokens, const std::string& protocol,
            const EvaluationOptions& options) {
  const EvaluationMode mode(net);
  const bool streams = protocol == "streaming";
  const int64_t length = options.length, batch = streams ? 1 : options.batch;
  const bool is_whole = protocol == "all";  // a text shorter than a window is one
  int64_t offsets = is_whole ? tokens.tokens() - length : tokens.window_starts(length);
  if (is_whole && tokens.tokens() < 2) tokens.window_starts(1);  // refuses
  if (options.most_tokens)
    offsets = std::min(offsets, is_whole ? *options.most_tokens - length + 1
                                         : std::max<int64_t>(1, *options.most_tokens - length + 1));
  const auto [windows, stride, scored, last] = plan_windows(offsets, length, protocol);
  if (streams) expect_stream(net, windows * length);
  Score result{.scored = scored, .unscored = tokens.tokens() - 1 - scored};
  SequenceState state;
  std::vector<int64_t> starts;
  for (int64_t first = 0; first < windows; first += batch) {
    const int64_t rows = std::min(batch, windows - first);
    starts.clear();
    for (int64_t row = 0; row < rows; ++row) starts.push_back((first + row) * stride);
    const at::Tensor ids = at::empty({rows, length + 1}, at::TensorOptions(at::kLong));
    tokens.gather(starts, length + 1, {ids.mutable_data_ptr<int64_t>(), static_cast<size_t>(ids.numel())});
    const at::Tensor on_device = ids.to(options.device);
    const at::Tensor targets = on_device.narrow(1, 1, length);
    at::Tensor logits;
    {
      const Autocast autocast(options.precision);
      if (streams && net.carries() == Carry::across) state.next_window();
      logits = net.forward(on_device.narrow(1, 0, length).contiguous(), {.state = streams ? &state : nullptr});
    }
    result.total_nats += sum_of_last(logits, targets, stride);
    if (first == 0 && stride < length) {  // the first window has nobody before it to score its beginning
      result.total_nats +=
          sum_of_last(logits.narrow(0, 0, 1).narrow(1, 0, length - stride),
                      targets.narrow(0, 0, 1).narrow(1, 0, length - stride), length - stride);
    }
  }
  if (last > 0) {
    const at::Tensor ids = at::empty({1, last + 1}, at::TensorOptions(at::kLong));
    tokens.copy(windows * length, {ids.mutable_data_ptr<int64_t>(), static_cast<size_t>(last + 1)});
    const at::Tensor on_device = ids.to(options.device);
    const Autocast autocast(options.precision);
    result.total_nats +=
        sum_of_last(net.forward(on_device.narrow(1, 0, last).contiguous()), on_device.narrow(1, 1, last), last);
  }
  return result;
}

// Inputs and targets of a batch, no more rows at once than a part has.
template <class Use>
static void in_parts(const Batch& batch, const TaskUse& use, const Use& take) {
  const int64_t rows = batch.inputs_BL.size(0);
  for (int64_t first = 0; first < rows; first += use.at_once()) {
    const int64_t count = std::min(use.at_once(), rows - first);
    take(batch.inputs_BL.narrow(0, first, count), batch.targets_BL.narrow(0, first, count));
  }
}

void AskedTokens::add(Net& net, const Batch& batch, const TaskUse& use) {
  const Autocast autocast(use.precision);
  in_parts(batch, use, [&](const at::Tensor& inputs_BL, const at::Tensor& targets_BL) {
    const at::Tensor is_asked = targets_BL.ne(kNoTarget);
    const at::Tensor logits = net.forward(inputs_BL).index({is_asked}).to(at::kFloat);
    const at::Tensor targets = targets_BL.index({is_asked});
    nats_ += at::cross_entropy_loss(logits, targets, {}, at::Reduction::Sum).item<double>();
    right_ += logits.argmax(-1).eq(targets).sum().item<int64_t>();
    asked_ += targets.numel();
  });
}

Metrics AskedTokens::metrics(const std::string& split, const std::string& suffix) const {
  const auto count = static_cast<double>(asked_);
  return {{split + ".accuracy" + suffix, static_cast<double>(right_) / count},
          {split + ".loss" + suffix, nats_ / count}};
}

double estimate_loss(Net& net, RandomWindows& windows, const TaskUse& use) {
  const EvaluationMode mode(net);
  double total = 0;
  for (int64_t index = 0; index < use.estimate_batches; ++index) {
    const Batch& batch = windows.draw(static_cast<uint64_t>(index));
    const Autocast autocast(use.precision);
    double sum = 0;
    in_parts(batch, use, [&](const at::Tensor& inputs_BL, const at::Tensor& targets_BL) {
      sum += sum_of_last(net.forward(inputs_BL), targets_BL, targets_BL.size(1));
    });
    total += sum / static_cast<double>(batch.targets_BL.numel());
  }
  return total / static_cast<double>(use.estimate_batches);
}

Metrics loss_metrics(const std::string& split, const std::string& protocol, double loss,
                     const TokenFile& tokens) {
  const std::string suffix = suffix_of(protocol);
  const double count = static_cast<double>(tokens.tokens());
  Metrics metrics;
  metrics[split + ".loss" + suffix] = loss;
  metrics[split + ".ppl" + suffix] = std::exp(loss);
  metrics[split + ".bpb" + suffix] = loss / std::numbers::ln2 * count / static_cast<double>(tokens.bytes());
  if (tokens.words() > 0) {
    metrics[split + ".word_ppl" + suffix] = std::exp(loss * count / static_cast<double>(tokens.words()));
  }
  return metrics;
}

}  // namespace subband
