#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "core/json.h"
#include "core/languages/json.h"
#include "core/languages/numbers.h"
#include "core/languages/terminal.h"
#include "core/program/surroundings.h"
#include "core/text.h"
#include "sweeps/planning/packing.h"
#include "sweeps/planning/plan.h"

namespace subband {

namespace {

// `other code: decay_mean`
std::string note_of(const PlannedCell& cell) {
  if (!cell.same_as.empty()) return "same run as " + cell.same_as;
  std::vector<std::string> notes;
  if (cell.again)
    notes.emplace_back("again");
  else if (cell.state == Status::reused && cell.status != Status::done)
    notes.push_back(word_of(*cell.status));
  else if (cell.state == Status::retry)
    notes.push_back("was " + word_of(*cell.status));
  if (cell.split > 0) notes.push_back(fmt::format("{} parts for memory", cell.split));
  if (!cell.other_code.empty()) notes.push_back("other code: " + join(cell.other_code, ", "));
  return join(notes, "; ");
}

// How many cells will be kept although other code made them, and how they are made again.
std::string other_code_line(const SweepPlan& plan) {
  size_t cells = 0;
  std::set<std::string> parts;
  for (const PlannedCell& cell : plan.cells) {
    if (cell.other_code.empty() || cell.state == Status::retry) continue;
    ++cells;
    parts.insert(cell.other_code.begin(), cell.other_code.end());
  }
  if (cells == 0) return "";
  return fmt::format("{} {} kept of other code ({}); --redo trains {} again\n", cells, cells == 1 ? "cell is" : "cells are",
                     join(std::vector<std::string>(parts.begin(), parts.end()), ", "), cells == 1 ? "it" : "them");
}

std::string seconds_text(const PlannedCell& cell) {
  return cell.seconds ? duration_text(*cell.seconds) : "unknown";
}

std::string memory_text(const PlannedCell& cell) {
  return cell.peak_mib ? mib_text(*cell.peak_mib) : "unknown";
}

// What runs at once, and what stays on the disk.
std::string packing_text(const SweepPlan& plan, const PlanPacking& packing) {
  double disk = 0;
  for (const PlannedCell& cell : plan.cells)
    if (cell.state != Status::reused && cell.same_as.empty()) disk += cell.disk_mib;
  std::string text = packing.peak_mib > 0 ? "at most " + mib_text(packing.peak_mib) + " at once" : "";
  if (disk > 0) text += (text.empty() ? "" : ", ") + mib_text(disk) + " of checkpoints";
  return text;
}

std::string total_line(const SweepPlan& plan, const PlanPacking& packing, int64_t jobs) {
  std::string line = fmt::format("{} {}: {} reused", plan.cells.size(), plan.cells.size() == 1 ? "cell" : "cells",
                                 plan.count(Status::reused));
  for (const Status state : {Status::resume, Status::retry, Status::running, Status::fresh})
    if (plan.count(state) > 0) line += fmt::format(", {} {}", plan.count(state), word_of(state));
  if (plan.grid.excluded > 0) line += fmt::format("; {} {} excluded", plan.grid.excluded, plan.grid.excluded == 1 ? "row" : "rows");
  if (plan.count(Status::reused) == plan.cells.size()) return line + "; nothing to run";
  line += fmt::format("; time on {} {}", packing.workers, packing.workers == 1 ? "worker" : "workers");
  if (packing.workers < jobs) line += fmt::format(" of {}, for want of cores or GPUs", jobs);
  return line + ": " +
         (packing.seconds ? "about " + duration_text(*packing.seconds)
                          : "unknown before the first run of such a size");
}

// What will run besides the cells of the plan, as results come in; or nothing.
std::string later_text(const SweepSpec& spec, const SweepGrid& grid) {
  std::string text;
  if (spec.search)
    text += "points are drawn as results come in: " + search_text(*spec.search) + "\n";
  if (spec.tune)
    text += fmt::format("then {} cells: the best setting of each of {} rows by {}, {} {}\n",
                        grid.tuned.size() * spec.seeds.size(), grid.tuned.size(), spec.tune->metric,
                        spec.seeds.size(), spec.seeds.size() == 1 ? "seed" : "seeds");
  const bool is_spending = spec.spend > static_cast<int64_t>(spec.seeds.size());
  for (const SweepClaim& claim : spec.claims)
    if (claim.error && is_spending)
      text += fmt::format("while it is undecided whether '{}' is {}: up to {} seeds of it and of its baseline\n",
                          claim.row, claim.is, spec.spend);
  return text;
}

}  // namespace

std::string threads_proposal(const SweepPlan& plan, int64_t cores) {
  int64_t cells = 0, threads = 1;
  for (const PlannedCell& cell : plan.cells) {
    if (cell.state == Status::reused || !cell.same_as.empty()) continue;
    ++cells;
    threads = std::max(threads, cell.threads);
  }
  const int64_t each = cells > 0 ? cores / cells : 0;
  if (each <= threads) return "";
  return fmt::format(
      "{} of {} cores stay idle; trainer.threads={} in `set` would use them, in runs of their own identity",
      cores - cells * threads, cores, each);
}

std::string plan_text(const SweepPlan& plan, const WorkerRoom& room, bool is_cut) {
  constexpr size_t kLeast = 24;
  std::string text = shown(plan.spec.name + ": " + plan.spec.metric) +
                     (plan.spec.goal == "min" ? " (less is better)" : " (more is better)") + ", base " +
                     shown(plan.spec.base) + "\n";
  std::vector<std::string> labels;
  for (const SweepRow& row : plan.grid.rows) labels.push_back(shown(row.label));
  size_t width = kLeast;
  if (is_cut)
    labels = fitted_apart(labels, width);
  else
    for (const std::string& label : labels) width = std::max(width, display_width(label));
  text += fmt::format("{}  {:>6}  {:<7}  {:>11}  {:>10}  {:>9}  {}\n", padded("row", width), "seed", "state",
                      "parameters", "time", "memory", "note");
  std::string basis;
  for (const PlannedCell& cell : plan.cells) {
    const std::string line =
        fmt::format("{}  {:>6}  {:<7}  {:>11}  {:>10}  {:>9}  {}", padded(labels[cell.cell.row], width),
                    cell.cell.seed, word_of(cell.state), grouped(cell.parameters), seconds_text(cell),
                    memory_text(cell), shown(note_of(cell)));
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";  // a note is not cut: it is what the line is for
    if (cell.basis.find("row") == std::string::npos && !cell.basis.empty()) basis = cell.basis;
  }
  std::set<std::string> remarked;
  for (size_t i = 0; i < plan.remarks.size(); ++i) {
    const SweepRow& row = plan.grid.rows[i];
    const std::string& label = row.trial_of.empty() ? row.label : row.trial_of;  // a row's trials say the same of it
    if (!plan.remarks[i].empty() && remarked.insert(label).second)
      text += shown("row '" + label + "': " + plan.remarks[i]) + "\n";
  }
  for (const std::string& price : plan.prices) text += "as published: " + shown(price) + "\n";
  const PlanPacking packing = packing_of(plan, room);
  text += total_line(plan, packing, room.jobs) + "\n" + other_code_line(plan) +
          shown_lines(later_text(plan.spec, plan.grid));
  if (const std::string needs = packing_text(plan, packing); !needs.empty())
    text += "memory and disk: " + needs + "\n";
  if (const std::string proposal = threads_proposal(plan, usable_cores()); !proposal.empty())
    text += proposal + "\n";
  if (!plan.rest.empty()) text += "waiting: " + shown(plan.rest) + "; without --dry-run it goes on\n";
  if (!basis.empty()) text += "times of rows that have not run yet: by " + basis + "\n";
  return text;
}

std::string plan_json(const SweepPlan& plan, const WorkerRoom& room) {
  const PlanPacking packing = packing_of(plan, room);
  Json document = {
      {"sweep", plan.spec.name}, {"metric", {{"name", plan.spec.metric}, {"goal", plan.spec.goal}}},
      {"jobs", room.jobs},       {"at_once", packing.workers},
      {"seconds", nullptr},      {"cells", Json::array()}};
  if (packing.seconds) document["seconds"] = *packing.seconds;
  for (const PlannedCell& cell : plan.cells) {
    Json each = {{"row", plan.grid.rows[cell.cell.row].label},
                 {"seed", cell.cell.seed},
                 {"id", cell.id},
                 {"state", cell.state},
                 {"parameters", cell.parameters},
                 {"tokens", cell.tokens},
                 {"seconds", nullptr},
                 {"peak_mib", nullptr},
                 {"disk_mib", cell.disk_mib},
                 {"threads", cell.threads},
                 {"devices", cell.devices},
                 {"basis", cell.basis}};
    if (cell.seconds) each["seconds"] = *cell.seconds;
    if (cell.peak_mib) each["peak_mib"] = *cell.peak_mib;
    if (!cell.folder.empty()) each["folder"] = cell.folder;
    if (!cell.same_as.empty()) each["same_as"] = cell.same_as;
    if (!cell.other_code.empty()) each["other_code"] = cell.other_code;
    if (cell.again) each["again"] = true;
    if (cell.split > 0) each["split"] = cell.split;
    document["cells"].push_back(std::move(each));
  }
  for (size_t i = 0; i < plan.remarks.size(); ++i)
    if (!plan.remarks[i].empty()) document["remarks"][plan.grid.rows[i].label] = plan.remarks[i];
  if (const std::string later = later_text(plan.spec, plan.grid); !later.empty()) document["later"] = later;
  if (!plan.prices.empty()) document["prices"] = plan.prices;
  for (const std::string& line : plan.missing) document["missing"].push_back(line);
  if (!plan.rest.empty()) document["status"] = "waiting", document["why"] = plan.rest;
  return json_document(document);
}

}  // namespace subband
