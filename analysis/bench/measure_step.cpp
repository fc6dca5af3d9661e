#include "analysis/bench/measure_step.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>

#include "analysis/bench/own_folder.h"
#include "analysis/bench/peer_process.h"
#include "analysis/bench/stepper.h"
#include "analysis/statistics.h"
#include "core/error.h"
#include "core/files.h"
#include "core/ops/op_paths.h"
#include "core/tensors/costs/yardsticks.h"
#include "core/tensors/kept_memory.h"
#include "core/text.h"
#include "experiments/training/machine.h"

namespace subband {

namespace {

constexpr int kWarmUps = 3;
constexpr double kSameLoss = 1e-4;  // of two nets in fp32 whose sums have another order

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
    steppers_.push_back(own_stepper(recipe_, forced, folder_.path(), row));
  }

  void add_peers() {
    std::string why;
    const std::string python = python_with_torch(program_root(), why);
    write_step_inputs(recipe_, folder_.path());
    for (const char* way : {"eager", "compiled"}) {
      if (way == std::string("compiled") && !plan_.compiled) continue;
      tell_(std::string("torch ") + way);
      StepRow& row = bench_.rows.emplace_back(
          StepRow{.name = std::string("PyTorch ") + way, .short_name = way, .skipped = why});
      steppers_.emplace_back();
      if (!why.empty()) continue;
      try {
        const std::string script = (program_root() / "analysis/peers/step.py").string();
        steppers_.back() =
            peer_stepper({python, script, folder_.path().string(), way, std::to_string(bench_.threads)}, row);
      } catch (const Error& error) {
        row.skipped = error.what();
      }
    }
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
    for (StepRow& row : bench_.rows) row.ratios = quotients(row.times_ms, bench_.rows[0].times_ms);
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
