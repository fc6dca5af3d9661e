#include "core/ops/sequence/rotation.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "core/ops/op_choice.h"
#include "core/tensors/costs/recorded.h"
#include "core/tensors/expect.h"

namespace subband {

namespace rotation_paths {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Its gradient is the rotation back, which may be differentiated again.
struct Rotation : torch::autograd::Function<Rotation> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& given, const at::Tensor& cos,
                            const at::Tensor& sin, int64_t pairing, bool back) {
    context->save_for_backward({cos, sin});
    context->saved_data["pairing"] = pairing;
    context->saved_data["back"] = back;
    const at::Tensor x = given.contiguous();
    at::Tensor y = at::empty(x.sizes(), x.options());
    const int64_t L = x.size(1), H = x.size(2), P = x.size(3) / 2;
    const float *const from = x.const_data_ptr<float>(), *const c = cos.const_data_ptr<float>(),
                *const s = sin.const_data_ptr<float>();
    float* const to = y.mutable_data_ptr<float>();
    each_chunk(x.size(0) * L, 2 * H * P, [=](int64_t first, int64_t end, int64_t) {
      for (int64_t row = first; row < end; ++row) {
        const Position position{H, P, c + row % L * P, s + row % L * P, static_cast<Pairing>(pairing), back};
        loops(position, from + row * 2 * H * P, to + row * 2 * H * P);
      }
    });
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor of_x = Rotation::apply(gradients[0], saved[0], saved[1], context->saved_data["pairing"].toInt(),
                                            !context->saved_data["back"].toBool());
    return {of_x, {}, {}, {}, {}};
  }
};

}  // namespace
}  // namespace rotation_paths

at::Tensor rotation(const at::Tensor& x_BLHK, const at::Tensor& cos_LP, const at::Tensor& sin_LP, Pairing pairing,
                    std::string_view path) {
  expect_shape("rotation", "x", x_BLHK, {kAny, kAny, kAny, 2 * cos_LP.size(-1)});
  expect_shape("rotation", "cos", cos_LP, {x_BLHK.size(1), kAny});
  expect_shape("rotation", "sin", sin_LP, {x_BLHK.size(1), cos_LP.size(1)});
  RecordedOp op("subband::rotation", {x_BLHK, cos_LP, sin_LP});
  if (!takes_loops("rotation", {x_BLHK, cos_LP, sin_LP}, path))
    return op.gives(rotation_paths::reference(x_BLHK, cos_LP, sin_LP, pairing));
  return op.gives(rotation_paths::Rotation::apply(x_BLHK, cos_LP.contiguous(), sin_LP.contiguous(),
                                                  static_cast<int64_t>(pairing), false));
}

at::Tensor rotation_paths::reference(const at::Tensor& x, const at::Tensor& cos_LP, const at::Tensor& sin_LP,
                                     Pairing pairing) {
  const at::Tensor cos = cos_LP.unsqueeze(1), sin = sin_LP.unsqueeze(1);
  if (pairing == Pairing::half) {
    const auto parts = x.chunk(2, -1);
    const at::Tensor &a = parts[0], &b = parts[1];
    return at::cat({a * cos - b * sin, b * cos + a * sin}, -1);
  }
  const at::Tensor pairs = x.unflatten(-1, {x.size(-1) / 2, 2});
  const at::Tensor a = pairs.select(-1, 0), b = pairs.select(-1, 1);
  return at::stack({a * cos - b * sin, b * cos + a * sin}, -1).flatten(-2);
}

}  // namespace subband
