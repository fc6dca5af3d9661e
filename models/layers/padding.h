// Padded tokens: they stand on the right and are masked.
#pragma once
#include <ATen/core/Tensor.h>

#include <string_view>

namespace subband {

/// `x` with zeros at padded tokens, even where it is NaN; `x` itself where `keep` is undefined.
/// Shapes  x [B,L,...], keep [B,L] bool, true = real token
at::Tensor masked(const at::Tensor& x_BL, const at::Tensor& keep_BL);

/// Nothing where `keep` is undefined; else ShapeError naming `part` unless it is [B,L] as x is and padding stands last.
void expect_right_padding(std::string_view part, const at::Tensor& keep_BL, const at::Tensor& x_BL);

/// How many tokens of each sequence are real, [B] int64. ShapeError naming `part` when one stands right of
/// padding.
at::Tensor real_lengths(std::string_view part, const at::Tensor& keep_BL);

}  // namespace subband
