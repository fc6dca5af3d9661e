#include "core/tensors/device.h"

#include <torch/torch.h>

#include <iostream>

#include "core/error.h"
#include "core/testing/catch.h"

using namespace subband;

TEST_CASE("the CPU is there without a question", "[device]") { CHECK(open_device("cpu").is_cpu()); }

TEST_CASE("a device of another name is refused", "[device]") {
  CHECK_THROWS_WITH(open_device("gpu"), "trainer.device = gpu: must be cpu, cuda or auto");
  CHECK_THROWS_AS(open_device("gpu"), ConfigError);
}

TEST_CASE("asking for CUDA gives it or the reason, never another device", "[device]") {
  const std::string problem = cuda_problem();
  if (problem.empty()) {
    CHECK(open_device("cuda").is_cuda());
  } else {
    CHECK_THROWS_WITH(open_device("cuda"), "trainer.device = cuda: " + problem);
  }
}

TEST_CASE("auto says what it chose", "[device]") {
  std::string said;
  const at::Device device = open_device("auto", [&](const std::string& line) { said = line; });
  const std::string problem = cuda_problem();
  CHECK(device.is_cuda() == problem.empty());
  CHECK(said == (problem.empty() ? "device: cuda:0" : "device: cpu, since CUDA cannot be used: " + problem));
}

TEST_CASE("a kernel that is not loaded is named by the part that wanted it", "[device]") {
  CHECK_THROWS_WITH(
      cuda_symbol("fwht", "subband_cuda_no_such_kernel"),
      "fwht: this program has no CUDA loaded; build libsubband_cuda.so with -DSUBBAND_CUDA=ON and ask "
      "for the device");
}
