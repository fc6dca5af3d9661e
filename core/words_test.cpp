// House style 2.11: the field's plain terms. Phrases that puzzled a reader once do not come back.
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <set>

#include "core/files.h"
#include "core/testing/catch.h"
#include "core/text.h"

namespace words_test {

using namespace subband;
namespace fs = std::filesystem;

struct Plain {
  std::string riddle, instead;
};

// Each in two pieces, so that this file does not hold it.
static const std::vector<Plain>& riddles() {
  static const std::vector<Plain> kRiddles = {
      {std::string("hear ") + "of", "is told of, reaches"},
      {std::string("hears ") + "of", "is told of, reaches"},
      {std::string("heard ") + "of", "is told of, read last"},
      {std::string("as good as ") + "written", "the value that it stands for"},
      {std::string("in ") + "little before", "on a small batch"},
      {std::string("say ") + "nothing", "are masked, do not reveal"},
      {std::string("says ") + "nothing", "does not reveal, does not change"},
      {std::string("has no ") + "say", "is not asked, names nobody"},
      {std::string("asking from ") + "outside", "commands on parts and nets"},
      {std::string("the last of the tokens whose ") + "keys", "the last positions of the keys"},
      {std::string("first ") + "values", "initial weights"},
      {std::string("first ") + "weights", "initial weights"},
      {std::string("let positions ") + "speak", "carries information between positions"},
      {std::string("lets positions ") + "speak", "carries information between positions"},
      {std::string("channels are ") + "turned", "channels are rotated"},
      {std::string("silence") + "d(", "masked"},
      {std::string("exercise") + "s of ", "synthetic tasks"},
      {std::string("catalog ") + "of", "catalogue"}};
  return kRiddles;
}

static bool is_read(const fs::path& file) {
  static const std::set<std::string> kEndings = {".h",  ".cpp", ".cu",    ".cuh",
                                                 ".md", ".py",  ".cmake", ".yaml"};
  return kEndings.contains(file.extension().string()) || file.filename() == "CMakeLists.txt";
}

// Files of the repository, not what was built, fetched or recorded.
static std::vector<fs::path> pages() {
  static const std::set<std::string> kOthers = {"build", "logs", "testdata", "shared"};
  std::vector<fs::path> files;
  for (fs::recursive_directory_iterator entry(program_root()), end; entry != end; ++entry) {
    const std::string name = entry->path().filename().string();
    if (entry->is_directory() && (name.starts_with('.') || kOthers.contains(name)))
      entry.disable_recursion_pending();
    else if (entry->is_regular_file() && is_read(entry->path()))
      files.push_back(entry->path());
  }
  return files;
}

static std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

TEST_CASE("comments, pages and messages speak plainly", "[words]") {
  const std::vector<fs::path> files = pages();
  CHECK(files.size() > 500);
  for (const fs::path& file : files) {
    const std::string text = lower(read_file(file));
    for (const Plain& each : riddles()) {
      const size_t at = text.find(each.riddle);
      if (at == std::string::npos) continue;
      const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
      FAIL_CHECK(file.string() << ":" << line << ": '" << each.riddle
                               << "': say it plainly, as in: " << each.instead);
    }
  }
}

}  // namespace words_test
