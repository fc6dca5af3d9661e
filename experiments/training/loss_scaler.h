// Loss scaling: gradients of scale · loss, so that those of half precision do not vanish, and no step where they
// overflow.
//   overflow               scale ← scale / 2, the step is left out
//   2000 steps without     scale ← 2 · scale
// Source  PyTorch's GradScaler with its default settings; Micikevicius et al. 2018, arXiv 1710.03740
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

namespace subband {

class LossScaler {
 public:
  double scale() const { return scale_; }
  int64_t skipped() const { return skipped_; }  ///< steps left out so far
  /// After every step: whether a gradient was infinite or no number.
  void update(bool has_overflowed);
  /// Below 1 the scale shrinks gradients that no half precision has made too large: the loss itself is lost.
  bool is_lost() const { return scale_ < 1; }

  /// For checkpoints: [3] float64.
  at::Tensor state() const;
  void load(const at::Tensor& state);

 private:
  double scale_ = 65536;
  int64_t clean_ = 0;  // steps since the scale last changed
  int64_t skipped_ = 0;
};

}  // namespace subband
