// The recorded answers of Hydra 1.3.8 to 1,179 compositions, beside ours. Where we answer differently on purpose,
// testdata/hydra_differences.txt has a line with our answer and the name of its reason.
#include <archive.h>
#include <archive_entry.h>
#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "core/config/compose/cases.h"
#include "core/files.h"
#include "core/testing/catch.h"
#include "core/text.h"

namespace hydra_test {

using nlohmann::json;
using namespace subband;

static std::set<std::string> read_reasons(const std::filesystem::path& file) {
  std::set<std::string> names;
  for (const std::string& line : split(read_file(file), '\n'))
    if (!line.empty() && !line.starts_with('#')) names.insert(split(line, '\t').front());
  return names;
}

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
  const std::set<std::string> reasons = read_reasons(data / "intended_differences.txt");
  for (const auto& [id, difference] : differences) {
    INFO(id << ": " << difference.reason);
    CHECK(reasons.contains(difference.reason));
  }
  const auto folder = std::filesystem::temp_directory_path() / ("subband_hydra_" + std::to_string(getpid()));
  int agreed = 0, intended = 0, wrong = 0;
  for (const std::string& line : split(read_file(data / "hydra_cases.jsonl"), '\n')) {
    if (line.empty()) continue;
    const json recorded = json::parse(line);
    const std::string id = recorded["id"];
    const json ours = json::parse(config::answer_case(line, folder));
    const auto difference = differences.find(id);
    const bool differs = difference != differences.end();
    const json& expected = differs ? difference->second.answer : recorded["answer"];
    bool fits = agrees(ours, expected);
    if (fits && !differs && expected.contains("unresolved"))
      fits = same(ours["unresolved"], expected["unresolved"]);
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

// The whole of a file compressed with xz.
static std::string read_compressed(const std::filesystem::path& file) {
  archive* reader = archive_read_new();
  archive_read_support_filter_xz(reader);
  archive_read_support_format_raw(reader);
  REQUIRE(archive_read_open_filename(reader, file.c_str(), 1 << 16) == ARCHIVE_OK);
  archive_entry* entry = nullptr;
  REQUIRE(archive_read_next_header(reader, &entry) == ARCHIVE_OK);
  std::string text, block(1 << 16, '\0');
  for (la_ssize_t size = 0; (size = archive_read_data(reader, block.data(), block.size())) > 0;)
    text.append(block, 0, static_cast<size_t>(size));
  archive_read_free(reader);
  return text;
}

// Recorded by `make conformance RECORD=…`: random words and trees of seed 1.
TEST_CASE("random words and trees get Hydra's recorded answer or the intended one", "[config][hydra]") {
  const auto data = program_root() / "core/config/testdata";
  const std::set<std::string> reasons = read_reasons(data / "intended_differences.txt");
  const auto folder = std::filesystem::temp_directory_path() / ("subband_random_" + std::to_string(getpid()));
  std::map<std::string, int> counts;
  for (const std::string& line : split(read_compressed(data / "conformance_cases.jsonl.xz"), '\n')) {
    if (line.empty()) continue;
    const json recorded = json::parse(line);
    const json& expected = recorded["answer"];
    const json ours = json::parse(config::answer_case(line, folder));
    bool fits = expected.contains("words")
                    ? ours.contains("words") && ours["words"].size() == expected["words"].size()
                    : agrees(ours, expected);
    if (fits && expected.contains("ok")) fits = same(ours["unresolved"], expected["unresolved"]);
    const std::string verdict = fits ? expected.value("difference", "agree") : "wrong";
    ++counts[verdict];
    if (verdict != "agree" && verdict != "wrong") CHECK(reasons.contains(verdict));
    if (!fits) {
      UNSCOPED_INFO(line.substr(0, 2000) << "\n  ours " << ours);
      CHECK(fits);
    }
  }
  std::filesystem::remove_all(folder);
  CHECK(counts["agree"] > 1800);
  std::cout << "hydra, random:";
  for (const auto& [verdict, count] : counts) std::cout << " " << count << " " << verdict;
  std::cout << "\n";
}

}  // namespace hydra_test
