// Shapes are checked where data enters a part, with one line that a person can act on.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace at {
class Tensor;
}

namespace subband {

/// Any size of a dimension; printed as `*`.
inline constexpr int64_t kAny = -1;

/// ShapeError `PART: NAME: expected [*, *, 64], got [2, 16, 32]` unless `x` has exactly this shape.
void expect_shape(std::string_view part, std::string_view name, const at::Tensor& x,
                  std::initializer_list<int64_t> shape);

}  // namespace subband
