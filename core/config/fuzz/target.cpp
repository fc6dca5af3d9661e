// Where libFuzzer calls one law, SUBBAND_LAW.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "core/config/fuzz/laws.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string broken = subband::fuzz::SUBBAND_LAW({reinterpret_cast<const char*>(data), size});
  if (broken.empty()) return 0;
  std::fprintf(stderr, "%s\n", broken.c_str());
  std::abort();
}
