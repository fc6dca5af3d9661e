#include "analysis/bench/measure_packed.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <vector>

#include "core/error.h"
#include "core/ops/products/packed_product.h"
#include "core/ops/products/packed_product_loops.h"
#include "core/tensors/random.h"
#include "core/text.h"

namespace subband {

namespace {

using Clock = std::chrono::steady_clock;

double middle(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

/// Something that is timed, over and over.
struct PackedRunner {
  std::string name;
  double bytes = 0;  // that a pass reads
  std::function<void()> run;
  size_t reads = 0;  // the runner that reads as many bytes and does nothing else; itself for those
  std::vector<double> times_s = {};  // one a round
};

class PackedBench {
 public:
  PackedBench(const PackedBenchPlan& plan, const std::function<void(const std::string&)>& tell)
      : plan_(plan), tell_(tell), shuffle_(plan.seed) {
    count_ = std::max<int64_t>(1, (plan.weights_mib << 20) / (4 * plan.rows * plan.columns));
    x_NC_ = at::empty({plan.inputs, plan.columns}).normal_(0, 1, stream(plan.seed, "x"));
  }

  Report run() {
    const c10::NoGradGuard no_gradient;
    add_dense();
    for (const int bits : {8, 4, 3, 2}) add_packed(bits);
    rounds();
    return report();
  }

 private:
  static constexpr size_t kDense = 1;  // place of the runner to which others are compared

  void add_reading(const std::string& name, const std::vector<at::Tensor>& buffers) {
    double bytes = 0;
    for (const at::Tensor& buffer : buffers) bytes += static_cast<double>(buffer.nbytes());
    const size_t own = runners_.size();
    runners_.push_back({name, bytes,
                        [this, buffers] {
                          for (const at::Tensor& buffer : buffers) sink_ += buffer.sum().item<float>();
                        },
                        own});
  }

  void add_dense() {
    tell_(fmt::format("{} matrices of {} x {}", count_, plan_.rows, plan_.columns));
    std::vector<at::Tensor> weights;
    for (int64_t i = 0; i < count_; ++i)
      weights.push_back(at::empty({plan_.rows, plan_.columns})
                            .uniform_(-1, 1, stream(plan_.seed, "weights", static_cast<uint64_t>(i))));
    add_reading("read fp32", weights);
    runners_.push_back({"fp32", runners_.back().bytes,
                        [this, weights] {
                          for (const at::Tensor& weight : weights)
                            sink_ += at::linear(x_NC_, weight)[0][0].item<float>();
                        },
                        0});
  }

  void add_packed(int bits) {
    const PackedForm form{.rows = plan_.rows,
                          .columns = plan_.columns,
                          .bits = bits,
                          .group = bits == 8 ? PackedForm::kRow : int64_t{128}};
    std::vector<PackedMatrix> weights;
    std::vector<at::Tensor> codes;
    double bytes = 0;
    for (int64_t i = 0; i < count_; ++i) {
      const auto index = static_cast<uint64_t>(i);
      at::Tensor words =
          at::empty({form.rows, form.row_bytes() / 4}, at::kInt).random_(stream(plan_.seed, "codes", index));
      const at::Tensor scales =
          at::empty({form.scale_rows(), form.groups()}).uniform_(0.5, 1, stream(plan_.seed, "scales", index));
      weights.push_back({form, words.view(at::kByte), form.has_groups() ? scales.to(at::kHalf) : scales, {}});
      codes.push_back(words.view(at::kFloat));
      bytes += static_cast<double>(form.bytes());
    }
    check(weights.front());
    const size_t reads = runners_.size();
    add_reading(fmt::format("read {} bits", bits), codes);
    runners_.push_back({form.text(), bytes,
                        [this, weights] {
                          for (const PackedMatrix& weight : weights)
                            sink_ += packed_product(x_NC_, weight, {})[0][0].item<float>();
                        },
                        reads});
  }

  void check(const PackedMatrix& matrix) const {
    const at::Tensor wanted = packed_product(x_NC_.to(at::kDouble), matrix, {}, "reference");
    const double error =
        (packed_product(x_NC_, matrix, {}).to(at::kDouble) - wanted).abs().max().item<double>();
    const double size = wanted.abs().max().item<double>();
    if (!(error < 1e-5 * size))
      throw Error("bench", fmt::format("packed product = {:g} off the reference: must be below {:g}", error,
                                       1e-5 * size));
  }

  void rounds() {
    std::vector<size_t> order(runners_.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    for (PackedRunner& runner : runners_) runner.run();
    for (int round = 0; round < plan_.rounds; ++round) {
      std::shuffle(order.begin(), order.end(), shuffle_);
      tell_(fmt::format("round {} of {}", round + 1, plan_.rounds));
      for (const size_t i : order) {
        const Clock::time_point start = Clock::now();
        runners_[i].run();
        runners_[i].times_s.push_back(std::chrono::duration<double>(Clock::now() - start).count());
      }
    }
  }

  // Median over rounds of the time of `other` over that of `runner`, scaled to the bytes of `runner` where they differ.
  double ratio(const PackedRunner& runner, const PackedRunner& other, bool per_byte) const {
    std::vector<double> ratios;
    const double scale = per_byte ? runner.bytes / other.bytes : 1;
    for (size_t i = 0; i < runner.times_s.size(); ++i)
      ratios.push_back(scale * other.times_s[i] / runner.times_s[i]);
    return middle(ratios);
  }

  Report report() const {
    Table table{.columns = {{"weights"},
                            {"MiB", true},
                            {"ms", true},
                            {"G weights/s", true},
                            {"GB/s", true},
                            {"over fp32", true},
                            {"of reading", true}}};
    const double weights = static_cast<double>(count_ * plan_.rows * plan_.columns);
    for (const PackedRunner& runner : runners_) {
      const double time = middle(runner.times_s);
      const bool reads = runner.name.starts_with("read");
      const auto number = [](double value, int digits) {
        return TableCell{fmt::format("{:.{}f}", value, digits), value};
      };
      table.rows.push_back({{runner.name},
                            number(runner.bytes / (1 << 20), 0),
                            number(1e3 * time, 1),
                            number(1e-9 * weights / time, 2),
                            number(1e-9 * runner.bytes / time, 2),
                            reads ? TableCell{"–"} : number(ratio(runner, runners_[kDense], false), 2),
                            reads ? TableCell{"–"} : number(ratio(runner, runners_[runner.reads], true), 2)});
    }
    Notes notes{{fmt::format(
        "{} matrices of {} x {}, {} inputs, {} threads, {}; medians of {} interleaved rounds, ratios of each "
        "round first; reading: the sum of as many bytes",
        count_, plan_.rows, plan_.columns, plan_.inputs, at::get_num_threads(),
        packed_product_paths::loops_instructions(), plan_.rounds)}};
    return {.title = "products with packed weights", .blocks = {std::move(table), std::move(notes)}};
  }

  const PackedBenchPlan& plan_;
  const std::function<void(const std::string&)>& tell_;
  std::mt19937_64 shuffle_;
  int64_t count_ = 1;
  at::Tensor x_NC_;
  std::vector<PackedRunner> runners_;
  float sink_ = 0;  // so that nothing is left out
};

}  // namespace

Report measure_packed(const PackedBenchPlan& plan, const std::function<void(const std::string&)>& tell) {
  return PackedBench(plan, tell).run();
}

}  // namespace subband
