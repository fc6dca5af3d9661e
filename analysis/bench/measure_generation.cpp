#include "analysis/bench/measure_generation.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <random>

#include "analysis/bench/greedy_text.h"
#include "analysis/bench/matrix_uses.h"
#include "analysis/bench/transformers_peer.h"
#include "analysis/statistics.h"
#include "core/error.h"
#include "core/tensors/random.h"
#include "core/text.h"
#include "models/quantisation/pack_net.h"
#include "models/quantisation/plan.h"

namespace subband {

namespace generation_bench {

using Clock = std::chrono::steady_clock;

constexpr int64_t kBehind = 32;        // tokens before the first that is timed
constexpr int64_t kPromptPiece = 512;  // as TokenSource reads them
constexpr int64_t kPeerTokens = 32;

double seconds_of(const std::function<void()>& work) {
  const Clock::time_point start = Clock::now();
  work();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct Timed {
  std::string name;
  std::function<void()> run;
  std::vector<double> times_s = {};
};

class GenerationBench {
 public:
  GenerationBench(const Recipe& recipe, const GenerationBenchPlan& plan, const std::function<void(const std::string&)>& tell)
      : recipe_(recipe), plan_(plan), tell_(tell) {
    if (!recipe.task.make({})->writes_text())
      throw ConfigError("", "task " + recipe.task.type() + ": writes no text to be timed", "bad_value");
  }

  Report run() {
    const c10::NoGradGuard no_gradient;
    if (plan_.packed) add_packed(8), add_packed(4);  // first, while there is room for what is packed
    add_dense();
    if (plan_.peers) add_peer();
    take_turns();
    if (plan_.prompt > 0) read_prompt();
    return report();
  }

 private:
  std::shared_ptr<Net> made(const std::string& name) const {
    tell_(name);
    std::shared_ptr<Net> net = make_net(recipe_);
    net->eval();
    return net;
  }

  size_t add(const std::string& name, std::function<void()> run) {
    timed_.push_back({name, std::move(run)});
    return timed_.size() - 1;
  }

  // The next token of a text, and reading what the net holds of the weights that it uses.
  void add_streaming(const std::string& name, const std::shared_ptr<Net>& net) {
    const MatrixUses uses(*net, 1);
    std::vector<at::Tensor> buffers;
    double once = 0, used = 0;
    for (const auto& [key, matrix] : weight_matrices(*net)) {
      const auto found = uses.times.find(key);
      if (found == uses.times.end()) continue;
      buffers.push_back(matrix->packed() ? matrix->packed()->codes.view(at::kFloat) : matrix->dense());
      once += static_cast<double>(buffers.back().nbytes());
      used += static_cast<double>(found->second) * bytes_of(*matrix);
    }
    const auto text = std::make_shared<GreedyText>(*net, TokenSource::Options{}, recipe_.vocabulary, kBehind);
    Row row{.name = name, .bound = "reading"};
    row.own = add(name, [net, text] { text->next(); });
    row.yardstick = add("read " + name, [this, buffers] {
      for (const at::Tensor& buffer : buffers) sink_ += buffer.sum().item<float>();
    });
    row.scale = used / once;
    row.note = fmt::format("{}: {:.1f} MB of weights a token", name, used / 1e6);
    rows_.push_back(row);
  }

  void add_packed(int bits) {
    const std::string name = fmt::format("{} bits", bits);
    const std::shared_ptr<Net> net = made(name);
    QuantisationPlan plan = QuantisationPlan::uniform(bits);
    plan.group = bits == 8 ? PackedForm::kRow : 128;
    for (const auto& [key, form] : planned_forms(*net, plan)) {  // one at a time, so that no more is held than both
      const PackedForms one = {{key, form}};
      pack_net(*net, packed_matrices(*net, one), "bench");
    }
    add_streaming(name, net);
  }

  // Every matrix that a pass uses, multiplied once with as many vectors as it meets at a time.
  std::function<void()> products(const std::shared_ptr<Net>& net, const MatrixUses& uses, double& flops) {
    std::vector<std::pair<at::Tensor, at::Tensor>> pairs;
    flops = 0;
    for (const auto& [name, matrix] : weight_matrices(*net)) {
      const auto found = uses.vectors.find(name);
      if (found == uses.vectors.end()) continue;
      const int64_t vectors = found->second / uses.times.at(name);
      pairs.emplace_back(at::empty({vectors, matrix->columns()}).normal_(0, 1, stream(1, "x")), matrix->dense());
      flops += 2.0 * static_cast<double>(vectors * matrix->rows() * matrix->columns());
    }
    return [this, pairs] {
      for (const auto& [x, weight] : pairs) sink_ += at::linear(x, weight)[0][0].item<float>();
    };
  }

  void add_dense() {
    dense_ = made("fp32");
    add_streaming("fp32", dense_);
    if (!plan_.window) return;
    const int64_t length = recipe_.trainer.length;
    const MatrixUses uses(*dense_, length);
    const auto text = std::make_shared<GreedyText>(*dense_, TokenSource::Options{.length = length, .slides = true},
                                                   recipe_.vocabulary, length);
    Row row{.name = fmt::format("window of {} again", length), .bound = "products"};
    row.own = add(row.name, [text] { text->next(); });
    double flops = 0;
    row.yardstick = add("its products", products(dense_, uses, flops));
    row.scale = uses.flops(*dense_) / flops;
    rows_.push_back(row);
  }

  void take_turns() {
    std::mt19937 shuffle(1);
    std::vector<size_t> order(timed_.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    for (Timed& each : timed_) each.run();
    for (int round = 0; round < plan_.rounds; ++round) {
      tell_(fmt::format("round {} of {}", round + 1, plan_.rounds));
      std::shuffle(order.begin(), order.end(), shuffle);
      for (const size_t i : order) timed_[i].times_s.push_back(seconds_of(timed_[i].run));
    }
  }

  // Between two passes over the same products.
  void read_prompt() {
    tell_(fmt::format("a prompt of {}", plan_.prompt));
    const MatrixUses uses(*dense_, std::min(kPromptPiece, plan_.prompt));
    double flops = 0;
    const auto yardstick = products(dense_, uses, flops);
    const double per_token = uses.flops(*dense_) / static_cast<double>(std::min(kPromptPiece, plan_.prompt));
    yardstick();
    const double before = seconds_of(yardstick);
    GreedyText text(*dense_, {}, recipe_.vocabulary, plan_.prompt);
    prompt_s_ = seconds_of([&] { text.next(); });
    const double rate = 2 * flops / (before + seconds_of(yardstick));
    prompt_share_ = per_token * static_cast<double>(plan_.prompt) / rate / prompt_s_;
  }

  // What `transformers` writes first must be our text.
  void add_peer() {
    tell_("transformers");
    GreedyText text(*dense_, {}, recipe_.vocabulary, kBehind);
    peer_ = start_transformers(recipe_, *dense_, text.ids(), kPeerTokens);
    if (!peer_.process) return;
    for (int64_t i = 0; i < kPeerTokens; ++i) text.next();
    if (peer_.first_text != text.ids())
      throw ConfigError("bench generation", "transformers writes another text; nothing was timed",
                        "bad_value");
    add_peer_rows();
  }

  // Whole texts: prompt and tokens, for both.
  void add_peer_rows() {
    own_text_ = add("whole text", [this] {
      GreedyText again(*dense_, {}, recipe_.vocabulary, kBehind);
      for (int64_t i = 0; i < kPeerTokens; ++i) again.next();
    });
    peer_text_ = add("whole text of the peer", [this] { peer_.process->ask("text"); });
  }

  struct Row {
    std::string name, bound, note;
    size_t own = 0, yardstick = 0;
    double scale = 1;  // of the yardstick's time, to what a token needs
  };

  double median_of(const std::function<double(size_t round)>& value) const {
    std::vector<double> all;
    for (size_t round = 0; round < timed_.front().times_s.size(); ++round) all.push_back(value(round));
    return quantile(all, 0.5);
  }
  double time(size_t index, size_t round) const { return timed_[index].times_s[round]; }
  const Row& fp32() const { return *std::ranges::find(rows_, std::string("fp32"), &Row::name); }

  static TableCell cell(double value, int digits) { return {fmt::format("{:.{}f}", value, digits), value}; }

  Report report() const {
    Table table{.columns = {{"a token of"}, {"ms", true}, {"tokens/s", true}, {"over fp32", true}, {"of its bound", true}, {"bound"}}};
    Notes notes;
    for (const Row& row : rows_) {
      const double seconds = median_of([&](size_t round) { return time(row.own, round); });
      const double faster = median_of([&](size_t round) { return time(fp32().own, round) / time(row.own, round); });
      const double share = median_of([&](size_t round) { return row.scale * time(row.yardstick, round) / time(row.own, round); });
      table.rows.push_back({{row.name}, cell(1e3 * seconds, 2), cell(1 / seconds, 2), cell(faster, 2), cell(share, 2), {row.bound}});
      if (!row.note.empty()) notes.lines.push_back(row.note);
    }
    if (plan_.prompt > 0)
      table.rows.push_back({{fmt::format("a prompt of {}", grouped(plan_.prompt))},
                            cell(1e3 * prompt_s_ / static_cast<double>(plan_.prompt), 2),
                            cell(static_cast<double>(plan_.prompt) / prompt_s_, 1),
                            {"–"},
                            cell(prompt_share_, 2),
                            {"products"}});
    if (plan_.window) add_window_note(notes);
    add_peer_note(notes);
    notes.lines.push_back(fmt::format("{}: {} parameters, initial weights; {} threads, medians of {} interleaved rounds, ratios of each "
                                      "round first; reading: the sum of the same weights, times as often as a token uses them",
                                      recipe_.name, grouped(parameter_count(*dense_)), at::get_num_threads(), plan_.rounds));
    return {.title = "text, token by token", .blocks = {std::move(table), std::move(notes)}};
  }

  // How many windows take as long as a token, and how many would at the two bounds.
  void add_window_note(Notes& notes) const {
    const Row &window = rows_.back(), &stream = fp32();
    const double found = median_of([&](size_t round) { return time(window.own, round) / time(stream.own, round); });
    const double allowed = median_of([&](size_t round) {
      return window.scale * time(window.yardstick, round) / (stream.scale * time(stream.yardstick, round));
    });
    notes.lines.push_back(fmt::format("a state instead of the window: {:.1f} times as fast; reading and products allow {:.1f}: {:.2f} of it",
                                      found, allowed, found / allowed));
  }

  void add_peer_note(Notes& notes) const {
    if (!plan_.peers) return;
    if (!peer_.process) return notes.lines.push_back("transformers: left out: " + peer_.lacking);
    const double ratio = median_of([&](size_t round) { return time(peer_text_, round) / time(own_text_, round); });
    const double own = median_of([&](size_t round) { return time(own_text_, round); });
    notes.lines.push_back(fmt::format(
        "{} `generate`, {} tokens behind {}: {:.2f} times this program's {:.1f} ms; the same tokens",
        peer_.name, kPeerTokens, kBehind, ratio, 1e3 * own));
  }

  const Recipe& recipe_;
  const GenerationBenchPlan& plan_;
  const std::function<void(const std::string&)>& tell_;
  std::shared_ptr<Net> dense_;
  std::vector<Timed> timed_;
  std::vector<Row> rows_;
  double prompt_s_ = 0, prompt_share_ = 0;
  TransformersPeer peer_;
  size_t own_text_ = 0, peer_text_ = 0;
  float sink_ = 0;  // so that nothing is left out
};

}  // namespace generation_bench

Report measure_generation(const Recipe& recipe, const GenerationBenchPlan& plan,
                          const std::function<void(const std::string&)>& tell) {
  return generation_bench::GenerationBench(recipe, plan, tell).run();
}

}  // namespace subband
