#include "analysis/bench/measure_former.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <random>

#include "analysis/bench/own_folder.h"
#include "analysis/bench/peer_process.h"
#include "analysis/bench/targets.h"
#include "analysis/statistics.h"
#include "core/error.h"
#include "core/files.h"
#include "core/json.h"
#include "core/text.h"

namespace subband {

namespace former_bench {

// A program as it is started, and its times of one mixer at one length.
struct Variant {
  std::string name;
  std::vector<std::string> command;
  std::vector<double> times_ms = {};
};

class FormerBench {
 public:
  FormerBench(const FormerBenchPlan& plan, const std::function<void(const std::string&)>& tell)
      : plan_(plan), tell_(tell) {
    const std::string kept = "17179869184";  // bytes
    variants_ = {
        Variant{"subband", {plan.program.empty() ? this_program() : plan.program}},
        Variant{"former", {plan.former}},
        Variant{"former kept",
                {"env", "MALLOC_MMAP_THRESHOLD_=" + kept, "MALLOC_TRIM_THRESHOLD_=" + kept, plan.former}}};
  }

  Report run() {
    for (const int64_t length : plan_.lengths)
      for (const std::string& mixer : plan_.mixers) measure(mixer, length);
    Notes notes{{fmt::format(
        "{} pass, batch {}, width {}, {} thread{}; medians of {} interleaved rounds, in parentheses the "
        "tenth and the ninetieth of a hundred; former: {}; kept: with MALLOC_MMAP_THRESHOLD_ and "
        "MALLOC_TRIM_THRESHOLD_ at 16 GiB",
        plan_.backward ? "forward and backward" : "forward", plan_.batch, plan_.width, plan_.threads,
        plan_.threads == 1 ? "" : "s", plan_.rounds, plan_.former)}};
    for (const std::string& reason : left_out_) notes.lines.push_back(reason);
    Report report{.title = "mixers beside a former state", .blocks = {std::move(table_), std::move(notes)}};
    report.facts[kFigures] = figures_;
    return report;
  }

 private:
  // For how long a program may measure: a first pass, and rounds in half of the rest.
  static double budget_s(int64_t length) {
    return std::max(6.0, 40.0 * static_cast<double>(length) / 131072);
  }
  // Enough for what is linear in the length, and too little for softmax attention beside it.
  double memory_mib(int64_t length) const {
    return std::min(std::max(1024.0, static_cast<double>(length) / 8), plan_.memory_mib);
  }

  double pass_ms(const Variant& variant, const std::string& mixer, int64_t length) const {
    std::vector<std::string> command = variant.command;
    for (const std::string& word :
         {std::string("bench"), std::string("mixers"), mixer, "--lengths=" + std::to_string(length),
          "--width=" + std::to_string(plan_.width), "--batch=" + std::to_string(plan_.batch),
          "--threads=" + std::to_string(plan_.threads), fmt::format("--budget={}", budget_s(length)),
          fmt::format("--pass-limit={}", budget_s(length)), fmt::format("--memory={}", memory_mib(length)),
          std::string("--device=cpu"), std::string("--json"), std::string("--quiet"),
          "--store=" + folder_.path().string()})
      command.push_back(word);
    if (plan_.backward) command.emplace_back("--backward");
    run_to_end(command, folder_ / "log.txt", folder_ / "answer.json");
    const Json answer = read_json(read_file(folder_ / "answer.json"), variant.name);
    for (const Json& cell : answer.at("cells")) {
      if (cell.at("mixer") != mixer || cell.at("length") != length) continue;
      if (cell.contains("skipped")) throw Error(variant.name, cell.at("skipped").get<std::string>());
      return cell.at("median_ms").get<double>();
    }
    throw Error(variant.name, "its answer has no such cell");
  }

  void measure(const std::string& mixer, int64_t length) {
    std::array<size_t, 3> order{0, 1, 2};
    for (Variant& variant : variants_) variant.times_ms.clear();
    try {
      for (int round = 0; round < plan_.rounds; ++round) {
        std::ranges::shuffle(order, shuffle_);
        for (const size_t i : order) {
          tell_(fmt::format("{} at {}, round {} of {}: {}", mixer, grouped(length), round + 1, plan_.rounds,
                            variants_[i].name));
          variants_[i].times_ms.push_back(pass_ms(variants_[i], mixer, length));
        }
      }
    } catch (const Error& error) {
      left_out_.push_back(fmt::format("{} at {}: left out: {}", mixer, grouped(length), error.what()));
      return;
    }
    const std::vector<double>& own = variants_[0].times_ms;
    std::vector<TableCell> row = {{mixer},
                                  number_cell(grouped(length), static_cast<double>(length)),
                                  number_cell(median_text(own, 1), quantile(own, 0.5))};
    for (size_t i = 1; i < variants_.size(); ++i) {
      const std::vector<double> ratios = quotients(variants_[i].times_ms, own);
      row.push_back(number_cell(median_text(ratios, 2), quantile(ratios, 0.5)));
      figures_[fmt::format("{}/subband {} at {}", variants_[i].name, mixer, length)] = quantile(ratios, 0.5);
    }
    table_.rows.push_back(std::move(row));
  }

  const FormerBenchPlan& plan_;
  const std::function<void(const std::string&)>& tell_;
  std::array<Variant, 3> variants_;
  std::mt19937_64 shuffle_{1};
  OwnFolder folder_;
  Table table_{.columns = {{"mixer"},
                           {"tokens", true},
                           {"ms", true},
                           {"former over it", true},
                           {"former, kept, over it", true}}};
  nlohmann::ordered_json figures_ = nlohmann::ordered_json::object();
  std::vector<std::string> left_out_;
};

}  // namespace former_bench

Report measure_former(const FormerBenchPlan& plan, const std::function<void(const std::string&)>& tell) {
  return former_bench::FormerBench(plan, tell).run();
}

}  // namespace subband
