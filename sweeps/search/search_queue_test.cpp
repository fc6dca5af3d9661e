#include "sweeps/search/search_queue.h"

#include <cmath>
#include <fstream>

#include "core/slot.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "sweeps/testing/made_up_plan.h"
#include "sweeps/testing/small_search.h"

namespace subband::search_queue_test {

using testing::MadeUpPlan;

static constexpr const char* kSpec =
    "base: a\nseeds: [1]\nsearch:\n  trials: 24\n  seed: 3\n  sampler: tpe\n"
    "  pruner: {type: asha, first: 10, eta: 3}\n  space: {lr: {low: 1e-4, high: 1.0, log: true}, n: {low: 1, high: 8}}\n";

static SearchQueue queue_of(const MadeUpPlan& made_up, const std::filesystem::path& ledger) {
  const Registry registry = testing::sweeps_registry();
  const SweepSearch& search = *made_up.plan.spec.search;
  return SearchQueue(made_up.plan, made_up.add, make_part<Sampler>(registry, search.sampler),
                     make_part<Pruner>(registry, search.pruner), DrawLedger(ledger, "one"));
}

static double number_behind(const std::string& text) { return std::stod(text.substr(text.find('=') + 1)); }

// A run of 40 steps whose loss falls towards that of its setting.
static CellResult turn_of(const SweepRow& row, int64_t, const CellTurn& turn) {
  const double end = std::pow(std::log10(number_behind(row.overrides[0])) + 2, 2) +
                     0.1 * std::abs(number_behind(row.overrides[1]) - 4);
  const int64_t step = std::min<int64_t>(turn.until.value_or(40), 40);
  CellResult result{.step = step, .metrics = {{"valid.bpb", end + 1.0 / static_cast<double>(step)}}};
  for (int64_t at = 5; at <= step; at += 5)
    result.evaluations.push_back({at, {{"valid.bpb_estimate", end + 1.0 / static_cast<double>(at)}}});
  if (step < 40) result.outcome = {.status = Status::stopped, .message = "", .is_paused = true};
  return result;
}

static std::vector<std::string> labels(const MadeUpPlan& made_up) {
  std::vector<std::string> all;
  for (const PlannedCell& each : made_up.plan.cells) all.push_back(made_up.plan.grid.rows[each.cell.row].label);
  return all;
}

TEST_CASE("a search draws its trials and finishes the best of them alone", "[search_queue]") {
  MadeUpPlan made_up(kSpec);
  SearchQueue queue = queue_of(made_up, "");
  const auto turns = testing::run_queue(queue, made_up, turn_of, 2);
  const std::vector<SearchTrial> trials = queue.trials();
  CHECK(trials.size() == 24);
  size_t done = 0, pruned = 0;
  for (const SearchTrial& trial : trials) {
    done += trial.state == SearchTrial::State::done;
    pruned += trial.state == SearchTrial::State::pruned;
  }
  CHECK(done + pruned == 24);
  CHECK(done >= 2);
  CHECK(done <= 24 / 3);  // of a third of a third, and of those that were promoted before better ones came
  CHECK(turns.front().until == 10);
  const auto best = std::ranges::min_element(trials, {}, &SearchTrial::loss);
  CHECK(best->state == SearchTrial::State::done);
  CHECK(labels(made_up)[3].starts_with("trial 3: lr="));
}

TEST_CASE("a search that is killed at any turn goes on with the same next draw", "[search_queue]") {
  const TestFolder folder;
  MadeUpPlan whole(kSpec);
  SearchQueue untouched = queue_of(whole, "");
  const auto turns = testing::run_queue(untouched, whole, turn_of);
  for (size_t kill = 0; kill < turns.size(); kill += 3) {
    const auto ledger = folder / ("draws" + std::to_string(kill));
    std::map<std::string, CellResult> store;
    const auto run = [&](const SweepRow& row, int64_t seed, const CellTurn& turn) {
      return store[row.label] = turn_of(row, seed, turn);
    };
    {
      MadeUpPlan first(kSpec);
      SearchQueue killed = queue_of(first, ledger);
      testing::run_queue(killed, first, run, 1, kill);
      killed.next();  // a draw whose run never ended
    }
    MadeUpPlan second(kSpec);
    SearchQueue again = queue_of(second, ledger);
    for (size_t i = 0; i < second.plan.cells.size(); ++i)
      if (const auto known = store.find(labels(second)[i]); known != store.end()) again.ended(i, known->second);
    testing::run_queue(again, second, run);
    CHECK(labels(second) == labels(whole));
  }
}

TEST_CASE("a run that was stopped at its last step is no trial that waits at a rung", "[search_queue]") {
  MadeUpPlan made_up(kSpec);
  config::Node recipe = config::Node::map();
  recipe.set_at("trainer.steps", config::Node(int64_t{30}));
  SearchQueue queue = queue_of(made_up, "");
  const auto turn = queue.next();
  made_up.plan.cells[turn->cell].recipe = std::make_shared<const config::Node>(recipe);
  queue.ended(turn->cell, {.outcome = {.status = Status::stopped, .message = "", .is_paused = true}, .step = 30});
  const auto again = queue.next();
  CHECK(again->cell == turn->cell);
  CHECK_FALSE(again->until);
}

TEST_CASE("a torn or foreign line of the drawn points is passed over", "[search_queue]") {
  const TestFolder folder;
  const auto file = folder / "draws";
  {
    DrawLedger ledger(file, "one");
    ledger.add({0.5, {}}, {"lr=0.5"}, {});
    ledger.add({0.25, 2.0}, {"lr=0.25", "n=2"}, {0});
  }
  { std::ofstream(file, std::ios::app) << "{\"search\":\"one\",\"tri"; }
  CHECK(DrawLedger(file, "one").points().size() == 2);
  CHECK(DrawLedger(file, "two").points().empty());
  DrawLedger(file, "two").add({0.125}, {"lr=0.125"}, {});
  DrawLedger(file, "one").add({1.0, 1.0}, {"lr=1", "n=1"}, {0, 1});
  const DrawLedger ledger(file, "one");
  REQUIRE(ledger.points().size() == 3);
  CHECK(ledger.points()[0] == SearchPoint{0.5, std::nullopt});
  CHECK(ledger.points()[2] == SearchPoint{1.0, 1.0});
  CHECK(DrawLedger(file, "two").points().size() == 1);
}

TEST_CASE("a trial that diverged is the worst, and one whose program died is none", "[search_queue]") {
  MadeUpPlan made_up(kSpec);
  SearchQueue queue = queue_of(made_up, "");
  const auto first = queue.next(), second = queue.next();
  queue.ended(first->cell, {.outcome = {.status = Status::nan}, .step = 7});
  queue.ended(second->cell, {.outcome = {.status = Status::failed}, .step = 7});
  CHECK(queue.trials()[0].state == SearchTrial::State::done);
  CHECK(std::isinf(queue.trials()[0].loss));
  CHECK(queue.trials()[1].state == SearchTrial::State::failed);
}

TEST_CASE("a drawn point that cannot be bound is a failed trial, and the search goes on, now and when it is built again",
          "[search_queue]") {
  const TestFolder folder;
  const auto is_refused = [](const SweepRow& row) { return row.overrides[1] == "n=3" || row.overrides[1] == "n=5"; };
  MadeUpPlan made_up(kSpec), second(kSpec);
  made_up.is_refused = is_refused, second.is_refused = is_refused;
  SearchQueue queue = queue_of(made_up, folder / "draws");
  testing::run_queue(queue, made_up, turn_of);
  size_t failed = 0;
  for (const SearchTrial& trial : queue.trials()) {
    CHECK((trial.state == SearchTrial::State::failed) == (trial.point[1] == 3.0 || trial.point[1] == 5.0));
    failed += trial.state == SearchTrial::State::failed;
  }
  CHECK(queue.trials().size() == 24);
  CHECK(failed > 0);
  CHECK(made_up.plan.cells.size() == 24 - failed);
  SearchQueue again = queue_of(second, folder / "draws");
  CHECK(again.trials().size() == 24);
  CHECK(labels(second) == labels(made_up));
}

TEST_CASE("a point that is drawn again is the run that it was: no step further, and counted once", "[search_queue]") {
  for (const size_t jobs : {1, 3}) {
    CAPTURE(jobs);
    MadeUpPlan made_up(
        "base: a\nseeds: [1]\nsearch:\n  trials: 40\n  sampler: random\n  pruner: {type: asha, first: 10, eta: 2}\n"
        "  space: {a: [1, 2, 3], b: [1, 2]}\n");
    SearchQueue queue = queue_of(made_up, "");
    std::map<std::string, double> losses;  // the first drawn is the best
    const auto run = [&](const SweepRow& row, int64_t, const CellTurn& turn) {
      const std::string point = row.overrides[0] + row.overrides[1];
      const double loss = losses.try_emplace(point, static_cast<double>(losses.size())).first->second;
      const int64_t step = std::min<int64_t>(turn.until.value_or(40), 40);
      CellResult result{.step = step, .metrics = {{"valid.bpb", loss}}};
      for (int64_t at = 10; at <= step; at += 10) result.evaluations.push_back({at, {{"valid.bpb", loss}}});
      if (step < 40) result.outcome = {.status = Status::stopped, .message = "", .is_paused = true};
      return result;
    };
    std::set<std::pair<std::string, int64_t>> turns;
    for (const CellTurn& turn : testing::run_queue(queue, made_up, run, jobs))
      CHECK(turns.insert({made_up.plan.cells[turn.cell].id, turn.until.value_or(40)}).second);
    const auto reached = [&](int64_t step) {
      return std::ranges::count_if(turns, [&](const auto& turn) { return turn.second == step; });
    };
    CHECK(queue.trials().size() == 40);
    CHECK(reached(10) == 6);
    CHECK(reached(20) == 3);  // 6/2
    CHECK(reached(40) == 1);  // 3/2, by the rung after 20
  }
}

TEST_CASE("two processes that draw at once have the points of whoever was first", "[search_queue]") {
  const TestFolder folder;
  const auto file = folder / "draws";
  DrawLedger one(file, "s"), other(file, "s");
  one.add({0.5}, {"a=0.5"}, {});
  other.add({0.25}, {"a=0.25"}, {});
  other.add({0.75}, {"a=0.75"}, {});
  one.add({1.0}, {"a=1"}, {});
  const std::vector<SearchPoint> expected = {{0.5}, {0.75}};
  CHECK(one.points() == expected);
  CHECK(other.points() == expected);
  CHECK(DrawLedger(file, "s").points() == expected);

  MadeUpPlan first(kSpec), second(kSpec);
  SearchQueue ours = queue_of(first, folder / "shared"), theirs = queue_of(second, folder / "shared");
  for (int i = 0; i < 30; ++i) ours.next(), theirs.next();
  CHECK(labels(first).size() == 24);
  CHECK(labels(first) == labels(second));
}

TEST_CASE("more trials, or another pruner, leave the points that were drawn; fewer take the first of them", "[search_queue]") {
  const auto text_of = [](const std::string& search) {
    return MadeUpPlan("base: a\nseeds: [1]\nsearch: {" + search + "}\n").plan.spec.search->text;
  };
  const std::string text = text_of("sampler: tpe, trials: 50, seed: 3, space: {a: [1, 2]}");
  CHECK(text_of("sampler: {type: tpe}, trials: 100, seed: 3, pruner: median, space: {a: [1, 2]}") == text);
  CHECK(text_of("seed: 3, space: {a: [1, 2]}") == text);
  CHECK(text_of("seed: 4, space: {a: [1, 2]}") != text);
  CHECK(text_of("seed: 3, space: {a: [1, 3]}") != text);
  CHECK(text_of("sampler: {type: tpe, startup: 3}, seed: 3, space: {a: [1, 2]}") != text);
  const TestFolder folder;
  MadeUpPlan made_up(kSpec);
  SearchQueue queue = queue_of(made_up, folder / "draws");
  testing::run_queue(queue, made_up, turn_of);
  MadeUpPlan fewer(kSpec);
  fewer.plan.spec.search->trials = 5;
  CHECK(queue_of(fewer, folder / "draws").trials().size() == 5);
}

}  // namespace subband::search_queue_test
