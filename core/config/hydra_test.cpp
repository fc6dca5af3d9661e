// The recorded answers of Hydra 1.3.8 to 1,179 compositions, beside ours. Where we answer differently on purpose,
// testdata/hydra_differences.txt has a line with our answer and its reason.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "core/config/compose.h"
#include "core/error.h"
#include "core/files.h"
#include "core/testing/catch.h"
#include "core/text.h"

namespace hydra_test {

using nlohmann::json;
using namespace subband;

struct Difference {
  std::string reason;
  json answer;
  bool met = false;
};

static std::map<std::string, Difference> read_differences(const std::filesystem::path& file) {
  std::map<std::string, Difference> differences;
  for (const std::string& line : split(read_file(file), '\n')) {
    if (line.empty() || line.starts_with('#')) continue;
    const std::vector<std::string> columns = split(line, '\t');
    REQUIRE(columns.size() == 3);
    differences[columns[0]] = {columns[1], json::parse(columns[2]), false};
  }
  return differences;
}

static json our_answer(const json& recorded, const std::filesystem::path& folder, bool resolve) {
  std::filesystem::remove_all(folder);
  for (const auto& [name, text] : recorded["files"].items()) {
    std::filesystem::create_directories((folder / name).parent_path());
    std::ofstream(folder / name, std::ios::binary) << text.get<std::string>();
  }
  if (recorded.contains("env"))
    for (const auto& [name, value] : recorded["env"].items()) {
      if (value.is_null())
        unsetenv(name.c_str());
      else
        setenv(name.c_str(), value.get<std::string>().c_str(), 1);
    }
  config::ComposeRequest request{.primary = recorded["primary"],
                                 .overrides = recorded["overrides"],
                                 .folders = {{"", folder}},
                                 .raw = true};
  try {
    const auto composition = resolve ? config::compose(request) : config::compose_unresolved(request);
    return {{"ok", json::parse(config::to_json(composition.config))}};
  } catch (const Error& error) {
    return {{"error", error.first().kind}, {"message", error.first().line()}};
  }
}

// Equal values of equal types: 1 is not 1.0; the order of keys is free.
static bool same(const json& a, const json& b) {
  if (a.is_number_float() != b.is_number_float()) return false;
  if (a.type() != b.type() && !(a.is_number() && b.is_number())) return false;
  if (a.is_object() || a.is_array()) {
    if (a.size() != b.size()) return false;
    for (const auto& [key, value] : a.items()) {
      if (a.is_object() ? !b.contains(key) : std::stoul(key) >= b.size()) return false;
      if (!same(value, a.is_object() ? b[key] : b[std::stoul(key)])) return false;
    }
    return true;
  }
  return a == b;
}

static bool agrees(const json& ours, const json& expected) {
  if (expected.contains("error"))
    return ours.contains("error") && (expected["error"] == "any" || ours["error"] == expected["error"]);
  return ours.contains("ok") && same(ours["ok"], expected["ok"]);
}

TEST_CASE("every recorded composition gets Hydra's answer or the intended one", "[config][hydra]") {
  const auto data = program_root() / "core/config/testdata";
  auto differences = read_differences(data / "hydra_differences.txt");
  const auto folder = std::filesystem::temp_directory_path() / ("subband_hydra_" + std::to_string(getpid()));
  int agreed = 0, intended = 0, wrong = 0;
  for (const std::string& line : split(read_file(data / "hydra_cases.jsonl"), '\n')) {
    if (line.empty()) continue;
    const json recorded = json::parse(line);
    const std::string id = recorded["id"];
    const json ours = our_answer(recorded, folder, true);
    const auto difference = differences.find(id);
    const bool differs = difference != differences.end();
    const json& expected = differs ? difference->second.answer : recorded["answer"];
    bool fits = agrees(ours, expected);
    if (fits && !differs && expected.contains("unresolved"))
      fits = agrees(our_answer(recorded, folder, false), {{"ok", expected["unresolved"]}});
    if (differs) difference->second.met = true;
    if (differs && fits) CHECK(!agrees(ours, recorded["answer"]));  // a line of the table must not be idle
    (fits ? differs ? intended : agreed : wrong) += 1;
    if (!fits) {
      UNSCOPED_INFO(id << " " << recorded["files"] << " " << recorded["overrides"] << "\n  ours     " << ours
                       << "\n  expected " << expected);
      CHECK(fits);
    }
  }
  std::filesystem::remove_all(folder);
  for (const auto& [id, difference] : differences) {
    INFO(id);
    CHECK(difference.met);
  }
  std::cout << "hydra: " << agreed << " cases agree, " << intended << " differ as intended, " << wrong
            << " are wrong\n";
}

}  // namespace hydra_test
