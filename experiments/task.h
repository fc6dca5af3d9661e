// A task: what a net is asked, what is minimised, and how its answers are judged. Nothing else knows tasks by name.
// Two stages, because a spec is checked without touching data: a `Task` knows its fields and what it needs, and opens
// into an `OpenTask`, which has the data at hand and hands out batches.
#pragma once
#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/registry.h"
#include "experiments/batch.h"
#include "experiments/data.h"
#include "experiments/observer.h"
#include "experiments/tokenizer.h"
#include "models/net.h"

namespace subband {

/// What recipe and trainer impose on a task.
struct TaskContext {
  std::shared_ptr<const Data> data;  ///< null where the task reads none, or a spec is only being read
  std::shared_ptr<const Tokenizer> tokenizer;  ///< null likewise
  int64_t length = 256;                        ///< trainer.length
};

/// What a task imposes on its net.
struct TaskShape {
  int64_t vocabulary = 0;       ///< of the ids; 0 where inputs are numbers
  int64_t classes = 0;          ///< where one answer per sequence is asked; 0: one token per position
  int64_t channels = 0;         ///< numbers per position; 0: ids
  int64_t length = 1;           ///< longest input
  bool may_look_ahead = false;  ///< inputs to the right of a position do not reveal its target
  int64_t answers() const { return classes > 0 ? classes : vocabulary; }
};

/// How an opened task is used.
struct TaskUse {
  int64_t batch = 1;  ///< B, examples or windows per forward pass
  int64_t parts = 1;  ///< in which an estimate computes a batch, one after the other
  uint64_t seed = 0;  ///< of the run
  at::Device device = at::kCPU;
  std::string precision = "fp32";
  int64_t estimate_batches = 8;
  bool estimate_train = false;              ///< of a text: estimates of the training split too
  std::vector<std::string> protocols;       ///< of the final measurements, of those that the task has
  std::optional<int64_t> most_tokens = {};  ///< of a text's split that a measurement scores; nothing: all
  std::filesystem::path cache = {};         ///< for token files

  int64_t at_once() const { return (batch + parts - 1) / parts; }  ///< examples or windows of the largest part
};

/// One measurement of a trained net.
struct Measurement {
  std::string split;
  std::string name;                      ///< `valid sliding`
  std::function<Metrics(Net&)> measure;  ///< leaves the net as it was; reads what it needs when it is called
};

/// A way to measure a trained net, where a task has several.
struct Protocol {
  std::string name, help;
  bool is_standard = false;  ///< what `subband eval` takes unless told otherwise
};

/// A number that a run reports.
struct MetricInfo {
  std::string name;  ///< `valid.bpb`
  std::string help;  ///< what it is, and its unit
  std::string goal;  ///< `min`, `max`: which of two values is better; empty: neither
};

class OpenTask {
 public:
  virtual ~OpenTask() = default;

  /// Training batch `index`: a pure function of the run's seed and `index`. Its tensors are reused by the next draw.
  virtual const Batch& draw(uint64_t index) = 0;
  /// Batches of one pass over the training data, and what they hold (`600 tokens`); 0 and empty where it never ends.
  virtual int64_t batches_per_epoch() const = 0;
  virtual std::string epoch_text() const = 0;
  /// `valid.*_estimate`, over a few fixed validation batches, `valid.loss_estimate` among them; where asked
  /// `train.*_estimate` too. Leaves the net as it was.
  virtual Metrics estimate(Net& net) = 0;
  virtual std::vector<std::string> notes() const { return {}; }  ///< for whoever reads the results
};

class Task {
 public:
  static constexpr const char* kKind = "task";
  using Context = TaskContext;
  virtual ~Task() = default;

  virtual bool reads_data() const { return false; }
  virtual bool needs_tokenizer(const Data&) const { return true; }  ///< asked where data is read
  /// Whether a net that was trained so goes on with a text, token by token.
  virtual bool writes_text() const { return false; }
  /// Whether estimates of the training data are made too, where they are asked for.
  virtual bool estimates_training() const { return false; }
  /// The first is that of the estimates.
  virtual std::vector<Protocol> protocols() const { return {}; }
  /// Cheap: reads no file. ConfigError where data, tokeniser and fields do not go together.
  virtual TaskShape shape() const = 0;

  /// What is minimised, in a few words.
  virtual std::string objective() const = 0;
  /// The same: a scalar, nats per answer; `state`: what the batch before has left, or null. Here: the net's own loss, the
  /// mean over all positions that have a target.
  virtual at::Tensor loss(Net& net, const Batch& batch, SequenceState* state = nullptr) const;
  /// What an answer costs that gives every possibility the same probability.
  virtual double untrained_loss() const;
  /// One short invented sequence in the form of the training batches: what a first step is tried with.
  virtual Batch example() const;
  /// What the measurements under these protocols report, in their order; `_estimate` is appended while a run trains.
  virtual std::vector<MetricInfo> metrics(const std::vector<std::string>& protocols) const = 0;

  /// Reads what training needs.
  virtual std::unique_ptr<OpenTask> open(const TaskUse& use) const = 0;
  /// What can be measured on every split, `train` included, in their order. They may outlive the task.
  virtual std::vector<Measurement> measurements(const TaskUse& use) const = 0;
};

using TaskRegistry = KindRegistry<Task>;

}  // namespace subband
