#include "core/tensors/autocast.h"

#include <ATen/Context.h>
#include <ATen/autocast_mode.h>

namespace subband {

Autocast::Autocast(const std::string& precision) : on_(precision == "bf16" || precision == "fp16") {
  if (!on_) return;
  at::autocast::set_autocast_dtype(at::kCUDA, precision == "bf16" ? at::kBFloat16 : at::kHalf);
  at::autocast::set_autocast_enabled(at::kCUDA, true);
  at::autocast::increment_nesting();
}

Autocast::~Autocast() {
  if (!on_) return;
  // The cache holds casts of the weights, which the next step changes.
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(at::kCUDA, false);
}

void set_fp32_products(const std::string& precision) {
  const bool are_short = precision == "tf32";
  at::globalContext().setAllowTF32CuBLAS(are_short);
  at::globalContext().setAllowTF32CuDNN(are_short);
}

}  // namespace subband
