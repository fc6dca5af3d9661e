// How good a net is on a text: estimates while it trains, the two protocols of the published tables, and a stream.
//   blocks    ⌊(N−1)/L⌋ disjoint windows; every target of them is scored
//   sliding   windows L/2 apart; all but the first score only their last L/2 targets, which have at least L/2
//             tokens of context
//   all       blocks, and behind them one shorter window: every target is scored
// Of the others the targets behind the last whole window are not scored; `SPLIT.unscored_tokens` counts them.
#pragma once
#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "experiments/data/files/token_file.h"
#include "experiments/observer.h"
#include "experiments/task.h"
#include "experiments/tasks/random_windows.h"
#include "models/net.h"

namespace subband {

/// `blocks`, `sliding`, `streaming` and `all`.
std::vector<Protocol> text_protocols();

/// What loss_metrics gives of a split under a protocol; `word_ppl` where words are known.
std::vector<MetricInfo> text_metrics(const std::string& split, const std::string& protocol);

/// Which windows a protocol runs over.
struct WindowPlan {
  int64_t windows = 0;
  int64_t stride = 0;  ///< between their starts, and how many targets each but the first scores
  int64_t scored = 0;  ///< targets in all
  int64_t last = 0;    ///< of them in a last, shorter window
};

/// `protocol` is `blocks`, `sliding`, `streaming` or `all`; `starts` = N - L, the offsets at which a window fits, above 0
/// but for `all`.
WindowPlan plan_windows(int64_t starts, int64_t length, const std::string& protocol);

/// Sum of token losses over the scored targets.
struct Score {
  double total_nats = 0;
  int64_t scored = 0;
  int64_t unscored = 0;  ///< targets of the text that no window scored
  double loss() const { return total_nats / static_cast<double>(scored); }
};

/// While it lives the net is in evaluation mode and no gradients are recorded; then both are as before.
class EvaluationMode {
 public:
  explicit EvaluationMode(Net& net);
  ~EvaluationMode();
  EvaluationMode(const EvaluationMode&) = delete;
  EvaluationMode& operator=(const EvaluationMode&) = delete;

 private:
  Net& net_;
  bool training_;
  bool gradients_;
};

struct EvaluationOptions {
  int64_t length = 1;  ///< L
  int64_t batch = 1;   ///< windows per forward pass; the last pass may have fewer
  at::Device device = at::kCPU;
  std::string precision = "fp32";
  std::optional<int64_t> most_tokens;  ///< scored at most, from the start; nothing: all
};

/// `protocol` is `blocks`, `sliding`, `all`, or `streaming`: the windows of `blocks` one after another from one state, so that each
/// goes on where the last one ended; nets with a bypass across windows begin each anew but for that, as in training.
/// ConfigError where the text is shorter than a window, or the net cannot go on so far.
Score score(Net& net, const TokenFile& tokens, const std::string& protocol, const EvaluationOptions& options);

/// How well a net answers where a target stands, summed over batches: of tasks that ask at some positions of a window.
class AskedTokens {
 public:
  /// `batch`: on the device of `use`, in whose precision and parts the net runs; logits are compared in fp32.
  void add(Net& net, const Batch& batch, const TaskUse& use);
  /// `SPLIT.accuracySUFFIX`, the share of right answers, and `SPLIT.lossSUFFIX`, the cross-entropy in nats an answer.
  Metrics metrics(const std::string& split, const std::string& suffix) const;

 private:
  double nats_ = 0;
  int64_t right_ = 0, asked_ = 0;
};

/// Mean loss over the first `estimate_batches` batches of `windows`, nats per token; each is computed in the parts of `use`.
double estimate_loss(Net& net, RandomWindows& windows, const TaskUse& use);

/// `SPLIT.loss` in nats per token, `SPLIT.ppl`, `SPLIT.bpb` (bits per byte of the whole split's text) and, where the
/// words are known, `SPLIT.word_ppl`; names of another protocol than `blocks` end in it: `test.bpb_sliding`.
Metrics loss_metrics(const std::string& split, const std::string& protocol, double loss,
                     const TokenFile& tokens);

}  // namespace subband
