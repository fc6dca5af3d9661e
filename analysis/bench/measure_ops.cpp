#include "analysis/bench/measure_ops.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <random>

#include "analysis/bench/op_cases.h"
#include "analysis/statistics.h"
#include "core/error.h"
#include "core/tensors/costs/recorded.h"
#include "core/tensors/random.h"
#include "core/text.h"
#include "experiments/training/machine.h"
#include "experiments/training/profile/profile.h"

namespace subband {

namespace {

using Clock = std::chrono::steady_clock;
using OpTensors = std::vector<at::Tensor>;

constexpr double kShortest_s = 0.002;  // shorter calls are timed several at a time
constexpr double kSameResult = 1e-4;   // of the largest value, in fp32

/// One operation, one way or both.
struct OpRunner {
  const OpCase* what;
  bool backward;
  double bound_ms = 0;
  int calls = 1;
  std::vector<double> fast_ms = {}, reference_ms = {}, again_ms = {};
};

OpTensors leaves_of(const OpCase& each, at::ScalarType type, bool backward) {
  OpTensors leaves;
  for (const at::Tensor& input : each.inputs) leaves.push_back(input.to(type).detach().requires_grad_(backward));
  return leaves;
}

// The result, and all gradients where it is run both ways.
OpTensors once(const OpCase& each, const OpTensors& leaves, std::string_view path, bool backward) {
  OpTensors results = {each.run(leaves, path)};
  if (!backward) return results;
  results[0].sum().backward();
  for (const at::Tensor& leaf : leaves) {
    if (leaf.grad().defined()) results.push_back(leaf.grad());
    leaf.mutable_grad() = at::Tensor();
  }
  return results;
}

class OpBench {
 public:
  OpBench(const OpBenchPlan& plan, const std::function<void(const std::string&)>& tell)
      : plan_(plan), tell_(tell), shuffle_(plan.seed) {
    if (plan.width < 2 || !std::has_single_bit(static_cast<uint64_t>(plan.width)))
      throw ConfigError("command line",
                        "--width = " + std::to_string(plan.width) + ": must be a power of two for `bench ops`",
                        "bad_value");
    cases_ = op_cases({plan.batch, plan.length, plan.width, plan.seed});
    std::vector<std::string> known;
    for (const OpCase& each : cases_) known.push_back(each.op);
    for (const std::string& name : plan.ops)
      if (std::ranges::find(known, name) == known.end())
        throw ConfigError("command line", name + ": no operation that can be benched" + suggestion(name, known),
                          "unknown_option");
    if (!plan.ops.empty())
      std::erase_if(cases_, [&](const OpCase& each) { return std::ranges::find(plan.ops, each.op) == plan.ops.end(); });
  }

  Report run() {
    tell_("yardsticks");
    yardsticks_ = measure_yardsticks();
    for (const OpCase& each : cases_) {
      tell_(each.op);
      for (const bool backward : {false, true}) {
        if (backward && !each.has_gradient) continue;
        check(each, backward);
        runners_.push_back({.what = &each, .backward = backward});
        prepare(runners_.back());
      }
    }
    for (int round = 0; round < plan_.rounds; ++round) {
      tell_(fmt::format("round {} of {}", round + 1, plan_.rounds));
      std::vector<OpRunner*> order;
      for (OpRunner& runner : runners_) order.push_back(&runner);
      std::ranges::shuffle(order, shuffle_);
      for (OpRunner* runner : order) take_turns(*runner);
    }
    return report();
  }

 private:
  static void check(const OpCase& each, bool backward) {
    const at::AutoGradMode recording(backward);
    const OpTensors wanted = once(each, leaves_of(each, at::kDouble, backward), "reference", backward);
    const OpTensors given = once(each, leaves_of(each, at::kFloat, backward), each.fast, backward);
    for (size_t i = 0; i < wanted.size(); ++i) {
      const double error = (given[i].to(at::kDouble) - wanted[i]).abs().max().item<double>();
      const double size = std::max(wanted[i].abs().max().item<double>(), 1e-30);
      if (!(error <= kSameResult * size))
        throw Error("bench ops", fmt::format("{}: {} of {:g} is {:g} off the reference: nothing was timed", each.op,
                                             i == 0 ? std::string("a result") : "gradient " + std::to_string(i - 1),
                                             size, error));
    }
  }

  double timed_ms(const OpRunner& runner, std::string_view path) {
    const at::AutoGradMode recording(runner.backward);
    const OpTensors leaves = leaves_of(*runner.what, at::kFloat, runner.backward);
    const Clock::time_point start = Clock::now();
    for (int call = 0; call < runner.calls; ++call) once(*runner.what, leaves, path, runner.backward);
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count() / runner.calls;
  }

  // What its operations would take at the yardsticks' rates, and how many calls make a time.
  void prepare(OpRunner& runner) {
    const at::AutoGradMode recording(runner.backward);
    const OpTensors leaves = leaves_of(*runner.what, at::kFloat, runner.backward);
    CallLog log;
    {
      const RecordedPart part("op");
      once(*runner.what, leaves, runner.what->fast, runner.backward);
    }
    const ProfileTable table = profile_table({.calls = log.end(), .yardsticks = yardsticks_});
    for (const ProfileRow& row : table.parts) runner.bound_ms += row.bound_ms;
    const double first_s = timed_ms(runner, runner.what->fast) / 1000;
    runner.calls = std::clamp(static_cast<int>(kShortest_s / std::max(first_s, 1e-9)), 1, 1000);
  }

  void take_turns(OpRunner& runner) {
    const std::string& fast = runner.what->fast;
    std::vector<std::pair<std::string, std::vector<double>*>> turns = {
        {fast, &runner.fast_ms}, {"reference", &runner.reference_ms}, {fast, &runner.again_ms}};
    std::ranges::shuffle(turns, shuffle_);
    for (const auto& [path, times] : turns) times->push_back(timed_ms(runner, path));
  }

  Report report() const {
    Table table{.columns = {{"operation"},
                            {"form"},
                            {"ms", true},
                            {"reference over it", true},
                            {"again over it", true},
                            {"bound", true}}};
    for (const OpRunner& runner : runners_) {
      const double ms = quantile(runner.fast_ms, 0.5);
      const std::vector<double> reference = quotients(runner.reference_ms, runner.fast_ms),
                                again = quotients(runner.again_ms, runner.fast_ms);
      table.rows.push_back({{runner.what->op + (runner.backward ? ", and back" : "")},
                            {runner.what->form},
                            number_cell(fmt::format("{:.3f}", ms), ms),
                            number_cell(median_text(reference, 2), quantile(reference, 0.5)),
                            number_cell(median_text(again, 2), quantile(again, 0.5)),
                            number_cell(fmt::format("{:.0f} %", 100 * runner.bound_ms / ms), runner.bound_ms / ms)});
    }
    const int64_t threads = at::get_num_threads();
    Notes notes{{fmt::format("loops on {}, {} thread{}; medians of {} interleaved rounds, ratios of each round first with "
                             "their tenth and ninetieth of a hundred; again: the loops a second time",
                             instruction_set(), threads, threads == 1 ? "" : "s", plan_.rounds),
                 fmt::format("bound: products at {:.0f} GFLOP/s, or tensors that are read and written once at {:.1f} "
                             "GiB/s, whichever is longer, as a share of the time; tensors that fit a cache may go over it",
                             yardsticks_.gflops, yardsticks_.gib_per_s)}};
    Report report{.title = "operations", .blocks = {std::move(table), std::move(notes)}};
    report.facts = {{"machine", instruction_set()},
                    {"threads", threads},
                    {"product_gflops", yardsticks_.gflops},
                    {"copy_gib_per_s", yardsticks_.gib_per_s}};
    return report;
  }

  const OpBenchPlan& plan_;
  const std::function<void(const std::string&)>& tell_;
  std::mt19937_64 shuffle_;
  Yardsticks yardsticks_;
  std::vector<OpCase> cases_;
  std::vector<OpRunner> runners_;
};

}  // namespace

Report measure_ops(const OpBenchPlan& plan, const std::function<void(const std::string&)>& tell) {
  return OpBench(plan, tell).run();
}

}  // namespace subband
