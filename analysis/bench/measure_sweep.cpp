#include "analysis/bench/measure_sweep.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <optional>

#include "analysis/bench/own_folder.h"
#include "analysis/bench/peer_process.h"
#include "analysis/bench/targets.h"
#include "analysis/statistics.h"
#include "core/error.h"
#include "core/files.h"
#include "core/json.h"
#include "core/tensors/safetensors.h"
#include "core/text.h"
#include "experiments/load_recipe.h"
#include "experiments/training/checkpoints/checkpoint.h"
#include "experiments/training/machine.h"
#include "runs/record/record.h"
#include "runs/store.h"

namespace subband {

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

struct SweepRow {
  std::string name, way, skipped;
  double seconds = 0, bpb = 0;  // bpb: mean of valid.bpb over the cells
};

class SweepMeasurement {
 public:
  SweepMeasurement(const Registry& registry, const SweepBenchPlan& plan,
                   const std::function<void(const std::string&)>& tell)
      : registry_(registry), plan_(plan), tell_(tell) {}

  Report run() {
    std::string why;
    const std::string python = python_with_torch(program_root(), why, ", hydra, hydra_plugins.hydra_joblib_launcher");
    rows_.push_back(own());
    hand_over();
    for (const bool compiled : {false, true}) {
      if (compiled && !plan_.compiled) continue;
      const std::string way = compiled ? "compiled" : "eager";
      SweepRow row{.name = "Hydra, joblib, PyTorch " + way, .way = way, .skipped = why};
      if (why.empty()) peer(python, compiled, row);
      rows_.push_back(row);
    }
    return report();
  }

 private:
  double timed(const std::vector<std::string>& command) const {
    const Clock::time_point start = Clock::now();
    run_to_end(command, folder_ / "log.txt");
    return std::chrono::duration<double>(Clock::now() - start).count();
  }

  SweepRow own() {
    tell_("subband sweep " + plan_.sweep);
    std::vector<std::string> command = {plan_.program.empty() ? this_program() : plan_.program, "sweep",
                                        plan_.sweep};
    command.insert(command.end(), plan_.overrides.begin(), plan_.overrides.end());
    const fs::path store = folder_ / "store";
    for (const std::string& word : {std::string("--jobs"), std::to_string(plan_.jobs), std::string("--quiet"),
                                    std::string("--store"), store.string()})
      command.push_back(word);
    SweepRow row{.name = "subband sweep"};
    row.seconds = timed(command);
    std::vector<double> results;
    for (const fs::path& run : Store(store).folders()) {
      runs_.push_back(run);
      results.push_back(read_record(run / kRecordName).metrics.at("valid.bpb"));
    }
    if (results.empty()) throw Error("bench sweep", "the sweep has left no runs");
    row.bpb = summarize(results).mean;
    return row;
  }

  fs::path cell_folder(size_t cell) const { return folder_ / "cells" / std::to_string(cell); }

  // Recipes, initial weights, a batch and what it costs.
  void hand_over() const {
    const c10::NoGradGuard no_gradients;
    for (size_t cell = 0; cell < runs_.size(); ++cell) {
      tell_(fmt::format("cell {} of {}", cell + 1, runs_.size()));
      const fs::path folder = cell_folder(cell);
      fs::create_directories(folder);
      const Recipe recipe =
          load_recipe(registry_, RecipeRequest{.name = (runs_[cell] / "config.yaml").string(), .overrides = {}, .folders = {}});
      const auto net = make_net(recipe);
      write_safetensors(folder / "weights.safetensors", model_tensors(*net));
      const auto open = make_task(recipe)->open(task_use(recipe, at::kCPU, folder_.path()));
      const Batch& batch = open->draw(0);
      const at::Tensor loss = net->loss(batch.inputs_BL, batch.targets_BL);
      write_safetensors(folder / "first.safetensors",
                        {{"inputs", batch.inputs_BL}, {"targets", batch.targets_BL}, {"loss", loss.view({1})}});
      write_file(folder / "recipe.json", config::to_json(recipe.resolved));
    }
  }

  void peer(const std::string& python, bool compiled, SweepRow& row) const {
    tell_(row.name);
    const fs::path script = program_root() / "analysis/peers/sweep.py";
    std::string cells;
    for (size_t cell = 0; cell < runs_.size(); ++cell) cells += (cell == 0 ? "" : ",") + std::to_string(cell);
    const fs::path outputs = folder_ / (compiled ? "compiled" : "eager");
    row.seconds = timed({python, script.string(), "--multirun", "hydra/launcher=joblib",
                         "hydra.launcher.n_jobs=" + std::to_string(plan_.jobs), "cell=" + cells,
                         "cells=" + (folder_ / "cells").string(), "root=" + program_root().string(),
                         std::string("compiled=") + (compiled ? "true" : "false"),
                         "hydra.sweep.dir=" + outputs.string()});
    std::vector<double> results;
    for (size_t cell = 0; cell < runs_.size(); ++cell) {
      const fs::path file = cell_folder(cell) / "result.json";
      results.push_back(read_json(read_file(file), file.string()).at("valid").get<double>());
      fs::remove(file);
    }
    row.bpb = summarize(results).mean;
  }

  Report report() const {
    Table table{.columns = {{"sweep"}, {"seconds", true}, {"over the first", true}, {"mean valid.bpb", true}}};
    Notes notes{{fmt::format("{} cells of {}, {} workers of one thread, {}; the same recipes and initial weights, first "
                             "losses compared; windows are drawn by each side's own generator, so the measure differs "
                             "within its noise",
                             runs_.size(), plan_.sweep, plan_.jobs, instruction_set())}};
    auto figures = nlohmann::ordered_json::object();
    for (const SweepRow& row : rows_) {
      if (!row.skipped.empty()) {
        notes.lines.push_back(row.name + ": " + row.skipped);
        continue;
      }
      const double ratio = row.seconds / rows_[0].seconds;
      if (!row.way.empty()) figures["subband/" + row.way] = 1 / ratio;
      table.rows.push_back({{row.name},
                            number_cell(fmt::format("{:.1f}", row.seconds), row.seconds),
                            number_cell(fmt::format("{:.2f}", ratio), ratio),
                            number_cell(fmt::format("{:.4f}", row.bpb), row.bpb)});
    }
    Report report{.title = "the sweep " + plan_.sweep, .blocks = {std::move(table), std::move(notes)}};
    report.facts[kFigures] = figures;
    return report;
  }

  const Registry& registry_;
  const SweepBenchPlan& plan_;
  const std::function<void(const std::string&)>& tell_;
  OwnFolder folder_;
  std::vector<fs::path> runs_;
  std::vector<SweepRow> rows_;
};

}  // namespace

Report measure_sweep(const Registry& registry, const SweepBenchPlan& plan,
                     const std::function<void(const std::string&)>& tell) {
  return SweepMeasurement(registry, plan, tell).run();
}

}  // namespace subband
