// What LibTorch's C++ lacks on the meta device. Most operators know the shape of their answer without weights; a few
// do so in its Python half alone. With these a step of a net of any size costs no memory.
#pragma once
#include <memory>

namespace torch {
class Library;
}

namespace subband {

/// Adds the missing operators for as long as it lives: selecting and putting by index, choosing, the gradient of an
/// embedding, layer norm, convolution, Fourier transforms, running maxima, relu, flip.
class MetaOperators {
 public:
  MetaOperators();
  ~MetaOperators();
  MetaOperators(const MetaOperators&) = delete;
  MetaOperators& operator=(const MetaOperators&) = delete;

 private:
  std::unique_ptr<torch::Library> library_;
};

}  // namespace subband
