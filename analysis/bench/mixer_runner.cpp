#include "analysis/bench/mixer_runner.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/tensors/memory_counter.h"
#include "core/tensors/random.h"

namespace subband {

namespace mixer_runner {

using Clock = std::chrono::steady_clock;

constexpr double kShortestTiming_s = 0.01;  // shorter passes are timed several at a time
constexpr double kSafety = 1.3;             // on predictions

static double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

static std::shared_ptr<Mixer> make_mixer(const Registry& registry, const std::string& name,
                                         const MixerContext& context, c10::Device device) {
  config::Node spec = config::Node::map();
  spec.set("type", config::Node(name));
  if (name == "flash_attention" && device.is_cuda()) spec.set("backend", config::Node("flash"));
  return make_part<Mixer>(registry, spec, context, name);
}

// Of the length, by which memory grows: known from two lengths, and for the copy.
static double memory_power(const std::vector<MixerContender::Seen>& seen, bool is_mixer) {
  if (seen.size() < 2 || seen[seen.size() - 2].peak_mib <= 0) return is_mixer ? 2 : 1;
  const MixerContender::Seen &last = seen.back(), &before = seen[seen.size() - 2];
  const double power = std::log(last.peak_mib / before.peak_mib) /
                       std::log(static_cast<double>(last.length) / static_cast<double>(before.length));
  return std::clamp(power, 1.0, 2.0);
}

}  // namespace mixer_runner

void MixerRunner::has_run(double seconds) {
  first_s = seconds;
  contender->seen.push_back({cell.length, seconds, cell.peak_mib, cell.flops});
  calls = std::clamp(static_cast<int>(mixer_runner::kShortestTiming_s / seconds), 1, 1000);
}

void MixerRunners::start(MixerRunner& runner, const at::Tensor& x) const {
  MixerContender& contender = *runner.contender;
  std::string& skipped = runner.cell.skipped;
  if (!(skipped = contender.ended).empty()) return;
  try {
    if (contender.name != kCopy) make(runner);
    if ((skipped = contender.ended = prediction(runner)).empty()) run_first(runner, x);
  } catch (const Error& error) {
    skipped = contender.ended = error.first().message;
  } catch (const c10::Error& error) {
    skipped = contender.ended = "LibTorch: " + std::string(error.what_without_backtrace()).substr(0, 160);
  }
}

void MixerRunners::run_first(MixerRunner& runner, const at::Tensor& x) const {
  const auto begin = mixer_runner::Clock::now();
  at::Tensor y;
  {
    const MemoryCounter memory;
    y = pass(runner, x);
    runner.cell.peak_mib = static_cast<double>(memory.peak_bytes()) / (1 << 20);
  }
  if (y.sizes() != x.sizes() || !at::isfinite(y).all().item<bool>()) {
    runner.cell.skipped = "its answer is not finite";
    return;
  }
  double seconds = mixer_runner::seconds_since(begin);
  const auto again = mixer_runner::Clock::now();
  if (seconds < 1) wait_for(pass(runner, x)), seconds = mixer_runner::seconds_since(again);
  runner.has_run(seconds);
}

void MixerRunners::make(MixerRunner& runner) const {
  MixerContender& contender = *runner.contender;
  MixerContext context{.width = plan_.width,
                       .length = runner.cell.length,
                       .causal = contender.causal.value_or(plan_.causal)};
  Initializer first(plain_generator(plan_.seed));
  context.initializer = &first;
  const auto built = [&] { return mixer_runner::make_mixer(registry_, contender.name, context, plan_.device); };
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
  runner.cell.path = runner.mixer->path();
  runner.cell.flops = runner.mixer->flops(runner.cell.length);
  runner.cell.state_bytes =
      runner.mixer->state_bytes(runner.cell.length, plan_.type == c10::kBFloat16 ? 2 : 4);
}

std::string MixerRunners::prediction(const MixerRunner& runner) const {
  const std::vector<MixerContender::Seen>& seen = runner.contender->seen;
  if (seen.empty()) return "";
  const MixerContender::Seen& last = seen.back();
  const double longer = static_cast<double>(runner.cell.length) / static_cast<double>(last.length);
  const double work = last.flops > 0 ? std::max(longer, runner.cell.flops / last.flops) : longer;
  const double pass_s = mixer_runner::kSafety * last.pass_s * work;
  const double mib = last.peak_mib * std::pow(longer, mixer_runner::memory_power(seen, runner.mixer != nullptr));
  if (mib > plan_.memory_mib)
    return fmt::format("predicted {:.0f} MiB a pass, limit {:.0f}", mib, plan_.memory_mib);
  if (pass_s > plan_.pass_limit_s)
    return fmt::format("predicted {:.1f} s a pass, limit {:.0f}", pass_s, plan_.pass_limit_s);
  const double left = plan_.budget_s - seconds_gone();
  if (2 * pass_s > left)
    return fmt::format("predicted {:.1f} s a pass, {:.0f} s left of {:.0f}", pass_s, std::max(0.0, left),
                       plan_.budget_s);
  return "";
}

at::Tensor MixerRunners::pass(const MixerRunner& runner, const at::Tensor& x) const {
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

void MixerRunners::wait_for(const at::Tensor& y) const {
  if (!y.is_cpu()) y.flatten()[0].item();
}

double MixerRunners::seconds_gone() const { return mixer_runner::seconds_since(begin_); }

}  // namespace subband
