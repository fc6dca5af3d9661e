#include "models/pass.h"

#include <string>

#include "core/error.h"

namespace subband {

void expect_pass(std::string_view part, const at::Tensor& x_BLD, const Pass& pass, int64_t width) {
  expect_shape(part, "x", x_BLD, {pass.batch(), kAny, width});
  if (!pass.keep_BL.defined()) return;
  expect_shape(part, "keep", pass.keep_BL, {x_BLD.size(0), x_BLD.size(1)});
  if (pass.state != nullptr) throw ShapeError(std::string(part), "keep: padding has no place in a sequence that goes on");
}

void refuse_state(std::string_view part, const Pass& pass) {
  if (pass.state == nullptr) return;
  throw ShapeError(std::string(part), "state: this one reads whole windows and cannot go on from a past");
}

}  // namespace subband
