#include "sweeps/slurm/bundle.h"

#include <link.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <vector>

#include "core/error.h"
#include "core/files.h"
#include "core/hash.h"
#include "core/json.h"
#include "core/temporaries.h"

namespace subband::slurm {

namespace fs = std::filesystem;

namespace {

// Beside the program; those that a build does not have are left out.
constexpr std::array kBeside = {"subband", "libsubband_laboratory.so", "libsubband_cuda.so",
                                "catalogue.json"};
constexpr std::array kFolders = {"analysis", "core", "experiments", "models", "sweeps"};
constexpr std::array kSources = {".cpp", ".h", ".cu", ".cuh", ".md", ".cmake", ".svg", ".py", ".pt"};

struct Loaded {
  std::string file;
};

// The file that LibTorch was loaded from; empty where it is not loaded.
fs::path loaded_libtorch() {
  Loaded loaded;
  ::dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* out) {
        const std::string file = info->dlpi_name != nullptr ? info->dlpi_name : "";
        if (file.find("libtorch_cpu.so") == std::string::npos) return 0;
        static_cast<Loaded*>(out)->file = file;
        return 1;
      },
      &loaded);
  std::error_code none;
  const fs::path real = fs::canonical(loaded.file, none);
  return none ? fs::path() : real;
}

Json stamp_of(const fs::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return nullptr;
  return {{"size", status.st_size},
          {"modified_ns", status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec}};
}

fs::path beside(const BundleSource& source, const std::string& name) {
  return name == "subband" ? source.program : source.program.parent_path() / name;
}

void copy_whole(const fs::path& from, const fs::path& to) {
  std::error_code failed;
  fs::create_directories(to.parent_path(), failed);
  fs::copy_file(from, to, fs::copy_options::overwrite_existing, failed);
  if (failed) throw Error(to.string(), "cannot be copied from " + from.string() + ": " + failed.message());
}

// Presets and data that are shipped with the program: everything but sources.
std::vector<fs::path> shipped_files(const fs::path& root) {
  std::vector<fs::path> files;
  std::error_code none;
  for (const char* folder : kFolders) {
    for (const auto& entry : fs::recursive_directory_iterator(root / folder, none)) {
      const std::string extension = entry.path().extension().string();
      const std::string path = entry.path().string();
      const bool is_for_tests =
          path.find("/testdata/") != std::string::npos || path.find("/conformance/") != std::string::npos;
      const bool is_source = std::ranges::find(kSources, extension) != kSources.end();
      if (entry.is_regular_file(none) && !is_source && !is_for_tests)
        files.push_back(entry.path().lexically_relative(root));
    }
  }
  std::ranges::sort(files);
  return files;
}

Json describe(const BundleSource& source) {
  Json files = Json::object();
  std::error_code none;
  for (const char* name : kBeside)
    if (fs::exists(beside(source, name), none)) files[name] = sha256_hex_of_file(beside(source, name));
  for (const fs::path& each : shipped_files(source.root))
    files[(fs::path("root") / each).string()] = sha256_hex_of_file(source.root / each);
  Json bundle = {{"files", files}, {"libtorch", nullptr}};
  if (const fs::path torch = loaded_libtorch(); !torch.empty()) {
    bundle["libtorch"] = stamp_of(torch);
    bundle["libtorch"]["file"] = torch.string();
    bundle["libtorch"]["sha256"] = sha256_hex_of_file(torch);
  }
  return bundle;
}

void compare(std::vector<Problem>& problems, const std::string& name, const std::string& now,
             const std::string& before) {
  if (now == before) return;
  problems.push_back({"bundle",
                      name + ": sha256 = " + now.substr(0, 16) + ": was " + before.substr(0, 16) +
                          " when the sweep was submitted; submit it again to run with this one",
                      "changed"});
}

}  // namespace

BundleSource this_program() {
  return {.program = fs::read_symlink("/proc/self/exe"), .root = program_root()};
}

fs::path make_bundle(const fs::path& folder, const BundleSource& source) {
  const Json description = describe(source);
  const std::string text = description.dump(1);
  const fs::path bundle = folder / sha256_hex(text).substr(0, 12);
  std::error_code failed;
  if (fs::exists(bundle / "bundle.json", failed)) return bundle;
  const fs::path unfinished = folder / temporary_name(".new");
  for (const auto& [name, checksum] : description["files"].items()) {
    const bool is_shipped = name.starts_with("root/");
    copy_whole(is_shipped ? source.root / name.substr(5) : beside(source, name), unfinished / name);
    if (sha256_hex_of_file(unfinished / name) != checksum.get<std::string>())
      throw Error(
          Problem{"bundle", name + ": was changed while it was copied; submit the sweep again", "changed"});
  }
  write_file(unfinished / "bundle.json", text);
  fs::rename(unfinished, bundle, failed);
  if (failed && !fs::exists(bundle / "bundle.json"))
    throw Error(bundle.string(), "cannot be made: " + failed.message());
  if (failed) fs::remove_all(unfinished, failed);
  return bundle;
}

void expect_bundle(const fs::path& bundle, const BundleSource& source) {
  const fs::path file = bundle / "bundle.json";
  const Json description = read_json(read_file(file), file.string());
  std::vector<Problem> problems;
  std::error_code none;
  for (const char* name : kBeside) {
    if (!description["files"].contains(name)) continue;
    const fs::path now = beside(source, name);
    compare(problems, name, fs::exists(now, none) ? sha256_hex_of_file(now) : "nothing",
            description["files"][name].get<std::string>());
  }
  const Json& torch = description["libtorch"];
  if (const fs::path now = loaded_libtorch(); torch.is_object() && !now.empty()) {
    Json stamp = stamp_of(now);
    const bool is_same_file = now.string() == torch["file"] && stamp["size"] == torch["size"] &&
                              stamp["modified_ns"] == torch["modified_ns"];
    if (!is_same_file)
      compare(problems, now.string(), sha256_hex_of_file(now), torch["sha256"].get<std::string>());
  }
  if (!problems.empty()) throw Error(problems);
}

}  // namespace subband::slurm
