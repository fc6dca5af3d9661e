#include "sweeps/search/search_queue.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/text.h"

namespace subband {

namespace {

constexpr int64_t kUnknown = std::numeric_limits<int64_t>::max();  // steps of a run: no rung is too late
constexpr double kWorst = std::numeric_limits<double>::infinity();

// Optimiser steps of a cell's run, as far as its recipe says: a pause at the end would be none.
int64_t steps_of(const PlannedCell& cell) {
  const config::Node* steps = cell.recipe ? cell.recipe->at("trainer.steps") : nullptr;
  return steps != nullptr && steps->is(config::Node::Kind::integer) ? steps->integer() : kUnknown;
}

// The newest value of a metric, or of its estimate on part of the data, by a step.
std::optional<double> value_at(const CellResult& result, const std::string& metric, int64_t step) {
  std::optional<double> value;
  for (const Evaluation& each : result.evaluations) {
    if (each.step > step) break;
    for (const std::string& name : {metric + "_estimate", metric})
      if (const auto found = each.metrics.find(name); found != each.metrics.end()) value = found->second;
  }
  return value;
}

}  // namespace

SearchQueue::SearchQueue(const SweepPlan& plan, AddCell add, std::shared_ptr<Sampler> sampler,
                         std::shared_ptr<Pruner> pruner, DrawLedger ledger)
    : plan_(plan),
      sampler_(std::move(sampler)),
      pruner_(std::move(pruner)),
      ledger_(std::move(ledger)),
      runs_(plan, std::move(add)) {
  take_points();
}

bool SearchQueue::take_points() {
  const size_t before = cells_.size();
  const size_t most = std::min(ledger_.points().size(), static_cast<size_t>(plan_.spec.search->trials));
  while (cells_.size() < most) add_trial(ledger_.points()[cells_.size()]);
  return cells_.size() > before;
}

void SearchQueue::add_trial(const SearchPoint& point) {
  const SweepSearch& search = *plan_.spec.search;
  const std::vector<std::string> overrides = search.space.overrides(point);
  const SweepRow row{.label = "trial " + std::to_string(cells_.size()) + ": " + join(overrides, ", "),
                     .recipe = plan_.spec.base,
                     .overrides = overrides,
                     .place = search.place};
  cells_.push_back(runs_.add(row, plan_.spec.seeds.front()));
  if (cells_.back()) first_trials_.try_emplace(runs_.key(*cells_.back()), cells_.size() - 1);
}

PrunedTrial SearchQueue::pruned(size_t trial) const {
  PrunedTrial state;
  const CellResult* result = runs_.result(*cells_[trial]);
  if (result == nullptr) return state;
  int64_t last = 0;
  const int64_t steps = steps_of(plan_.cells[*cells_[trial]]);
  for (auto rung = pruner_->rung_after(0, steps); rung && *rung <= result->step;
       rung = pruner_->rung_after(*rung, steps)) {
    last = *rung;
    const auto value = value_at(*result, plan_.spec.metric, last);
    state.losses[last] = value && !std::isnan(*value) ? loss_of(*value) : kWorst;
  }
  state.is_paused = result->outcome.status == Status::stopped && last > 0 && last == result->step;
  return state;
}

SearchTrial SearchQueue::sampled(size_t trial) const {
  SearchTrial state{.point = ledger_.points()[trial]};
  if (!cells_[trial]) {
    state.state = SearchTrial::State::failed;
    state.loss = kWorst;
    return state;
  }
  const CellResult* result = runs_.result(*cells_[trial]);
  if (result == nullptr) return state;
  state.step = result->step;
  if (runs_.has_ended(*cells_[trial])) {
    const auto value = runs_.value(*cells_[trial], plan_.spec.metric);
    const bool is_failed = result->outcome.status == Status::failed;
    state.state = is_failed ? SearchTrial::State::failed : SearchTrial::State::done;
    state.loss = value ? loss_of(*value) : kWorst;
    return state;
  }
  const PrunedTrial at_rung = pruned(trial);
  if (!at_rung.is_paused) return state;
  state.state = SearchTrial::State::pruned;
  state.loss = at_rung.losses.rbegin()->second;
  return state;
}

std::vector<SearchTrial> SearchQueue::trials() const {
  std::vector<SearchTrial> all;
  for (size_t i = 0; i < cells_.size(); ++i) all.push_back(sampled(i));
  return all;
}

std::optional<CellTurn> SearchQueue::hand_out(size_t trial) {
  const size_t cell = *cells_[trial];
  const CellResult* result = runs_.result(cell);
  runs_.of(cell).is_out = true;
  const int64_t step = result == nullptr ? 0 : result->step;
  return CellTurn{.cell = cell, .until = pruner_->rung_after(step, steps_of(plan_.cells[cell]))};
}

bool SearchQueue::draw() {
  const SweepSearch& search = *plan_.spec.search;
  if (is_exhausted_ || runs_.has_cut()) return false;
  ledger_.read();
  if (take_points()) return true;  // another process drew them
  if (static_cast<int64_t>(cells_.size()) >= search.trials) return false;
  const std::vector<SearchTrial> known = trials();
  Draws draws(static_cast<uint64_t>(search.seed), "sampler", known.size());
  const auto point = sampler_->draw(search.space, known, draws);
  is_exhausted_ = !point;
  if (!point) return false;
  std::vector<size_t> knew;
  for (size_t i = 0; i < known.size(); ++i)
    if (known[i].state != SearchTrial::State::running) knew.push_back(i);
  ledger_.add(*point, search.space.overrides(*point), knew);
  return take_points();
}

std::optional<CellTurn> SearchQueue::known_turn() {
  std::vector<PrunedTrial> states;
  std::vector<size_t> numbers;
  for (size_t i = 0; i < cells_.size(); ++i) {
    if (!cells_[i] || first_trials_.at(runs_.key(*cells_[i])) != i) continue;
    const KnownRuns::Run& run = runs_.of(*cells_[i]);
    PrunedTrial state = pruned(i);
    if (run.can_begin() && !state.is_paused) return hand_out(i);
    state.is_paused = state.is_paused && run.can_begin();
    states.push_back(std::move(state));
    numbers.push_back(i);
  }
  const auto promoted = pruner_->next(states);
  return promoted ? hand_out(numbers[*promoted]) : std::nullopt;
}

std::optional<CellTurn> SearchQueue::next() {
  while (true) {
    if (auto turn = known_turn()) return turn;
    if (!draw()) return std::nullopt;
  }
}

}  // namespace subband
