// Mixed precision for one forward pass.
#pragma once
#include <string>

namespace subband {

/// `bf16`: while it lives, LibTorch runs matrix products on CUDA in bfloat16 over fp32 weights. `fp32`: nothing.
class Autocast {
 public:
  explicit Autocast(const std::string& precision);
  ~Autocast();
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  bool on_;
};

}  // namespace subband
