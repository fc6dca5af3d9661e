#include "experiments/data/own_data.h"

#include <glob.h>

#include <algorithm>
#include <filesystem>

#include "core/config/interpolation.h"
#include "core/error.h"
#include "core/files.h"
#include "experiments/data/files/data_place.h"
#include "experiments/data/files/unpack.h"

namespace subband {

namespace fs = std::filesystem;
using config::Node;

namespace {

bool has_wildcard(const std::string& path) { return path.find_first_of("*?[") != std::string::npos; }

// A word with a slash or an ending may be the path of a file; any other is one where a file or folder of that name lies.
bool is_path(const std::string& option) {
  return option.find('/') != std::string::npos || has_wildcard(option) || fs::path(option).has_extension() ||
         lies_there(option);
}

std::string checked(const std::string& path) {
  const fs::path whole = fs::absolute(path).lexically_normal();
  const fs::path there = has_wildcard(path) ? whole.parent_path() : packed_file(whole);
  if (!has_wildcard(there.string()) && !lies_there(there))
    throw ConfigError("", "data = " + path + ": no such file or folder", "unknown_option");
  return whole.string();
}

}  // namespace

// Without the ending of what packs it.
static std::string plain_ending(const fs::path& file) {
  const std::string ending = file.extension();
  const bool is_packed = ending == ".xz" || ending == ".gz" || ending == ".zst" || ending == ".bz2";
  return is_packed ? file.stem().extension().string() : ending;
}

bool is_lines_of_json(const fs::path& file) {
  const std::string ending = plain_ending(file);
  return ending == ".jsonl" || ending == ".ndjson";
}

static bool is_text_file(const fs::path& file) {
  const std::string ending = plain_ending(file);
  return ending == ".txt" || ending == ".text" || ending == ".md" || is_lines_of_json(file);
}

std::vector<fs::path> own_files(const std::string& place, const std::string& name) {
  std::vector<fs::path> found;
  std::error_code none;
  if (lies_there(packed_file(name)) && !fs::is_directory(name, none)) {
    found.push_back(locate_data(place, "/", name, ""));
  } else if (fs::is_directory(name, none)) {
    for (const auto& entry : fs::recursive_directory_iterator(name, none))
      if (entry.is_regular_file(none) && is_text_file(entry.path())) found.push_back(entry.path());
  } else {
    glob_t matches{};
    if (::glob(name.c_str(), 0, nullptr, &matches) == 0)
      for (size_t i = 0; i < matches.gl_pathc; ++i)
        if (!fs::is_directory(matches.gl_pathv[i], none)) found.emplace_back(matches.gl_pathv[i]);
    ::globfree(&matches);
  }
  if (found.empty())
    throw Error(place, "files = " + name + ": " +
                           (fs::is_directory(name, none) ? "holds no .txt, .text, .md or .jsonl file"
                                                         : "no such file"));
  for (const fs::path& file : found) {
    refuse_stand_in(packed_file(file));
    refuse_file_as_text(place, file);
  }
  std::ranges::sort(found);
  return found;
}

Node own_data_spec(const std::string& name, const std::vector<std::string>& paths) {
  Node files = Node::list();
  for (const std::string& path : paths) files.items().emplace_back(checked(path));
  Node spec = Node::map();
  spec.set("type", Node("own_text"));
  spec.set("name", Node(name));
  spec.set("files", std::move(files));
  return spec;
}

std::optional<Node> own_data_option(const std::string& option, config::Warnings& warnings) {
  if (!is_path(option)) return {};
  const fs::path path = fs::path(option).lexically_normal();
  const std::string name = (path.has_filename() ? path : path.parent_path()).stem().string();
  Node spec = own_data_spec(name.empty() || has_wildcard(name) ? "own" : name, {option});
  warnings.push_back(
      "data = " + option +
      ": trains on its first 90 %, validates on the next 5 % and tests on the last 5 %; data.valid and "
      "data.test change that");
  return config::literal(spec);  // a path with `${x}` in it is that path
}

}  // namespace subband
