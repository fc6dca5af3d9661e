// Precision of products on CUDA: of one forward pass, and of those in fp32.
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

/// From now on products of fp32 matrices and convolutions on CUDA are computed in TF32 (10 bits of fraction) where
/// `precision` is `tf32`, in fp32 proper for every other word. Of the whole process; the CPU ignores it.
void set_fp32_products(const std::string& precision);

}  // namespace subband
