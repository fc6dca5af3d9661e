#include "analysis/bench/measure_mixers.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "analysis/bench/mixer_peer.h"
#include "analysis/bench/mixer_runner.h"
#include "core/error.h"
#include "core/tensors/random.h"
#include "core/text.h"

namespace subband {

namespace mixer_rounds {

constexpr const char* kReference = "softmax_attention";
constexpr int kMostRounds = 15;

class Bench {
 public:
  Bench(const Registry& registry, const MixerBenchPlan& plan, const BenchProgress& progress)
      : plan_(plan), progress_(progress), shuffle_(plan.seed), runners_(registry, plan), peers_(registry, plan) {
    result_ = {.device = plan.device.str(),
               .precision = plan.type == c10::kBFloat16 ? "bf16" : "fp32",
               .width = plan.width,
               .batch = plan.batch,
               .threads = at::get_num_threads(),
               .backward = plan.backward,
               .lengths = plan.lengths};
    contenders_.push_back({.name = MixerRunners::kCopy});
    std::vector<std::string> names = plan.mixers;
    if (names.empty()) names = registry.of<Mixer>().names();
    if (std::ranges::find(names, kReference) == names.end()) names.insert(names.begin(), kReference);
    for (const std::string& name : names) {
      contenders_.push_back({.name = name});
      if (plan.peers && has_mixer_peer(name)) contenders_.push_back({.name = name + " (PyTorch)", .peer_of = name});
    }
  }

  MixerBench run() {
    // Without shorter ones before it, the first length could not be predicted.
    for (const int64_t pilot : {256, 512})
      if (pilot < plan_.lengths.front()) started(pilot, true);
    for (const int64_t length : plan_.lengths) {
      std::vector<MixerRunner> ready = started(length, false);
      take_turns(ready, length);
      for (MixerRunner& runner : ready) result_.cells.push_back(finished(runner, ready));
    }
    return result_;
  }

 private:
  at::Tensor input(int64_t length) const {
    const at::Tensor x = at::empty({plan_.batch, length, plan_.width}).normal_(0, 1, stream(plan_.seed, "bench.x"));
    return x.to(plan_.device, plan_.type);
  }

  // Those that can run, after their first pass; cells of the others.
  std::vector<MixerRunner> started(int64_t length, bool pilot) {
    const at::Tensor x = input(length);
    std::vector<MixerRunner> ready;
    for (MixerContender& contender : contenders_) {
      const bool is_peer = !contender.peer_of.empty();
      if (pilot && is_peer) continue;
      tell(contender.name + " at " + grouped(length));
      MixerRunner runner{.contender = &contender, .cell = {.mixer = contender.name, .length = length}};
      if (is_peer)
        peers_.start(runner, named(ready, contender.peer_of), x, runners_);
      else
        runners_.start(runner, x);
      if (runner.cell.skipped.empty())
        ready.push_back(std::move(runner));
      else if (!pilot)
        result_.cells.push_back(runner.cell);
    }
    return ready;
  }

  static const MixerRunner* named(const std::vector<MixerRunner>& runners, const std::string& mixer) {
    const auto found = std::ranges::find(runners, mixer, [](const MixerRunner& each) { return each.cell.mixer; });
    return found == runners.end() ? nullptr : &*found;
  }

  void take_turns(std::vector<MixerRunner>& ready, int64_t length) {
    const at::Tensor x = input(length);
    double round_s = 0;
    for (const MixerRunner& runner : ready) round_s += runner.first_s * runner.calls;
    const double left = plan_.budget_s - runners_.seconds_gone();
    const int count =
        std::clamp(static_cast<int>(share_of(length) * left / std::max(round_s, 1e-6)), 1, kMostRounds);
    std::vector<size_t> order(ready.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    for (int round = 0; round < count; ++round) {
      std::shuffle(order.begin(), order.end(), shuffle_);
      for (const size_t i : order) {
        MixerRunner& runner = ready[i];
        tell(fmt::format("{} at {}, round {} of {}", runner.cell.mixer, grouped(length), round + 1, count));
        runner.cell.times_ms.push_back(runner.peer ? runner.peer->ask(std::to_string(runner.calls)).at("ms").get<double>()
                                                   : time_ms(runner, x));
      }
    }
  }

  double time_ms(const MixerRunner& runner, const at::Tensor& x) const {
    const double start = runners_.seconds_gone();
    for (int call = 0; call < runner.calls; ++call) {
      const at::Tensor y = runners_.pass(runner, x);
      if (call + 1 == runner.calls) runners_.wait_for(y);
    }
    return 1000 * (runners_.seconds_gone() - start) / runner.calls;
  }

  // Of the time that is left, for the rounds of one length: longer ones need more, and those to come first passes too.
  double share_of(int64_t length) const {
    int64_t to_come = 0;
    for (const int64_t each : plan_.lengths)
      if (each >= length) to_come += each;
    return std::max(0.05, 0.5 * static_cast<double>(length) / static_cast<double>(to_come));
  }

  void tell(const std::string& note) const {
    progress_(std::min(runners_.seconds_gone(), plan_.budget_s), plan_.budget_s, note);
  }

  static MixerCell finished(MixerRunner& runner, const std::vector<MixerRunner>& all) {
    MixerCell cell = runner.cell;
    cell.summarize();
    if (const MixerRunner* reference = named(all, kReference)) cell.ratio = cell.median_over(reference->cell);
    if (const MixerRunner* own = named(all, cell.peer_of)) cell.over_own = cell.median_over(own->cell);
    // What comes after is predicted from the better figure.
    runner.contender->seen.back().pass_s = cell.median_ms / 1000;
    return cell;
  }

  const MixerBenchPlan& plan_;
  const BenchProgress& progress_;
  std::mt19937_64 shuffle_;
  std::vector<MixerContender> contenders_;
  MixerRunners runners_;
  MixerPeers peers_;
  MixerBench result_;
};

}  // namespace mixer_rounds

MixerBench measure_mixers(const Registry& registry, const MixerBenchPlan& plan,
                          const BenchProgress& progress) {
  const auto known = registry.of<Mixer>().names();
  for (const std::string& name : plan.mixers) {
    if (std::ranges::find(known, name) == known.end())
      throw ConfigError("command line", name + ": unknown mixer" + suggestion(name, known), "unknown_option");
  }
  return mixer_rounds::Bench(registry, plan, progress).run();
}

}  // namespace subband
