#include "analysis/bench/measure_mixers.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <memory>
#include <optional>
#include <random>
#include <string_view>

#include "analysis/bench/peer_process.h"
#include "core/error.h"
#include "core/files.h"
#include "core/slot.h"
#include "core/temporaries.h"
#include "core/tensors/memory_counter.h"
#include "core/tensors/random.h"
#include "core/tensors/safetensors.h"
#include "core/text.h"
#include "experiments/training/checkpoints/checkpoint.h"
#include "models/mixer.h"

namespace subband {

namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kCopy = "copy";
constexpr const char* kReference = "softmax_attention";
constexpr std::array<std::string_view, 3> kPeers = {"linear_attention", "performer", "retnet"};  // analysis/peers/mixers.py
constexpr int kMostRounds = 15;
constexpr double kShortestTiming_s = 0.01;  // shorter passes are timed several at a time
constexpr double kSafety = 1.3;             // on predictions

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct Seen {
  int64_t length;
  double pass_s, peak_mib, flops;
};

/// One row of the table, with what is known of it so far.
struct Contender {
  std::string name;
  std::optional<bool> causal;  // unknown before the first length
  std::vector<Seen> seen;
  std::string ended;  // why no longer length is tried
  std::string peer_of = {};  // somebody else's form of this mixer
};

/// A mixer ready to run at one length.
struct Runner {
  Contender* contender;
  MixerCell cell;
  std::shared_ptr<Mixer> mixer;  // null: the copy
  std::unique_ptr<PeerProcess> peer = {};
  double first_s = 0;
  int calls = 1;
  std::vector<double> times_ms;
};

std::shared_ptr<Mixer> make_mixer(const Registry& registry, const std::string& name,
                                  const MixerContext& context, c10::Device device) {
  config::Node spec = config::Node::map();
  spec.set("type", config::Node(name));
  if (name == "flash_attention" && device.is_cuda()) spec.set("backend", config::Node("flash"));
  return make_part<Mixer>(registry, spec, context, name);
}

class Bench {
 public:
  Bench(const Registry& registry, const MixerBenchPlan& plan, const BenchProgress& progress)
      : registry_(registry), plan_(plan), progress_(progress), shuffle_(plan.seed) {
    result_ = {.device = plan.device.str(),
               .precision = plan.type == c10::kBFloat16 ? "bf16" : "fp32",
               .width = plan.width,
               .batch = plan.batch,
               .threads = at::get_num_threads(),
               .backward = plan.backward,
               .lengths = plan.lengths};
    contenders_.push_back({.name = kCopy});
    std::vector<std::string> names = plan.mixers;
    if (names.empty()) names = registry.of<Mixer>().names();
    if (std::ranges::find(names, kReference) == names.end()) names.insert(names.begin(), kReference);
    for (const std::string& name : names) {
      contenders_.push_back({.name = name});
      if (plan.peers && std::ranges::find(kPeers, name) != kPeers.end())
        contenders_.push_back({.name = name + " (PyTorch)", .peer_of = name});
    }
    if (plan.peers) python_ = python_with_torch(program_root(), why_no_peers_);
  }

  MixerBench run() {
    // Without shorter ones before it, the first length could not be predicted.
    for (const int64_t pilot : {256, 512})
      if (pilot < plan_.lengths.front()) measure(pilot, true);
    for (const int64_t length : plan_.lengths) measure(length, false);
    return result_;
  }

 private:
  void measure(int64_t length, bool pilot) {
    at::Tensor x = at::empty({plan_.batch, length, plan_.width}).normal_(0, 1, stream(plan_.seed, "bench.x"));
    x = x.to(plan_.device, plan_.type);
    std::vector<Runner> runners;
    for (Contender& contender : contenders_) {
      tell(contender.name + " at " + grouped(length));
      Runner runner{.contender = &contender, .cell = {.mixer = contender.name, .length = length}};
      if (contender.peer_of.empty())
        start(runner, x);
      else if (!pilot)
        start_peer(runner, runners, x);
      if (pilot && !contender.peer_of.empty()) continue;
      if (!runner.cell.skipped.empty()) {
        if (!pilot) result_.cells.push_back(runner.cell);
        continue;
      }
      runners.push_back(std::move(runner));
    }
    if (pilot) return;
    for (Runner& runner : runners)
      if (!runner.contender->peer_of.empty()) runner.cell.peer_of = runner.contender->peer_of;
    rounds(runners, x);
    for (Runner& runner : runners) result_.cells.push_back(finished(runner, runners));
  }

  // Makes the mixer and runs it once, checked; or says why not.
  void start(Runner& runner, const at::Tensor& x) {
    Contender& contender = *runner.contender;
    std::string& skipped = runner.cell.skipped;
    if (!(skipped = contender.ended).empty()) return;
    try {
      if (contender.name != kCopy) make(runner);
      if (!(skipped = contender.ended = prediction(runner)).empty()) return;
      const Clock::time_point begin = Clock::now();
      at::Tensor y;
      {
        const MemoryCounter memory;
        y = pass(runner, x);
        runner.cell.peak_mib = static_cast<double>(memory.peak_bytes()) / (1 << 20);
      }
      if (y.sizes() != x.sizes() || !at::isfinite(y).all().item<bool>()) skipped = "its answer is not finite";
      runner.first_s = seconds_since(begin);
      const Clock::time_point again = Clock::now();
      if (runner.first_s < 1) wait_for(pass(runner, x)), runner.first_s = seconds_since(again);
    } catch (const Error& error) {
      skipped = contender.ended = error.first().message;
    } catch (const c10::Error& error) {
      skipped = contender.ended = "LibTorch: " + std::string(error.what_without_backtrace()).substr(0, 160);
    }
    if (!skipped.empty()) return;
    contender.seen.push_back({x.size(1), runner.first_s, runner.cell.peak_mib, runner.cell.flops});
    runner.calls = std::clamp(static_cast<int>(kShortestTiming_s / runner.first_s), 1, 1000);
  }

  // The same weights and input, in a process of its own, whose answer must be ours.
  void start_peer(Runner& runner, const std::vector<Runner>& runners, const at::Tensor& x) {
    Contender& contender = *runner.contender;
    std::string& skipped = runner.cell.skipped;
    const Runner* own = nullptr;
    for (const Runner& each : runners)
      if (each.contender->name == contender.peer_of) own = &each;
    if (contender.ended.empty() && own == nullptr) contender.ended = "our own form is left out";
    if (contender.ended.empty() && !why_no_peers_.empty()) contender.ended = why_no_peers_;
    if (contender.ended.empty() && own->cell.form != "causal") contender.ended = "the peer is causal";
    if (contender.ended.empty()) contender.ended = prediction(runner);
    if (!(skipped = contender.ended).empty()) return;
    const std::filesystem::path folder =
        std::filesystem::temp_directory_path() / temporary_name("subband_bench_mixer");
    try {
      hand_over(*own, x, folder);
      runner.peer = std::make_unique<PeerProcess>(std::vector<std::string>{
          python_, (program_root() / "analysis/peers/mixer.py").string(), folder.string(), std::to_string(result_.threads)});
      runner.first_s = runner.peer->heard().at("seconds").get<double>();
    } catch (const Error& error) {
      skipped = contender.ended = error.first().message;
    }
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
    if (!skipped.empty()) return;
    runner.cell.form = own->cell.form, runner.cell.flops = own->cell.flops;
    contender.seen.push_back({x.size(1), runner.first_s, 0, runner.cell.flops});
    runner.calls = std::clamp(static_cast<int>(kShortestTiming_s / runner.first_s), 1, 1000);
  }

  void hand_over(const Runner& own, const at::Tensor& x, const std::filesystem::path& folder) const {
    std::filesystem::create_directories(folder);
    const c10::NoGradGuard no_gradient;
    write_safetensors(folder / "weights.safetensors", model_tensors(*own.mixer));
    write_safetensors(folder / "pass.safetensors", {{"x", x}, {"y", own.mixer->forward(x, {})}});
    config::Node spec = config::Node::map(), written = config::Node::map(), resolved = config::Node::map();
    spec.set("type", config::Node(own.contender->name));
    written.set("mixer", std::move(spec));
    BindSession session{.registry = &registry_};
    Binder binder(session, written, resolved);
    Slot<Mixer> slot;
    slot.bind(binder, "mixer", {.width = plan_.width, .length = x.size(1), .causal = true}, "");
    config::Node asked = config::Node::map();
    asked.set("spec", *resolved.find("mixer"));
    asked.set("backward", config::Node(plan_.backward));
    write_file(folder / "mixer.json", config::to_json(asked));
  }

  void make(Runner& runner) {
    Contender& contender = *runner.contender;
    MixerContext context{.width = plan_.width,
                         .length = runner.cell.length,
                         .causal = contender.causal.value_or(plan_.causal)};
    Initializer first(plain_generator(plan_.seed));
    context.initializer = &first;
    const auto built = [&] { return make_mixer(registry_, contender.name, context, plan_.device); };
    if (!contender.causal) {
      try {
        runner.mixer = built();
      } catch (const ConfigError&) {  // not in this form; in the other one, or the error is a real one
        context.causal = !context.causal;
      }
      contender.causal = context.causal;
    }
    if (!runner.mixer) runner.mixer = built();
    runner.mixer->to(plan_.device, plan_.type);
    runner.mixer->eval();
    runner.cell.form = context.causal ? "causal" : "bidirectional";
    runner.cell.flops = runner.mixer->flops(runner.cell.length);
    runner.cell.state_bytes =
        runner.mixer->state_bytes(runner.cell.length, plan_.type == c10::kBFloat16 ? 2 : 4);
  }

  // Why the next pass is not worth trying, or empty.
  std::string prediction(const Runner& runner) const {
    const std::vector<Seen>& seen = runner.contender->seen;
    if (seen.empty()) return "";
    const Seen& last = seen.back();
    const double longer = static_cast<double>(runner.cell.length) / static_cast<double>(last.length);
    const double work = last.flops > 0 ? std::max(longer, runner.cell.flops / last.flops) : longer;
    const double pass_s = kSafety * last.pass_s * work;
    // Of the length, by which memory grows: known from two lengths, and for the copy.
    double power = runner.mixer ? 2 : 1;
    if (seen.size() > 1 && seen[seen.size() - 2].peak_mib > 0) {
      const Seen& before = seen[seen.size() - 2];
      power = std::log(last.peak_mib / before.peak_mib) /
              std::log(static_cast<double>(last.length) / static_cast<double>(before.length));
    }
    const double mib = last.peak_mib * std::pow(longer, std::clamp(power, 1.0, 2.0));
    if (mib > plan_.memory_mib)
      return fmt::format("predicted {:.0f} MiB a pass, limit {:.0f}", mib, plan_.memory_mib);
    if (pass_s > plan_.pass_limit_s)
      return fmt::format("predicted {:.1f} s a pass, limit {:.0f}", pass_s, plan_.pass_limit_s);
    const double left = plan_.budget_s - seconds_since(begin_);
    if (2 * pass_s > left)
      return fmt::format("predicted {:.1f} s a pass, {:.0f} s left of {:.0f}", pass_s, std::max(0.0, left),
                         plan_.budget_s);
    return "";
  }

  at::Tensor pass(const Runner& runner, const at::Tensor& x) const {
    if (!runner.mixer) return x.clone();
    if (!plan_.backward) {
      const c10::NoGradGuard no_gradient;
      return runner.mixer->forward(x, {});
    }
    const at::Tensor input = x.detach().requires_grad_();
    const at::Tensor y = runner.mixer->forward(input, {});
    y.sum().backward();
    for (at::Tensor& parameter : runner.mixer->parameters()) parameter.mutable_grad() = at::Tensor();
    return y.detach();
  }

  // A device works on after the call; reading one value waits for it.
  void wait_for(const at::Tensor& y) const {
    if (!y.is_cpu()) y.flatten()[0].item();
  }

  void rounds(std::vector<Runner>& runners, const at::Tensor& x) {
    double round_s = 0;
    for (const Runner& runner : runners) round_s += runner.first_s * runner.calls;
    const double left = plan_.budget_s - seconds_since(begin_);
    const int count =
        std::clamp(static_cast<int>(share_of(x.size(1)) * left / std::max(round_s, 1e-6)), 1, kMostRounds);
    std::vector<size_t> order(runners.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    for (int round = 0; round < count; ++round) {
      std::shuffle(order.begin(), order.end(), shuffle_);
      for (const size_t i : order) {
        Runner& runner = runners[i];
        tell(fmt::format("{} at {}, round {} of {}", runner.cell.mixer, grouped(runner.cell.length),
                         round + 1, count));
        if (runner.peer) {
          runner.times_ms.push_back(runner.peer->ask(std::to_string(runner.calls)).at("ms").get<double>());
          continue;
        }
        const Clock::time_point start = Clock::now();
        for (int call = 0; call < runner.calls; ++call) {
          const at::Tensor y = pass(runner, x);
          if (call + 1 == runner.calls) wait_for(y);
        }
        runner.times_ms.push_back(1000 * seconds_since(start) / runner.calls);
      }
    }
  }

  // Of the time that is left, for the rounds of one length: longer ones need more, and those to come first passes too.
  double share_of(int64_t length) const {
    int64_t to_come = 0;
    for (const int64_t each : plan_.lengths)
      if (each >= length) to_come += each;
    return std::max(0.05, 0.5 * static_cast<double>(length) / static_cast<double>(to_come));
  }

  void tell(const std::string& note) const {
    progress_(std::min(seconds_since(begin_), plan_.budget_s), plan_.budget_s, note);
  }

  static double quantile(std::vector<double> values, double q) {
    std::ranges::sort(values);
    return values[static_cast<size_t>(q * static_cast<double>(values.size() - 1) + 0.5)];
  }

  static double median_ratio(const Runner& runner, const Runner& other) {
    std::vector<double> ratios;
    for (size_t i = 0; i < runner.times_ms.size(); ++i) ratios.push_back(runner.times_ms[i] / other.times_ms[i]);
    return quantile(ratios, 0.5);
  }

  MixerCell finished(Runner& runner, const std::vector<Runner>& all) {
    MixerCell& cell = runner.cell;
    cell.path = runner.mixer ? runner.mixer->path() : "";
    cell.rounds = static_cast<int>(runner.times_ms.size());
    cell.median_ms = quantile(runner.times_ms, 0.5);
    cell.p10_ms = quantile(runner.times_ms, 0.1);
    cell.p90_ms = quantile(runner.times_ms, 0.9);
    for (const Runner& other : all) {
      if (other.cell.mixer == kReference) cell.ratio = median_ratio(runner, other);
      if (!cell.peer_of.empty() && other.cell.mixer == cell.peer_of) cell.over_own = median_ratio(runner, other);
    }
    // What comes after is predicted from the better figure.
    runner.contender->seen.back().pass_s = cell.median_ms / 1000;
    return cell;
  }

  const Registry& registry_;
  const MixerBenchPlan& plan_;
  const BenchProgress& progress_;
  std::mt19937_64 shuffle_;
  std::vector<Contender> contenders_;
  std::string python_, why_no_peers_;
  MixerBench result_;
  const Clock::time_point begin_ = Clock::now();
};

}  // namespace

MixerBench measure_mixers(const Registry& registry, const MixerBenchPlan& plan,
                          const BenchProgress& progress) {
  const auto known = registry.of<Mixer>().names();
  for (const std::string& name : plan.mixers) {
    if (std::ranges::find(known, name) == known.end())
      throw ConfigError("command line", name + ": unknown mixer" + suggestion(name, known), "unknown_option");
  }
  return Bench(registry, plan, progress).run();
}

}  // namespace subband
