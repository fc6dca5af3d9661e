#include "analysis/bench/targets.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <optional>

#include "core/error.h"
#include "core/text.h"

namespace subband {

namespace bench_targets {

struct Verdict {
  std::string figure;
  const BenchTarget* target;
  std::optional<double> value;  // none: not measured

  std::string text() const {
    if (!value) return "not measured";
    return (target->is_least ? *value >= target->limit : *value <= target->limit) ? "met" : "missed";
  }
};

static std::vector<Verdict> verdicts(const nlohmann::ordered_json& figures, const std::vector<BenchTarget>& targets) {
  std::vector<Verdict> all;
  for (const BenchTarget& target : targets) {
    const size_t before = all.size();
    for (const auto& [name, value] : figures.items())
      if (fnmatch(target.figures.c_str(), name.c_str(), 0) == 0) all.push_back({name, &target, value.get<double>()});
    if (all.size() == before) all.push_back({target.figures, &target, {}});
  }
  return all;
}

}  // namespace bench_targets

BenchTarget read_target(const std::string& text) {
  const size_t sign = text.find_first_of("<>");
  const auto limit = sign == std::string::npos || text.substr(sign + 1, 1) != "=" ? std::nullopt
                                                                                   : parse_number(text.substr(sign + 2));
  if (!limit || sign == 0)
    throw ConfigError("command line", "--target = " + text + ": must be a figure, `>=` or `<=`, and a number",
                      "bad_value");
  return {.figures = text.substr(0, sign), .is_least = text[sign] == '>', .limit = *limit};
}

void judge(Report& report, const std::vector<BenchTarget>& targets) {
  if (targets.empty()) return;
  Table table{.columns = {{"figure"}, {"measured", true}, {"target", true}, {"verdict"}}, .is_view = true};
  nlohmann::ordered_json facts = nlohmann::ordered_json::array();
  const auto figures = report.facts.value(kFigures, nlohmann::ordered_json::object());
  for (const bench_targets::Verdict& verdict : bench_targets::verdicts(figures, targets)) {
    const BenchTarget& target = *verdict.target;
    table.rows.push_back({{verdict.figure},
                          verdict.value ? number_cell(fmt::format("{:.2f}", *verdict.value), *verdict.value) : empty_cell(),
                          {fmt::format("{} {:g}", target.is_least ? "≥" : "≤", target.limit)},
                          {verdict.text()}});
    facts.push_back({{"figure", verdict.figure},
                     {"measured", verdict.value ? nlohmann::ordered_json(*verdict.value) : nullptr},
                     {target.is_least ? "at_least" : "at_most", target.limit},
                     {"verdict", verdict.text()}});
  }
  report.blocks.push_back(std::move(table));
  report.facts["targets"] = facts;
}

}  // namespace subband
