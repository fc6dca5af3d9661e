// Initial weights of parameters. Every draw comes from one generator in the order asked, so the same seed gives
// the same weights bit for bit; on the meta device nothing is allocated and nothing drawn.
#pragma once
#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>
#include <c10/util/ArrayRef.h>

#include <cstdint>

namespace subband {

class Initializer {
 public:
  /// Draws on the CPU from `generator`, as the default generator of PyTorch would.
  explicit Initializer(at::Generator generator);
  /// Shapes only.
  static Initializer meta();

  at::Tensor empty(at::IntArrayRef shape) const;  ///< fp32; the four below too
  at::Tensor zeros(at::IntArrayRef shape) const;
  at::Tensor full(at::IntArrayRef shape, double value) const;
  at::Tensor eye(int64_t rows, int64_t columns) const;
  at::Tensor normal(at::IntArrayRef shape, double mean, double deviation);
  at::Tensor uniform(at::IntArrayRef shape, double low, double high);
  void normal_(const at::Tensor& tensor, double mean, double deviation);  ///< redraws in place
  void uniform_(const at::Tensor& tensor, double low, double high);
  bool is_meta() const { return device_.is_meta(); }

 private:
  Initializer() : device_(at::kMeta) {}
  at::Generator generator_;
  at::Device device_ = at::kCPU;
};

}  // namespace subband
