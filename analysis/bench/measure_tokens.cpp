#include "analysis/bench/measure_tokens.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <random>

#include "core/error.h"
#include "core/slot.h"
#include "core/tensors/random.h"
#include "core/text.h"
#include "models/mixer.h"
#include "models/net.h"

namespace subband {

namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kRead = "read keys and values";
constexpr const char* kNet = "wavelet_lm";
constexpr int64_t kVocabulary = 256;
constexpr int64_t kPiece = 512;  // tokens by which a state is filled
constexpr double kShortestToken_s = 0.02;

/// A mixer or the net.
struct TokenContender {
  std::string name;
  std::shared_ptr<Mixer> mixer;
  std::shared_ptr<Net> net;

  torch::nn::Module& module() const { return mixer ? static_cast<torch::nn::Module&>(*mixer) : *net; }
  at::Tensor fed(const at::Tensor& x, SequenceState* state) const {
    const at::Tensor y = mixer ? mixer->forward(x, {.state = state}) : net->forward(x, {.state = state});
    if (mixer && state) state->advance(x.size(1));
    return y;
  }
  bool grows() const {
    const auto bytes = [&](int64_t length) {
      return mixer ? mixer->state_bytes(length, 4) : net->costs(length, 4).state_bytes();
    };
    return bytes(int64_t{1} << 40) > bytes(int64_t{1} << 39);
  }
};

/// Something that is timed, over and over.
struct TokenRunner {
  size_t row;
  int64_t position;  // 0: a prompt, -1: a training forward pass
  std::function<void()> run;
  int calls = 1;
  std::vector<double> times_s = {};

  double median() const {
    std::vector<double> sorted = times_s;
    std::ranges::sort(sorted);
    return sorted[sorted.size() / 2];
  }
};

template <class Interface>
std::shared_ptr<Interface> made(const Registry& registry, const config::Node& spec,
                                const typename Interface::Context& context) {
  config::Node root = config::Node::map(), resolved;
  root.set("part", spec);
  BindSession session{.registry = &registry};
  Binder binder(session, root, resolved);
  Slot<Interface> slot;
  slot.bind(binder, "part", context, "");
  session.finish();
  auto part = slot.make(context);
  return part;
}

class TokenBench {
 public:
  TokenBench(const Registry& registry, const TokenBenchPlan& plan, const std::function<void(const std::string&)>& tell)
      : registry_(registry), plan_(plan), tell_(tell), shuffle_(plan.seed) {}

  Report run() {
    std::vector<std::string> names = plan_.names;
    if (names.empty()) names = registry_.of<Mixer>().names(), names.emplace_back(kNet);
    for (const std::string& name : names)
      if (const auto contender = contender_of(name)) contenders_.push_back(*contender);
    const c10::NoGradGuard no_gradient;
    add_reading();
    for (size_t row = 0; row < contenders_.size(); ++row) add_runners(row);
    rounds();
    return report();
  }

 private:
  // Nothing for a mixer that cannot go on, unless it was asked for.
  std::optional<TokenContender> contender_of(const std::string& name) {
    Initializer first(plain_generator(plan_.seed));
    config::Node spec = config::Node::map();
    spec.set("type", config::Node(name));
    TokenContender contender{.name = name};
    try {
      if (name == kNet) {
        spec.set("width", config::Node(plan_.width));
        contender.net = made<Net>(registry_, spec, {.vocabulary = kVocabulary, .initializer = &first});
      } else {
        contender.mixer = mixer_of(spec, {.width = plan_.width, .initializer = &first});
      }
    } catch (const ConfigError&) {
      if (!plan_.names.empty()) throw;
      return {};
    }
    if (contender.mixer && !contender.mixer->can_continue()) {
      if (plan_.names.empty()) return {};
      throw ConfigError("command line", name + ": reads whole windows and cannot go on from a past", "bad_value");
    }
    contender.module().to(plan_.device, plan_.type);
    contender.module().eval();
    return contender;
  }

  std::shared_ptr<Mixer> mixer_of(config::Node spec, const MixerContext& context) {
    config::Node with_heads = spec;
    with_heads.set("heads", config::Node(plan_.heads));
    try {
      return made<Mixer>(registry_, with_heads, context);
    } catch (const ConfigError&) {  // it has none, or the error comes again
      return made<Mixer>(registry_, spec, context);
    }
  }

  at::Tensor input(const TokenContender& contender, int64_t length) const {
    if (contender.net)
      return at::empty({plan_.batch, length}, at::kLong).random_(0, kVocabulary, stream(plan_.seed, "ids")).to(plan_.device);
    const at::Tensor x = at::empty({plan_.batch, length, plan_.width}).normal_(0, 1, stream(plan_.seed, "x"));
    return x.to(plan_.device, plan_.type);
  }

  void add_reading() {
    for (const int64_t position : plan_.positions) {
      if (position > plan_.longest_growing) continue;
      const at::Tensor kept = at::ones({2, plan_.batch, position, plan_.width}, at::TensorOptions(plan_.type).device(plan_.device));
      runners_.push_back({contenders_.size(), position, [kept] { kept.sum().item<double>(); }});
    }
  }

  void add_runners(size_t row) {
    const TokenContender& contender = contenders_[row];
    for (const int64_t position : plan_.positions) {
      if (position > plan_.longest_growing && contender.grows()) continue;
      tell_(fmt::format("{}: {} tokens", contender.name, position));
      const auto state = std::make_shared<SequenceState>(position + 4096);
      for (int64_t first = 0; first < position; first += kPiece)
        contender.fed(input(contender, std::min(kPiece, position - first)), state.get());
      const at::Tensor token = input(contender, 1);
      runners_.push_back({row, position, [this, contender, state, token] { wait_for(contender.fed(token, state.get())); }});
    }
    if (plan_.prompt == 0) return;
    const at::Tensor x = input(contender, plan_.prompt);
    runners_.push_back({row, 0, [this, contender, x] {
                          SequenceState state(x.size(1));
                          wait_for(contender.fed(x, &state));
                        }});
    runners_.push_back({row, -1, [this, contender, x] {
                          const c10::AutoGradMode with_gradients(true);
                          wait_for(contender.fed(x, nullptr));
                        }});
  }

  void wait_for(const at::Tensor& y) const {
    if (!y.is_cpu()) y.flatten()[0].item();
  }

  static double timed(TokenRunner& runner) {
    const Clock::time_point start = Clock::now();
    for (int call = 0; call < runner.calls; ++call) runner.run();
    return std::chrono::duration<double>(Clock::now() - start).count() / runner.calls;
  }

  void rounds() {
    std::vector<size_t> order(runners_.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    for (TokenRunner& runner : runners_) {
      timed(runner);
      runner.calls = std::clamp(static_cast<int>(kShortestToken_s / timed(runner)), 1, 100);
    }
    for (int round = 0; round < plan_.rounds; ++round) {
      std::shuffle(order.begin(), order.end(), shuffle_);
      tell_(fmt::format("round {} of {}", round + 1, plan_.rounds));
      for (const size_t i : order) runners_[i].times_s.push_back(timed(runners_[i]));
    }
  }

  const TokenRunner* find(size_t row, int64_t position) const {
    for (const TokenRunner& runner : runners_)
      if (runner.row == row && runner.position == position) return &runner;
    return nullptr;
  }

  Report report() const {
    Table table{.columns = {{"part"}}};
    for (const int64_t position : plan_.positions) table.columns.push_back({grouped(position), true});
    table.columns.push_back({"last / first", true});
    table.columns.push_back({fmt::format("prompt of {}, tokens/s", grouped(plan_.prompt)), true});
    table.columns.push_back({"over training", true});
    for (size_t row = 0; row <= contenders_.size(); ++row) {
      std::vector<TableCell> cells = {{row < contenders_.size() ? contenders_[row].name : kRead}};
      for (const int64_t position : plan_.positions) cells.push_back(token_cell(row, position));
      const TokenRunner *first = find(row, plan_.positions.front()), *last = find(row, plan_.positions.back());
      cells.push_back(first && last && first != last ? number(last->median() / first->median()) : TableCell{"–"});
      const TokenRunner *prompt = find(row, 0), *training = find(row, -1);
      const double tokens = static_cast<double>(plan_.batch * plan_.prompt);
      cells.push_back(prompt ? number(tokens / prompt->median(), 0) : TableCell{"–"});
      cells.push_back(prompt ? number(training->median() / prompt->median()) : TableCell{"–"});
      table.rows.push_back(cells);
    }
    Notes notes{{fmt::format("batch {}, width {}, {} heads, {}, {}, {} threads; medians of {} interleaved rounds, in "
                               "parentheses over reading keys and values once",
                               plan_.batch, plan_.width, plan_.heads, plan_.type == at::kFloat ? "fp32" : "bf16",
                               plan_.device.str(), at::get_num_threads(), plan_.rounds)}};
    return {.title = "microseconds of the next token of every sequence, behind so many",
            .blocks = {std::move(table), std::move(notes)}};
  }

  TableCell token_cell(size_t row, int64_t position) const {
    const TokenRunner *runner = find(row, position), *reading = find(contenders_.size(), position);
    if (runner == nullptr) return {"–"};
    const double us = runner->median() * 1e6;
    const std::string over = reading && reading != runner ? fmt::format(" ({:.2f})", runner->median() / reading->median()) : "";
    return {fmt::format("{:.0f}{}", us, over), us};
  }
  static TableCell number(double value, int digits = 2) { return {fmt::format("{:.{}f}", value, digits), value}; }

  const Registry& registry_;
  const TokenBenchPlan& plan_;
  const std::function<void(const std::string&)>& tell_;
  std::mt19937_64 shuffle_;
  std::vector<TokenContender> contenders_;
  std::vector<TokenRunner> runners_;
};

}  // namespace

Report measure_tokens(const Registry& registry, const TokenBenchPlan& plan,
                     const std::function<void(const std::string&)>& tell) {
  std::vector<std::string> known = registry.of<Mixer>().names();
  known.emplace_back(kNet);
  for (const std::string& name : plan.names)
    if (std::ranges::find(known, name) == known.end())
      throw ConfigError("command line", name + ": unknown mixer" + suggestion(name, known), "unknown_option");
  return TokenBench(registry, plan, tell).run();
}

}  // namespace subband
