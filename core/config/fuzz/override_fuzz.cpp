// libFuzzer: any word is an override, or is refused; its value, written again, reads back as the same value.
#include <cstdlib>

#include "core/config/interpolation.h"
#include "core/config/override.h"
#include "core/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace subband;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const config::Override word = config::parse_override(text);
    if (word.sweep) {
      config::expand(word);
    } else if (!word.edit && !config::may_interpolate(text)) {
      const std::string written = config::override_text(word.value);
      if (!(config::parse_override("k=" + written).value == word.value)) std::abort();
    }
  } catch (const Error&) {
  }
  return 0;
}
