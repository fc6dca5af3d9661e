// libFuzzer: any bytes are a YAML tree, or are refused; what is read is written and read again as the same tree.
#include <cstdlib>

#include "core/config/interpolation.h"
#include "core/config/yaml.h"
#include "core/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace subband;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    config::Warnings warnings;
    const config::Node tree = config::parse_yaml(text, "fuzz.yaml", &warnings);
    if (!(config::parse_yaml(config::to_yaml(tree), "again.yaml") == tree)) std::abort();
    config::check_interpolations(tree);
    config::Interpolator(tree).resolve();
  } catch (const Error&) {
  }
  return 0;
}
