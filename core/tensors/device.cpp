#include "core/tensors/device.h"

#include <ATen/Context.h>
#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <optional>

#include "core/error.h"
#include "core/ops/cuda_object.h"

namespace subband {

namespace fs = std::filesystem;

static constexpr const char* kObjectName = "libsubband_cuda.so";

// Beside the program, or one folder up: test programs stand one folder deeper.
static std::optional<fs::path> object_path() {
  std::error_code none;
  const fs::path folder = fs::read_symlink("/proc/self/exe", none).parent_path();
  for (const fs::path& place : {folder / kObjectName, folder.parent_path() / kObjectName}) {
    if (fs::exists(place, none)) return place;
  }
  return {};
}

std::string cuda_problem() {
  if (dlsym(RTLD_DEFAULT, "subband_cuda_problem") == nullptr) {
    const std::optional<fs::path> path = object_path();
    if (!path) return "this build has no libsubband_cuda.so; configure with -DSUBBAND_CUDA=ON";
    if (dlopen(path->c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr) return dlerror();
  }
  const auto problem =
      reinterpret_cast<decltype(&subband_cuda_problem)>(cuda_symbol("device", "subband_cuda_problem"));
  if (const char* reason = problem()) return reason;
  // LibTorch looks for its CUDA half once; who asked before the object was loaded has settled the answer.
  if (!at::hasCUDA()) return "LibTorch was asked for CUDA before the object was loaded";
  return {};
}

// What a process of its own says of CUDA: a driver that this one has started would be lost to its children.
static std::string cuda_problem_apart() {
  if (dlsym(RTLD_DEFAULT, "subband_cuda_problem") != nullptr || !object_path()) return cuda_problem();
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) throw Error("device", "no pipe to ask for CUDA");
  const pid_t child = ::fork();
  if (child < 0) throw Error("device", "no process to ask for CUDA");
  if (child == 0) {
    const std::string problem = cuda_problem();
    const ssize_t written = ::write(ends[1], problem.data(), problem.size());
    ::_exit(written == static_cast<ssize_t>(problem.size()) ? 0 : 1);
  }
  ::close(ends[1]);
  std::string problem;
  std::array<char, 1024> buffer{};
  for (ssize_t size = 0; (size = ::read(ends[0], buffer.data(), buffer.size())) > 0;)
    problem.append(buffer.data(), static_cast<size_t>(size));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  const bool ended_well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  return ended_well || !problem.empty() ? problem : "asking for it ended its process";
}

const UsableDevice& usable_device() {
  static const UsableDevice device = [] {
    const std::string problem = cuda_problem_apart();
    return problem.empty() ? UsableDevice{.name = "cuda"} : UsableDevice{.name = "cpu", .because = problem};
  }();
  return device;
}

std::string device_line(const UsableDevice& device) {
  if (device.because.empty()) return "device: cuda:0";
  return "device: cpu, since CUDA cannot be used: " + device.because;
}

at::Device open_device(std::string_view wanted, const std::function<void(const std::string&)>& say) {
  if (wanted == "cpu") return at::kCPU;
  if (wanted != "cuda" && wanted != "auto") {
    throw ConfigError("", "trainer.device = " + std::string(wanted) + ": must be cpu, cuda or auto",
                      "bad_value");
  }
  if (wanted == "auto") {
    const UsableDevice& usable = usable_device();
    if (say) say(device_line(usable));
    return open_device(usable.name);
  }
  if (const std::string problem = cuda_problem(); !problem.empty())
    throw Error("", "trainer.device = cuda: " + problem);
  return at::Device(at::kCUDA, 0);
}

void* cuda_symbol(std::string_view part, const char* name) {
  if (void* symbol = dlsym(RTLD_DEFAULT, name)) return symbol;
  throw Error(std::string(part),
              "this program has no CUDA loaded; build libsubband_cuda.so with -DSUBBAND_CUDA=ON "
              "and ask for the device");
}

void* cuda_stream(at::Device device) {
  const auto stream =
      reinterpret_cast<decltype(&subband_cuda_stream)>(cuda_symbol("device", "subband_cuda_stream"));
  return stream(device.has_index() ? device.index() : 0);
}

}  // namespace subband
