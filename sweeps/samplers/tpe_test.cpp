#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <map>

#include "core/files.h"
#include "core/testing/catch.h"
#include "core/text.h"
#include "sweeps/testing/small_search.h"

namespace subband::tpe_test {

struct Function {
  std::string name, space;
  std::function<double(const SearchPoint&)> value;
  size_t draws = 100;
};

// Also in sweeps/search/check_search.py: the optimum of each is 0.
static const std::vector<Function>& functions() {
  static const std::vector<Function> kFunctions = {
      {"valley", "{x: {low: -5.0, high: 5.0}, y: {low: -5.0, high: 5.0}}",
       [](const SearchPoint& p) { return std::pow(*p[0] - 1, 2) + 10 * std::pow(*p[1] + 2, 2); }},
      {"rates", "{lr: {low: 1e-6, high: 1.0, log: true}, wd: {low: 1e-6, high: 1.0, log: true}, n: {low: 1, high: 64, log: true}}",
       [](const SearchPoint& p) {
         return std::pow(std::log10(*p[0]) + 3, 2) + std::pow(std::log10(*p[1]) + 2, 2) +
                std::pow(std::log2(*p[2]) - 4, 2);
       }},
      {"parts",
       "{mixer: [a, b, c], heads: {choice: [1, 2, 4, 8], when: {mixer: b}}, lr: {low: 1e-5, high: 1e-1, log: true}, "
       "layers: {low: 1, high: 12}}",
       [](const SearchPoint& p) {
         const double mixer = *p[0] == 1 ? 0 : 1 + *p[0];
         const double heads = p[1] ? std::abs(*p[1] - 2) : 1;
         return mixer + heads + std::pow(std::log10(*p[2]) + 2, 2) + std::pow((*p[3] - 8) / 4, 2);
       }}};
  return kFunctions;
}

// Two hundred runs of a small net, each made once (sweeps/search/table.yaml): their results by the names of their rows;
// infinite where one diverged.
static std::map<std::string, double> real_cells() {
  std::map<std::string, double> cells;
  for (const std::string& line : split(read_file(program_root() / "sweeps/search/table.csv"), '\n')) {
    const size_t end = line.rfind("\",");  // a name has commas and stands in quotes
    if (!line.starts_with('"') || end == std::string::npos) continue;
    const std::string result = line.substr(end + 2, line.find(',', end + 2) - end - 2);
    cells.emplace(line.substr(1, end - 1),
                  parse_number(result).value_or(std::numeric_limits<double>::infinity()));
  }
  return cells;
}

// A search that draws among them; what is drawn twice costs a draw twice.
static Function table() {
  const std::string text =
      "{optimizer.lr: [0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024], "
      "net.block.levels: [1, 2, 3, 4, 5], net.width: [8, 16, 24, 32]}";
  const SearchSpace space = testing::space_of(text);
  return {"table", text,
          [space, cells = real_cells()](const SearchPoint& p) {
            return cells.at(join(space.overrides(p), ", "));
          },
          60};
}

static double best_of(const std::vector<SearchTrial>& trials) {
  return std::ranges::min(trials, {}, &SearchTrial::loss).loss;
}

static double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

TEST_CASE("tpe finds in 60 draws what random search is far from", "[sampler]") {
  const auto tpe = testing::sampler_named("tpe"), random = testing::sampler_named("random");
  for (const Function& each : functions()) {
    const SearchSpace space = testing::space_of(each.space);
    std::vector<double> by_tpe, by_chance;
    for (uint64_t seed = 0; seed < 9; ++seed) {
      by_tpe.push_back(best_of(testing::searched(*tpe, space, 60, seed, each.value)));
      by_chance.push_back(best_of(testing::searched(*random, space, 60, seed, each.value)));
    }
    INFO(each.name);
    CHECK(median(by_tpe) < 0.5 * median(by_chance));
  }
}

TEST_CASE("tpe draws at random until it has seen ten, and the same from the same", "[sampler]") {
  const auto tpe = testing::sampler_named("tpe"), random = testing::sampler_named("random");
  const Function& parts = functions()[2];
  const SearchSpace space = testing::space_of(parts.space);
  const auto trials = testing::searched(*tpe, space, 30, 3, parts.value);
  const auto chance = testing::searched(*random, space, 30, 3, parts.value);
  for (size_t i = 0; i < 10; ++i) CHECK(trials[i].point == chance[i].point);
  CHECK(trials[12].point != chance[12].point);
  const auto again = testing::searched(*tpe, space, 30, 3, parts.value);
  for (size_t i = 0; i < 30; ++i) CHECK(trials[i].point == again[i].point);
}

TEST_CASE("tpe takes the candidate with the largest ratio of its two densities", "[sampler]") {
  const SearchSpace space = testing::space_of("{c: [a, b, c]}");
  std::vector<SearchTrial> trials;
  for (int i = 0; i < 20; ++i)
    trials.push_back({.point = {static_cast<double>(i % 3)},
                      .state = SearchTrial::State::done,
                      .loss = i == 4 || i == 7 ? 0.0 : 1.0});
  // Both good ones are b, so l is larger there than at a and c, and g is smaller.
  int drawn = 0;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Draws draws(seed, "sampler");
    drawn += *testing::sampler_named("tpe")->draw(space, trials, draws)->front() == 1 ? 1 : 0;
  }
  CHECK(drawn == 50);
  // Where the others are told to be failed, and one runs, nothing is known: at random.
  for (SearchTrial& trial : trials) trial.state = SearchTrial::State::failed;
  trials[0].state = SearchTrial::State::running;
  std::map<double, int> counts;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Draws draws(seed, "sampler");
    ++counts[*testing::sampler_named("tpe")->draw(space, trials, draws)->front()];
  }
  for (const auto& [choice, count] : counts) CHECK(std::abs(count - 100) < 35);
}

TEST_CASE("a table of two hundred real cells has a result for every point that a search of it draws",
          "[sampler]") {
  const Function cells = table();
  CHECK(real_cells().size() == 200);
  std::vector<double> by_tpe, by_chance;
  for (uint64_t seed = 0; seed < 15; ++seed) {
    by_tpe.push_back(best_of(testing::searched(*testing::sampler_named("tpe"), testing::space_of(cells.space),
                                               40, seed, cells.value)));
    by_chance.push_back(best_of(testing::searched(*testing::sampler_named("random"),
                                                  testing::space_of(cells.space), 40, seed, cells.value)));
  }
  CHECK(median(by_tpe) < median(by_chance));
}

// For sweeps/search/check_search.py: the best of all draws of each function, sampler and seed, as CSV.
TEST_CASE("best values for the comparison with Optuna are written", "[.check-search]") {
  const char* out = std::getenv("SUBBAND_SEARCH_OUT");
  REQUIRE(out != nullptr);
  std::ofstream file(out);
  file.precision(17);
  std::vector<Function> all = functions();
  all.push_back(table());
  for (const Function& each : all)
    for (const char* name : {"tpe", "random"})
      for (uint64_t seed = 0; seed < 50; ++seed)
        file << each.name << "," << name << "," << seed << ","
             << best_of(testing::searched(*testing::sampler_named(name), testing::space_of(each.space),
                                          each.draws, seed, each.value))
             << "\n";
}

}  // namespace subband::tpe_test
