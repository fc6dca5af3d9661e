#include "core/tensors/expect.h"

#include <ATen/core/Tensor.h>

#include <string>

#include "core/error.h"

namespace subband {

template <class Sizes>
static std::string sizes_text(const Sizes& sizes) {
  std::string text;
  for (const int64_t size : sizes) {
    text += (text.empty() ? "" : ", ") + (size == kAny ? std::string("*") : std::to_string(size));
  }
  return "[" + text + "]";
}

void expect_shape(std::string_view part, std::string_view name, const at::Tensor& x,
                  std::initializer_list<int64_t> shape) {
  bool fits = x.defined() && x.dim() == static_cast<int64_t>(shape.size());
  int64_t axis = 0;
  for (const int64_t size : shape) {
    fits = fits && (size == kAny || x.size(axis) == size);
    ++axis;
  }
  if (fits) return;
  throw ShapeError(std::string(part), std::string(name) + ": expected " + sizes_text(shape) + ", got " +
                                          (x.defined() ? sizes_text(x.sizes()) : "nothing"));
}

}  // namespace subband
