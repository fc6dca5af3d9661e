// Broken specs, each with its whole message: what a person sees who mistypes. The table is testdata/broken_specs.yaml.
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "core/config/compose.h"
#include "core/config/yaml.h"
#include "core/error.h"
#include "core/files.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "core/testing/process.h"
#include "core/text.h"

namespace broken_specs_test {

using namespace subband;
using config::Node;

#ifdef __SANITIZE_ADDRESS__  // whose own memory counts as the child's
static constexpr bool kSanitized = true;
#else
static constexpr bool kSanitized = false;
#endif

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
  text.reserve(text.size() + items[1].string().size() * static_cast<size_t>(items[2].integer()));
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

// [before, line with {i} and {next}, times]
static std::string numbered_text(const std::vector<Node>& items) {
  std::string text = items[0].string();
  for (int64_t i = 0; i < items[2].integer(); ++i) {
    std::string line = items[1].string();
    const auto fill = [&](const std::string& name, int64_t number) {
      for (size_t at; (at = line.find(name)) != std::string::npos;)
        line.replace(at, name.size(), std::to_string(number));
    };
    fill("{i}", i);
    fill("{next}", i + 1);
    text += line;
  }
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
  any = each("numbered", [](const Node& list) { return numbered_text(list.items()); }) || any;
  if (const Node* levels = row.find("nested"))
    write_spec(folder / "config.yaml", stairs(levels->integer())), any = true;
  if (any) return;
  for (const auto& entry : usual.entries()) write_spec(folder / entry.key, entry.value.string());
}

struct Outcome {
  std::string kind, message;
  double seconds = 0, megabytes = 0;
};

// `kind`, a line break, the message of the refusal.
static std::string refusal_of(const Node& row, const std::filesystem::path& folder) {
  config::ComposeRequest request{.primary = "config", .raw = true};
  if (const Node* words = row.find("words"))
    for (const Node& word : words->items()) request.overrides.push_back(word.string());
  if (const Node* word = row.find("long_word")) request.overrides.push_back(repeated_text(word->items()));
  request.folders = {{"", folder, "TREE"}};
  try {
    config::compose(request);
  } catch (const ConfigError& error) {
    std::string message = error.first().line();
    if (message.starts_with("TREE/")) message = message.substr(5);
    for (size_t at; (at = message.find(" TREE/")) != std::string::npos;) message.erase(at + 1, 5);
    return error.first().kind + "\n" + message;
  }
  return "none\nnone";
}

// Of this process; a child begins with as much.
static double resident_megabytes() {
  std::ifstream pages("/proc/self/statm");
  double whole = 0, resident = 0;
  pages >> whole >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / (1 << 20);
}

// Composes in a process of its own, so that its time and memory can be told, and no end of it ends the test.
static Outcome outcome_of(const Node& row, const std::filesystem::path& folder,
                          const std::filesystem::path& answer) {
  const double inherited = resident_megabytes();
  testing::Process child = testing::Process::of([&] {
    const rlimit limit{5, 5};  // seconds: a hang ends too
    setrlimit(RLIMIT_CPU, &limit);
    std::ofstream(answer, std::ios::binary) << refusal_of(row, folder);
    return 0;
  });
  const int code = child.wait();
  const std::string text = code == 0 ? read_file(answer) : "crash\nexit code " + std::to_string(code);
  const size_t line = text.find('\n');
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  const rusage& used = child.usage();
  return {text.substr(0, line), text.substr(line + 1), seconds(used.ru_utime) + seconds(used.ru_stime),
          static_cast<double>(used.ru_maxrss) / 1024 - inherited};
}

TEST_CASE("every broken spec has its kind and its whole message, in a second and 200 MB", "[config]") {
  const Node table = config::read_yaml(program_root() / "core/config/testdata/broken_specs.yaml");
  const TestFolder scratch;
  const auto folder = scratch / "TREE";
  REQUIRE(table.at("rows")->size() > 200);
  for (const Node& row : table.at("rows")->items()) {
    lay_out(row, *table.find("usual"), folder);
    const Outcome outcome = outcome_of(row, folder, scratch / "answer");
    CAPTURE(row.find("name")->string());
    CHECK(outcome.kind == row.find("kind")->string());
    CHECK(outcome.message == row.find("message")->string());
    CHECK(outcome.seconds < 1.0);
    if (!kSanitized) CHECK(outcome.megabytes < 200);
  }
}

}  // namespace broken_specs_test
