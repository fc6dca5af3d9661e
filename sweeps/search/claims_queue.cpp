#include "sweeps/search/claims_queue.h"

#include <algorithm>

#include "analysis/claims.h"

namespace subband {

ClaimsQueue::ClaimsQueue(const SweepPlan& plan, AddCell add)
    : runs_(plan, std::move(add)), seeds_(plan.spec.seeds), fixed_(plan.cells.size()) {
  std::ranges::sort(seeds_);
  const auto row_named = [&](const std::string& label) {
    return static_cast<size_t>(std::ranges::find(plan.grid.rows, label, &SweepRow::label) - plan.grid.rows.begin());
  };
  for (size_t i = 0; i < plan.spec.claims.size(); ++i) {
    if (!plan.spec.claims[i].error) continue;
    const size_t row = row_named(plan.spec.claims[i].row);
    open_.push_back({.claim = i, .row = row, .baseline = row_named(plan.grid.rows[row].baseline)});
  }
}

int64_t ClaimsQueue::seed_at(size_t number) const {
  if (number < seeds_.size()) return seeds_[number];
  return seeds_.back() + 1 + static_cast<int64_t>(number - seeds_.size());
}

std::optional<CellTurn> ClaimsQueue::fixed_cell() {
  while (next_ < fixed_)
    if (auto turn = runs_.turn_of(next_++)) return turn;
  return std::nullopt;
}

// Only seeds without a gap before them are looked at: which ones those are does not depend on how they came out.
size_t ClaimsQueue::wanted_seeds(const OpenClaim& open) const {
  constexpr size_t kFailures = 3;  // one after another, after which a claim spends nothing more
  std::vector<double> gains;
  size_t number = 0, failures = 0;
  for (; failures < kFailures && number < static_cast<size_t>(spec().spend); ++number) {
    const int64_t seed = seed_at(number);
    if (runs_.is_refused(open.row, seed) || runs_.is_refused(open.baseline, seed)) {
      ++failures;
      continue;
    }
    const auto row = runs_.cell(open.row, seed), baseline = runs_.cell(open.baseline, seed);
    if (!row || !baseline || !runs_.has_ended(*row) || !runs_.has_ended(*baseline)) break;
    const auto value = runs_.value(*row, spec().metric), other = runs_.value(*baseline, spec().metric);
    failures = value && other ? 0 : failures + 1;
    if (value && other) gains.push_back(gain(*value - *other, spec().goal));
  }
  if (failures == kFailures) return 0;
  const EffectClaim effect = effect_claim(spec().claims[open.claim], open_.size());
  return decide(effect, gains).least_further == 0 ? 0 : number + decide(effect, gains).least_further;
}

std::optional<CellTurn> ClaimsQueue::next() {
  if (auto turn = fixed_cell()) return turn;
  if (runs_.has_cut()) return std::nullopt;
  std::vector<size_t> wanted;
  size_t most = 0;
  for (const OpenClaim& open : open_) {
    wanted.push_back(std::min(wanted_seeds(open), static_cast<size_t>(spec().spend)));
    most = std::max(most, wanted.back());
  }
  for (size_t number = 0; number < most; ++number) {
    for (size_t i = 0; i < open_.size(); ++i) {
      if (wanted[i] <= number) continue;
      for (const size_t row : {open_[i].baseline, open_[i].row}) {
        const int64_t seed = seed_at(number);
        const auto known = runs_.cell(row, seed);
        const SweepRow& planned = runs_.plan().grid.rows[row];
        if (auto turn = known ? runs_.turn_of(*known) : runs_.turn_of(planned, seed)) return turn;
      }
    }
  }
  return std::nullopt;
}

}  // namespace subband
