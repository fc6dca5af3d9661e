#include "analysis/bench/measure_step.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <optional>
#include <random>

#include "analysis/bench/peer_process.h"
#include "core/error.h"
#include "core/files.h"
#include "core/ops/op_paths.h"
#include "core/temporaries.h"
#include "core/tensors/costs/yardsticks.h"
#include "core/tensors/device.h"
#include "core/tensors/kept_memory.h"
#include "core/tensors/safetensors.h"
#include "core/text.h"
#include "experiments/training/checkpoints/checkpoint.h"
#include "experiments/training/machine.h"
#include "experiments/training/trainer.h"

namespace subband {

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int kWarmUps = 3;
constexpr int64_t kManySteps = 100000;  // the schedule is that of a long run
constexpr int64_t kPeerBatches = 16;
constexpr double kSameLoss = 1e-4;  // of two nets in fp32 whose sums have another order
constexpr double kBytesPerMib = 1 << 20;

double milliseconds(const std::function<void()>& work) {
  const auto start = Clock::now();
  work();
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

/// A folder that ends with this.
struct OwnFolder {
  fs::path path = fs::temp_directory_path() / temporary_name("subband_bench");
  OwnFolder() { fs::create_directories(path); }
  ~OwnFolder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  OwnFolder(const OwnFolder&) = delete;
  OwnFolder& operator=(const OwnFolder&) = delete;
};

/// Whatever takes training steps.
class Stepper {
 public:
  virtual ~Stepper() = default;
  virtual double first_loss() = 0;  ///< of batch 0 with the initial weights
  virtual double step_ms() = 0;
};

class OwnStepper final : public Stepper {
 public:
  OwnStepper(const Recipe& recipe, ForcedPaths forced, const fs::path& cache, StepRow& row)
      : forced_(std::move(forced)),
        row_(row),
        task_(make_task(recipe)),
        open_(task_->open(task_use(recipe, at::kCPU, cache))) {
    for (const auto& [op, path] : recipe.ops.forced()) forced_.emplace(op, path);
    net_ = make_net(recipe);
    trainer_.emplace(recipe, *net_, *open_, Trainer::Plan{.steps = kManySteps});
  }

  double first_loss() override {
    const OpPaths paths(forced_);
    const int64_t before = tensor_memory().used_bytes;
    reset_tensor_peak();
    const double loss = trainer_->step().loss;
    row_.peak_mib = static_cast<double>(tensor_memory().peak_bytes - before) / kBytesPerMib;
    for (const OpUse& use : paths.uses()) row_.ops.push_back(op_use_text(use));
    return loss;
  }
  double step_ms() override {
    const OpPaths paths(forced_);
    return milliseconds([&] { trainer_->step(); });
  }

 private:
  ForcedPaths forced_;
  StepRow& row_;
  std::shared_ptr<Task> task_;
  std::unique_ptr<OpenTask> open_;
  std::shared_ptr<Net> net_;
  std::optional<Trainer> trainer_;
};

class PeerStepper final : public Stepper {
 public:
  PeerStepper(const std::vector<std::string>& command, StepRow& row) : peer_(command) {
    const Json ready = peer_.heard();
    loss_ = ready.at("loss").get<double>();
    row.compile_s = ready.at("seconds").get<double>();
    row.name += " (torch " + ready.at("torch").get<std::string>() + ")";
  }
  double first_loss() override { return loss_; }
  double step_ms() override { return peer_.ask("step").at("ms").get<double>(); }

 private:
  PeerProcess peer_;
  double loss_ = 0;
};

class StepMeasurement {
 public:
  StepMeasurement(const Recipe& recipe, const StepBenchPlan& plan,
                  const std::function<void(const std::string&)>& tell)
      : recipe_(recipe), plan_(plan), tell_(tell) {
    bench_.recipe = recipe.name;
    bench_.machine = instruction_set();
    bench_.threads = at::get_num_threads();
    bench_.tokens = recipe.trainer.batch * recipe.trainer.length * recipe.trainer.accumulate;
  }

  StepBench run() {
    keep_tensor_memory();
    tell_("yardsticks");
    const Yardsticks yardsticks = measure_yardsticks();
    bench_.product_gflops = yardsticks.gflops, bench_.copy_gib_per_s = yardsticks.gib_per_s;
    const double forward = make_net(recipe_)->flops(recipe_.trainer.length);
    bench_.products_ms = 3 * forward * static_cast<double>(bench_.tokens / recipe_.trainer.length) /
                         bench_.product_gflops / 1e6;
    bench_.rows.reserve(64);
    add_own("subband", {});
    add_own("again", {});
    for (const std::string& op : plan_.without) add_own("without " + op, without(op));
    if (plan_.peers) add_peers();
    compare_losses();
    take_turns();
    return std::move(bench_);
  }

 private:
  static ForcedPaths without(const std::string& op) {
    ForcedPaths forced;
    std::vector<std::string> known = {"all"};
    for (const OpInfo& info : known_ops()) {
      known.push_back(info.name);
      if (op == "all" || op == info.name) forced[info.name] = "reference";
    }
    if (forced.empty())
      throw ConfigError("command line", "--without = " + op + ": unknown operation" + suggestion(op, known),
                        "unknown_option");
    return forced;
  }

  void add_own(const std::string& name, const ForcedPaths& forced) {
    tell_(name);
    StepRow& row = bench_.rows.emplace_back(StepRow{.name = name});
    steppers_.push_back(std::make_unique<OwnStepper>(recipe_, forced, folder_.path, row));
  }

  void add_peers() {
    std::string why;
    const std::string python = python_with_torch(program_root(), why);
    const std::string given = write_inputs();
    for (const char* way : {"eager", "compiled"}) {
      if (way == std::string("compiled") && !plan_.compiled) continue;
      tell_(std::string("torch ") + way);
      StepRow& row = bench_.rows.emplace_back(StepRow{.name = std::string("PyTorch ") + way, .short_name = way, .skipped = why});
      steppers_.emplace_back();
      if (!why.empty()) continue;
      try {
        const std::string script = (program_root() / "analysis/peers/step.py").string();
        steppers_.back() = std::make_unique<PeerStepper>(
            std::vector<std::string>{python, script, given, way, std::to_string(bench_.threads)}, row);
      } catch (const Error& error) {
        row.skipped = error.what();
      }
    }
  }

  // Weights, batches and the recipe, for other people's nets; the folder's path.
  std::string write_inputs() {
    const fs::path& folder = folder_.path;
    const auto net = make_net(recipe_);
    write_safetensors(folder / "weights.safetensors", model_tensors(*net));
    const auto open = make_task(recipe_)->open(task_use(recipe_, at::kCPU, folder_.path));
    std::vector<at::Tensor> inputs, targets;
    for (uint64_t i = 0; i < kPeerBatches; ++i) {
      const Batch& batch = open->draw(i);
      inputs.push_back(batch.inputs_BL.clone()), targets.push_back(batch.targets_BL.clone());
    }
    write_safetensors(folder / "batches.safetensors",
                      {{"inputs", at::stack(inputs)}, {"targets", at::stack(targets)}});
    write_file(folder / "recipe.json", config::to_json(recipe_.resolved));
    return folder.string();
  }

  void compare_losses() {
    for (size_t i = 0; i < steppers_.size(); ++i) {
      if (!steppers_[i]) continue;
      StepRow& row = bench_.rows[i];
      row.loss = steppers_[i]->first_loss();
      if (std::abs(row.loss - bench_.rows[0].loss) > kSameLoss * std::abs(bench_.rows[0].loss))
        throw Error("bench step",
                    fmt::format("{}: first loss = {:.6f}: must be {:.6f}, as here; nothing was timed",
                                row.name, row.loss, bench_.rows[0].loss));
    }
  }

  void take_turns() {
    std::mt19937 shuffle(1);
    std::vector<size_t> order;
    for (size_t i = 0; i < steppers_.size(); ++i)
      if (steppers_[i]) order.push_back(i);
    for (int round = -kWarmUps; round < plan_.rounds; ++round) {
      tell_(round < 0 ? "warm-up" : fmt::format("round {} of {}", round + 1, plan_.rounds));
      std::shuffle(order.begin(), order.end(), shuffle);
      for (const size_t i : order) {
        const double ms = steppers_[i]->step_ms();
        if (round >= 0) bench_.rows[i].times_ms.push_back(ms);
      }
    }
    for (StepRow& row : bench_.rows)
      for (size_t i = 0; i < row.times_ms.size(); ++i)
        row.ratios.push_back(row.times_ms[i] / bench_.rows[0].times_ms[i]);
  }

  const Recipe& recipe_;
  const StepBenchPlan& plan_;
  const std::function<void(const std::string&)>& tell_;
  StepBench bench_;
  OwnFolder folder_;
  std::vector<std::unique_ptr<Stepper>> steppers_;  // null: skipped
};

}  // namespace

StepBench measure_step(const Recipe& recipe, const StepBenchPlan& plan,
                       const std::function<void(const std::string&)>& tell) {
  return StepMeasurement(recipe, plan, tell).run();
}

}  // namespace subband
