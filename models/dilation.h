// A dilation: which past sample a level of the wavelet sets against the present one.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

#include "core/registry.h"
#include "models/block_context.h"
#include "models/module.h"

namespace subband {

struct MixerState;

class Dilation : public Module {
 public:
  static constexpr const char* kKind = "dilation";
  using Context = BlockContext;

  /// The past of `c` as level `level` (from 0, the finest) sees it; positions before the window are zero. Within a
  /// Continuation c goes on where the last one of that level ended.
  /// Shapes  c [B,L,C] -> [B,L,C]
  at::Tensor past(const at::Tensor& c_BLC, int64_t level);
  /// The farthest distance that a level looks back.
  virtual int64_t reach(int64_t level) const = 0;

  /// While it lives, sequences go on from `state`, which keeps the last inputs of every level: decoding.
  class Continuation {
   public:
    Continuation(Dilation& dilation, MixerState& state) : dilation_(dilation) { dilation.state_ = &state; }
    ~Continuation() { dilation_.state_ = nullptr; }
    Continuation(const Continuation&) = delete;
    Continuation& operator=(const Continuation&) = delete;

   private:
    Dilation& dilation_;
  };

 protected:
  /// `past` of a window that stands alone.
  virtual at::Tensor look_back(const at::Tensor& c_BLC, int64_t level) = 0;

 private:
  MixerState* state_ = nullptr;
};

using DilationRegistry = KindRegistry<Dilation>;

}  // namespace subband
