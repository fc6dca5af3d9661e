// Devices. The program is linked to LibTorch's CPU half only; all that needs CUDA is in libsubband_cuda.so,
// which is loaded when a device is asked for.
#pragma once
#include <c10/core/Device.h>

#include <functional>
#include <string>
#include <string_view>

#include "core/error.h"

namespace subband {

/// The device that `trainer.device` names: `cpu`, `cuda` or `auto`. Call it before anything else asks
/// LibTorch for CUDA. `cuda` loads the object, or is refused: Error `trainer.device = cuda: <reason>`. `auto`
/// takes usable_device() and tells `say` what it chose and why, in one line.
at::Device open_device(std::string_view wanted, const std::function<void(const std::string&)>& say = {});

/// Why CUDA cannot be used here, or empty; loads the object.
std::string cuda_problem();

/// The device that `auto` stands for on this machine.
struct UsableDevice {
  std::string name;     ///< `cpu` or `cuda`
  std::string because;  ///< where it is cpu: why not cuda
};
/// Asked once, in a process of its own, so that this one may fork workers that use the device.
const UsableDevice& usable_device();
/// What a run notes of it: `device: cuda:0`, or `device: cpu, since CUDA cannot be used: …`.
std::string device_line(const UsableDevice& device);

/// A function of the loaded object. Error `PART: this program has no CUDA loaded; ...` where it is not there.
void* cuda_symbol(std::string_view part, const char* name);

/// Calls a kernel's launcher, `extern "C"` in its `.cu` and declared beside its op, by name: no program is linked to CUDA.
/// It returns null, or the sentence of the Error that this throws.
template <class Launcher, class... Arguments>
void cuda_launch(std::string_view part, const char* name, Arguments... arguments) {
  const auto launch = reinterpret_cast<Launcher*>(cuda_symbol(part, name));
  if (const char* problem = launch(arguments...))
    throw Error(std::string(part), std::string("cuda: ") + problem);
}

/// The stream that LibTorch works on now, for launchers.
void* cuda_stream(at::Device device);

}  // namespace subband
