#include "core/program/new_part.h"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <regex>

#include "core/error.h"
#include "core/files.h"
#include "core/program/command_table.h"
#include "core/text.h"

namespace subband {

namespace fs = std::filesystem;

namespace {

// A part to be copied.
struct Pattern {
  fs::path source;
  std::string name, class_name;
  fs::path test() const { return fs::path(source).replace_filename(source.stem().string() + "_test.cpp"); }
};

std::optional<std::string> first_match(const std::string& text, const char* pattern) {
  std::smatch found;
  if (!std::regex_search(text, found, std::regex(pattern))) return std::nullopt;
  return found[1].str();
}

Pattern read_pattern(const fs::path& source) {
  const std::string text = read_file(source);
  const auto name = first_match(text, R"(\.name = "(\w+)\")"),
             type = first_match(text, R"(\.add<(\w+), \w+>)");
  if (!name || !type) throw Error(source.string(), "no part is registered here, so it is no pattern for one");
  return {source, *name, *type};
}

Pattern pattern_of(const Catalogue& catalogue, const fs::path& folder, const std::string& kind) {
  const fs::path made = folder.parent_path() / "testing" / ("new_" + kind + ".cpp");
  if (fs::exists(made)) return read_pattern(made);
  std::vector<std::pair<uintmax_t, fs::path>> sources;
  for (const auto& [name, part] : catalogue.kind(kind))
    if (const fs::path file = folder / (name + ".cpp"); fs::exists(file))
      sources.emplace_back(fs::file_size(file), file);
  if (sources.empty())
    throw Error(folder.string(), "has no part to begin from; a first one is written by hand");
  return read_pattern(std::ranges::min(sources).second);
}

// `fast_mean` -> `FastMean`
std::string class_of(const std::string& name) {
  std::string type;
  for (std::string word : split(name, '_')) {
    if (word.empty()) continue;
    word.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(word.front())));
    type += word;
  }
  return type;
}

// What the pattern includes, and what it calls in a namespace of its own name (`csv::field`), stays.
std::string renamed(const std::string& text, const Pattern& pattern, const std::string& name) {
  const std::regex own("\\b" + pattern.name + "(_test)?\\b(?!::)"), type("\\b" + pattern.class_name + "\\b");
  std::vector<std::string> lines = split(text, '\n');
  for (std::string& line : lines) {
    if (line.starts_with("#include")) continue;
    line = std::regex_replace(std::regex_replace(line, own, name + "$1"), type, class_of(name));
  }
  return join(lines, "\n");
}

void write_new(const fs::path& file, const std::string& text, std::vector<fs::path>& written) {
  write_file(file, text);
  written.push_back(file);
}

// The lines with one more, behind the last of its group that comes before it.
std::string with_component(const std::string& lines, const std::string& group, const std::string& name) {
  const std::string begin = "subband_component(" + group + " ", line = begin + name + ")";
  std::vector<std::string> all = split(lines, '\n');
  auto place = all.end(), first = all.end();
  for (auto each = all.begin(); each != all.end(); ++each) {
    if (!each->starts_with(begin)) continue;
    if (first == all.end()) first = each;
    if (*each < line) place = each + 1;
  }
  if (first == all.end()) throw Error("CMakeLists.txt", "has no line subband_component(" + group + " …)");
  all.insert(place == all.end() ? first : place, line);
  return join(all, "\n");
}

}  // namespace

// The folder of the kind's parts; refuses a kind and a name that will not do.
static fs::path folder_of(const Catalogue& catalogue, const fs::path& root, const std::string& kind,
                          const std::string& name) {
  const auto& parts = catalogue.kind(kind);
  const auto group = std::ranges::find(catalogue.groups, kind, &ConfigGroups::value_type::first);
  if (group == catalogue.groups.end()) throw Error(kind, "its parts have no folder of their own");
  if (!std::regex_match(name, std::regex("[a-z][a-z0-9]*(_[a-z0-9]+)*")))
    throw ConfigError("command line", "name = " + name + ": must be small letters, digits and single _",
                      "bad_value");
  if (parts.contains(name))
    throw ConfigError("command line", "name = " + name + ": there is a " + kind + " of that name",
                      "already_exists");
  return root / group->second;
}

static void refuse_files(const std::vector<fs::path>& files) {
  for (const fs::path& file : files)
    if (fs::exists(file)) throw Error(file.string(), "is there already");
}

NewPart write_new_part(const Catalogue& catalogue, const fs::path& root, const std::string& kind,
                       const std::string& name) {
  const fs::path folder = folder_of(catalogue, root, kind, name), lines = folder.parent_path() / "CMakeLists.txt";
  const fs::path source = folder / (name + ".cpp"), test = folder / (name + "_test.cpp");
  refuse_files({source, test});
  const Pattern pattern = pattern_of(catalogue, folder, kind);
  const std::string with_line = with_component(read_file(lines), folder.filename().string(), name);
  NewPart made{.files = {}, .pattern = pattern.name};
  write_new(source, renamed(read_file(pattern.source), pattern, name), made.files);
  if (fs::exists(pattern.test()))
    write_new(test, renamed(read_file(pattern.test()), pattern, name), made.files);
  write_new(lines, with_line, made.files);
  return made;
}

NewPart write_new_source(const Catalogue& catalogue, const fs::path& root, const std::string& kind,
                         const std::string& name, const fs::path& into) {
  const fs::path folder = folder_of(catalogue, root, kind, name), source = into / (name + ".cpp");
  refuse_files({source});
  const Pattern pattern = pattern_of(catalogue, folder, kind);
  NewPart made{.files = {}, .pattern = pattern.name};
  write_new(source, renamed(read_file(pattern.source), pattern, name), made.files);
  return made;
}

static int command_new(Arguments arguments, const Catalogue& catalogue) {
  CommandLine line("new", "The files and the line of a part of one's own: a copy of the kind's simplest one.",
                   "subband new mixer decay_mean");
  std::string kind, name;
  line.app().add_option("kind", kind, "as `subband list` shows them")->required();
  line.app().add_option("name", name, "of the new part: small letters, digits and _")->required();
  bool is_alone = false;
  line.app().add_flag("--alone", is_alone,
                      "the source alone, in the working folder, for subband build-part; the rule where the program is installed");
  return line.run(arguments, [&] {
    is_alone = is_alone || !fs::exists(program_root() / "CMakeLists.txt");
    const NewPart made = is_alone ? write_new_source(catalogue, program_root(), kind, name, fs::current_path())
                                  : write_new_part(catalogue, program_root(), kind, name);
    if (line.options().json) {
      nlohmann::ordered_json files = nlohmann::ordered_json::array();
      for (const fs::path& file : made.files) files.push_back(file.string());
      std::cout << nlohmann::ordered_json{{"kind", kind},
                                          {"name", name},
                                          {"pattern", made.pattern},
                                          {"files", files}}
                       .dump(2)
                << "\n";
      return 0;
    }
    for (const fs::path& file : made.files) fmt::print("{}\n", file.string());
    if (is_alone)
      fmt::print("a copy of {}; then: subband build-part {}.cpp, subband check-part {}.so\n", made.pattern, name, name);
    else
      fmt::print("a copy of {}; then: make build, subband describe {} {}\n", made.pattern, kind, name);
    return 0;
  });
}

namespace commands {

void add_new(CommandTable& table) {
  table.push_back(
      {"new", "the files of a part of one's own, to be changed from there", {"kind"}, command_new});
}

}  // namespace commands

}  // namespace subband
