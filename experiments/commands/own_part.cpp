// subband build-part, check-part: a part outside the program, without a build of the program.
#include <dlfcn.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spawn.h>
#include <sys/wait.h>

#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>
#include <regex>

#include "core/error.h"
#include "core/files.h"
#include "core/json.h"
#include "core/languages/json.h"
#include "core/languages/terminal.h"
#include "core/program/command_table.h"
#include "core/program/own_parts_option.h"
#include "core/source_code.h"
#include "core/text.h"
#include "experiments/parts.h"
#include "models/own_parts.h"

extern char** environ;

namespace subband {

namespace fs = std::filesystem;

namespace {

fs::path beside_own_program(const char* name) { return fs::read_symlink("/proc/self/exe").parent_path() / name; }

// Where a source says that its part belongs: `namespace subband::mixers::decay_mean`.
struct OwnSource {
  fs::path file;
  std::string group, name, kind, interface, header;
};

OwnSource read_own_source(const fs::path& file, const Json& frame) {
  const std::string text = read_file(file);
  std::smatch found;
  if (!std::regex_search(text, found, std::regex(R"(namespace subband::(\w+)::(\w+))")))
    throw ConfigError(file.string(), "has no `namespace subband::KINDS::NAME`, for instance subband::mixers::" +
                                         file.stem().string(),
                      "syntax");
  OwnSource source{.file = file, .group = found[1], .name = found[2]};
  std::vector<std::string> known;
  for (const Json& kind : frame.at("kinds")) {
    known.push_back(kind.at("group"));
    if (known.back() != source.group) continue;
    source.kind = kind.at("kind"), source.interface = kind.at("interface"), source.header = kind.at("header");
  }
  if (source.kind.empty())
    throw ConfigError(file.string(),
                      "namespace subband::" + source.group + ": no such kind of part" + suggestion(source.group, known),
                      "unknown_option");
  return source;
}

// What is compiled: the source itself, and the doors by which it is loaded.
std::string object_source(const OwnSource& source) {
  return fmt::format(
      R"(#include "{header}"
#include "{file}"
#define SUBBAND_DOOR extern "C" __attribute__((visibility("default")))
SUBBAND_DOOR const char* subband_part_frame();
SUBBAND_DOOR const char* subband_part_name();
SUBBAND_DOOR const char* subband_part_code();
SUBBAND_DOOR void subband_part_add(subband::Registry& registry);
const char* subband_part_frame() {{ return {frame}; }}
const char* subband_part_name() {{ return "{kind}:{name}"; }}
const char* subband_part_code() {{ return "{code}"; }}
void subband_part_add(subband::Registry& registry) {{
  subband::{group}::{name}::add_to(registry.of<subband::{interface}>());
}}
)",
      fmt::arg("header", source.header), fmt::arg("file", fs::absolute(source.file).string()),
      fmt::arg("frame", config::json_string(own_part_frame())), fmt::arg("kind", source.kind),
      fmt::arg("name", source.name), fmt::arg("code", digest_of_own_source(source.file)),
      fmt::arg("group", source.group), fmt::arg("interface", source.interface));
}

// Its words go where ours go; what it prints to stderr.
int run_tool(const std::vector<std::string>& words) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_t child = 0;
  if (::posix_spawnp(&child, arguments[0], nullptr, nullptr, arguments.data(), environ) != 0)
    throw Error(words.front(), "cannot be started");
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

class ScratchFolder {
 public:
  ScratchFolder() {
    std::string pattern = (fs::temp_directory_path() / "subband_part_XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw Error(pattern, "cannot be made");
    path_ = pattern;
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

// Headers that are not those of the program would make an object that does not fit it.
void expect_headers(const fs::path& root, const Json& frame) {
  std::vector<std::string> headers;
  for (const Json& kind : frame.at("kinds")) headers.push_back(kind.at("header"));
  if (SourceCode(root).digest_of_headers(headers) != built_headers())
    throw Error(root.string(), "its headers are not those that this program was built with; build the program again");
}

OwnSource build_own_part(const fs::path& file, const fs::path& out) {
  const fs::path facts = beside_own_program("own_parts.json");
  const Json frame = read_json(read_file(facts), facts.string());
  const fs::path root = program_root();
  expect_headers(root, frame);
  const OwnSource source = read_own_source(file, frame);
  const ScratchFolder scratch;
  const fs::path code = scratch.path() / "part.cpp", object = scratch.path() / "part.so";
  write_file(code, object_source(source));
  const std::string torch = frame.at("libtorch");
  const std::string compiler = frame.at("compiler");
  const int status = run_tool({compiler, "-std=c++20", "-O2", "-fPIC", "-shared", "-Wall", "-Wextra",
                               "-DFMT_HEADER_ONLY=1", "-I" + root.string(), "-isystem", torch + "/include", "-isystem",
                               torch + "/include/torch/csrc/api/include", code.string(), "-o", object.string()});
  if (status != 0) throw Error(file.string(), "cannot be compiled; see above");
  write_file(out, read_file(object));
  return source;
}

constexpr const char* kWithContract[] = {"bypass", "channel_mixer", "dilation", "lifting",
                                         "mixer",  "scale_mixer",   "transform"};

int run_contract(const OwnPart& own) {
  const fs::path object = beside_own_program("libsubband_contract.so");
  if (!fs::exists(object))
    throw Error(object.string(), "is not built; make contract builds it");
  void* contract = ::dlopen(object.c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (contract == nullptr) throw Error(object.string(), std::string("cannot be loaded: ") + ::dlerror());
  const auto run = reinterpret_cast<int (*)(int, const char* const*)>(::dlsym(contract, "subband_contract"));
  if (run == nullptr) throw Error(object.string(), "is not the contract of this program");
  ::setenv("SUBBAND_CHECK", own.part.substr(own.part.find(':') + 1).c_str(), 1);
  const std::string kind = own.part.substr(0, own.part.find(':'));
  const std::string tests = kind == "mixer" ? "[mixers],[state]" : "[contract][" + kind + "]";
  const char* words[] = {"check-part", tests.c_str()};
  return run(2, words);
}

}  // namespace

static int command_build_part(Arguments arguments) {
  CommandLine line("build-part",
                   "Compiles a part of one's own against this program's headers, without building the program.\n"
                   "The source is as one in the program: namespace subband::mixers::NAME with an add_to.",
                   "subband build-part decay_mean.cpp");
  fs::path source, out;
  line.app().add_option("SOURCE", source, "the part's .cpp")->required();
  line.app().add_option("--out", out, "the object; without it: SOURCE with .so in place of .cpp");
  return line.run(arguments, [&] {
    if (out.empty()) out = fs::path(source).replace_extension(".so");
    const OwnSource made = build_own_part(source, out);
    set_own_parts({out.string()});
    Registry registry;
    register_parts(registry);  // it loads
    const OwnPart own = own_parts().front();
    if (line.options().json)
      std::cout << json_document({{"out", out.string()}, {"kind", made.kind}, {"name", made.name}, {"code", own.code}}, 2)
                << "\n";
    else
      fmt::print("{}: {} {}, code {}\nnow: subband check-part {}, subband run … --parts {}\n", shown(out.string()),
                 made.kind, made.name, own.code, shown(out.string()), shown(out.string()));
    return 0;
  });
}

static int command_check_part(Arguments arguments) {
  CommandLine line("check-part",
                   "Asks a part of one's own what every part of its kind is asked: its contract.",
                   "subband check-part decay_mean.so");
  std::string object;
  line.app().add_option("OBJECT", object, "what subband build-part made")->required();
  return line.run(arguments, [&] {
    set_own_parts({object});
    Registry registry;
    register_parts(registry);
    const OwnPart own = own_parts().front();
    const std::string kind = own.part.substr(0, own.part.find(':'));
    if (std::ranges::find(kWithContract, kind) == std::end(kWithContract))
      throw ConfigError(
          object,
          "holds a " + kind + "; there is a contract of " + fmt::format("{}", fmt::join(kWithContract, ", ")),
          "bad_value");
    return run_contract(own) == 0 ? 0 : 3;
  });
}

namespace commands {

void add_build_part(CommandTable& table) {
  table.push_back({"build-part", "compile a part of one's own, without building the program", {}, command_build_part});
}

void add_check_part(CommandTable& table) {
  table.push_back(
      {"check-part", "ask a part of one's own what every part of its kind is asked", {}, command_check_part});
}

}  // namespace commands

}  // namespace subband
