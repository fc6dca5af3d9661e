#include "core/tensors/device.h"

#include <ATen/Context.h>
#include <dlfcn.h>

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

at::Device open_device(std::string_view wanted, const std::function<void(const std::string&)>& say) {
  if (wanted == "cpu") return at::kCPU;
  if (wanted != "cuda" && wanted != "auto") {
    throw ConfigError("", "trainer.device = " + std::string(wanted) + ": must be cpu, cuda or auto",
                      "bad_value");
  }
  const std::string problem = cuda_problem();
  if (problem.empty()) {
    if (say && wanted == "auto") say("device: cuda:0");
    return at::Device(at::kCUDA, 0);
  }
  if (wanted == "cuda") throw Error("", "trainer.device = cuda: " + problem);
  if (say) say("device: cpu, since CUDA cannot be used: " + problem);
  return at::kCPU;
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
