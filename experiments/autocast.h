// Mixed precision for one forward pass.
#pragma once
#include <string>

namespace subband {

/// `bf16`, `fp16`: while it lives, LibTorch runs matrix products on CUDA in that type over fp32 weights; the CPU computes
/// in fp32 all the same. `fp32`, `tf32`: nothing.
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
