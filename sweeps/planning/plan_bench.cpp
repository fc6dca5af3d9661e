// A plan against the clock: ten thousand cells expanded, bound and hashed, under 1 s; and the launch of a cell. `make bench-compose`.
#include <benchmark/benchmark.h>

#include <string>

#include "core/config/compose.h"
#include "core/files.h"
#include "experiments/parts.h"
#include "sweeps/scheduling/perform_cells.h"
#include "sweeps/scheduling/scheduler.h"
#include "sweeps/spec/cells.h"

namespace plan_bench {

using namespace subband;

static constexpr int64_t kCells = 10'000;

// Rates x widths x decays: no two cells are the same run.
static SweepSpec ten_thousand_cells() {
  SweepSpec spec{.name = "bench", .base = "tinyshakespeare/wavelet"};
  const auto axis = [&](const std::string& key, int64_t count, double step) {
    SweepFactor factor{.kind = "grid"};
    for (int64_t i = 1; i <= count; ++i) {
      const std::string word =
          key + "=" + (step < 1 ? std::to_string(step * static_cast<double>(i)) : std::to_string(i * 8));
      factor.changes.push_back({.label = word, .overrides = {word}});
    }
    spec.factors.push_back(std::move(factor));
  };
  axis("optimizer.lr", 100, 1e-4);
  axis("net.width", 10, 8);
  axis("trainer.clip_norm", 10, 0.1);
  return spec;
}

static void expand_ten_thousand_cells(benchmark::State& state) {
  const SweepSpec spec = ten_thousand_cells();
  for (auto _ : state) benchmark::DoNotOptimize(expand(spec));
}
BENCHMARK(expand_ten_thousand_cells)->Unit(benchmark::kMillisecond);

static void bind_and_hash_ten_thousand_cells(benchmark::State& state) {
  Registry registry;
  register_parts(registry);
  const CellSource source{.registry = &registry,
                          .folders = config::standard_folders(program_root(), registry.groups(), {})};
  const SweepSpec spec = ten_thousand_cells();
  for (auto _ : state) {
    const SweepGrid grid = expand(spec);
    RowBinder binder(source);
    for (const SweepRow& row : grid.rows)
      benchmark::DoNotOptimize(binder.identify(row.recipe, cell_overrides(spec, row, 1, {})));
  }
  state.counters["cells"] = static_cast<double>(kCells);
}
BENCHMARK(bind_and_hash_ten_thousand_cells)->Unit(benchmark::kMillisecond);

// What a cell costs that computes nothing: a hundred workers forked from a process that has LibTorch, one after the other.
static void launch_a_hundred_trivial_cells(benchmark::State& state) {
  const RunCell nothing = [](const CellTurn&, WorkerLink&) { return CellOutcome{}; };
  for (auto _ : state) {
    FixedQueue queue(100);
    CellBook book;
    ScheduleObserver none;
    run_cells(queue, book, nothing, {.jobs = 1}, none);
  }
}
BENCHMARK(launch_a_hundred_trivial_cells)->Unit(benchmark::kMillisecond);

}  // namespace plan_bench

BENCHMARK_MAIN();
