// A dilation: which past sample a level of the wavelet sets against the present one.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>

#include "core/registry.h"
#include "models/block_context.h"
#include "models/module.h"
#include "models/state/row_buffer.h"

namespace subband {

class Dilation : public Module {
 public:
  static constexpr const char* kKind = "dilation";
  using Context = BlockContext;

  /// The past of `c` as level `level` (from 0, the finest) sees it; positions before the window are zero. With `before`
  /// c goes on from the rows there, and joins them.
  /// Shapes  c [B,L,C] -> [B,L,C]
  at::Tensor past(const at::Tensor& c_BLC, int64_t level, RowBuffer* before = nullptr);
  /// The farthest distance that a level looks back.
  virtual int64_t reach(int64_t level) const = 0;
  /// The nearest.
  virtual int64_t nearest(int64_t level) const = 0;
  /// The weights that every level has for the distances from `nearest` to `reach`, [levels, K]; undefined: 1 for the only
  /// one. Nothing where the past is no sum of rows that is the same everywhere.
  virtual std::optional<at::Tensor> taps() const { return std::nullopt; }
  /// Rows of the levels 0 to levels - 1 that going on keeps after `length` tokens.
  int64_t kept_rows(int64_t levels, int64_t length) const;

 protected:
  /// `past` of a window that stands alone.
  virtual at::Tensor look_back(const at::Tensor& c_BLC, int64_t level) = 0;
  /// `past` where all rows that it reads are there.  Shapes  [B,L + reach - nearest,C] -> [B,L,C]
  virtual at::Tensor filtered(const at::Tensor& rows_BNC, int64_t level) = 0;
};

using DilationRegistry = KindRegistry<Dilation>;

}  // namespace subband
