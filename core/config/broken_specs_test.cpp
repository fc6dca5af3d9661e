// Broken specs, each with its whole message: what a person sees who mistypes. The table is testdata/broken_specs.yaml.
#include <ctime>
#include <filesystem>
#include <fstream>

#include "core/config/compose.h"
#include "core/config/yaml.h"
#include "core/error.h"
#include "core/files.h"
#include "core/testing/catch.h"
#include "core/text.h"

namespace broken_specs_test {

using namespace subband;
using config::Node;

static void write_spec(const std::filesystem::path& file, const std::string& text) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << text;
}

static std::string from_hexadecimal(const std::string& digits) {
  std::string bytes;
  for (size_t i = 0; i + 1 < digits.size(); i += 2)
    bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  return bytes;
}

// [before, repeated, times, after each]
static std::string repeated_text(const std::vector<Node>& items) {
  std::string text = items[0].string(), after;
  for (int64_t i = 0; i < items[2].integer(); ++i) {
    text += items[1].string();
    if (items.size() > 3) after += items[3].string();
  }
  return text + after;
}

static std::string stairs(int64_t levels) {
  std::string text;
  for (int64_t i = 0; i < levels; ++i) text += std::string(static_cast<size_t>(i), ' ') + "a:\n";
  return text;
}

static void lay_out(const Node& row, const Node& usual, const std::filesystem::path& folder) {
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  const auto each = [&](const char* key, const auto& text_of_value) {
    const Node* files = row.find(key);
    if (files == nullptr) return false;
    for (const auto& entry : files->entries()) write_spec(folder / entry.key, text_of_value(entry.value));
    return true;
  };
  bool any = each("files", [](const Node& text) { return text.string(); });
  any = each("bytes", [](const Node& text) { return from_hexadecimal(text.string()); }) || any;
  any = each("repeated", [](const Node& list) { return repeated_text(list.items()); }) || any;
  if (const Node* levels = row.find("nested"))
    write_spec(folder / "config.yaml", stairs(levels->integer())), any = true;
  if (any) return;
  for (const auto& entry : usual.entries()) write_spec(folder / entry.key, entry.value.string());
}

TEST_CASE("every broken spec has its kind and its whole message", "[config]") {
  const Node table = config::read_yaml(program_root() / "core/config/testdata/broken_specs.yaml");
  const auto folder = std::filesystem::temp_directory_path() / ("subband_broken_" + std::to_string(getpid()));
  REQUIRE(table.at("rows")->size() > 200);
  for (const Node& row : table.at("rows")->items()) {
    lay_out(row, *table.find("usual"), folder);
    config::ComposeRequest request{.primary = "config", .raw = true};
    if (const Node* words = row.find("words"))
      for (const Node& word : words->items()) request.overrides.push_back(word.string());
    request.folders = {{"", folder, "TREE"}};
    std::string kind = "none", message = "none";
    const std::clock_t start = std::clock();
    try {
      config::compose(request);
    } catch (const ConfigError& error) {
      kind = error.first().kind;
      message = error.first().line();
    }
    const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    if (message.starts_with("TREE/")) message = message.substr(5);
    for (size_t at; (at = message.find(" TREE/")) != std::string::npos;) message.erase(at + 1, 5);
    CAPTURE(row.find("name")->string());
    CHECK(kind == row.find("kind")->string());
    CHECK(message == row.find("message")->string());
    CHECK(seconds < 1.0);
  }
  std::filesystem::remove_all(folder);
}

}  // namespace broken_specs_test
