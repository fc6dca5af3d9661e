#include "core/ops/sequence/token_attention.h"

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/softmax.h>
#include <c10/core/GradMode.h>

#include "core/error.h"
#include "core/ops/op_paths.h"
#include "core/tensors/expect.h"

namespace subband {

namespace paths = token_attention_paths;

// Rows of each group one behind the other, wherever the groups stand.
static bool has_whole_rows(const at::Tensor& x) { return x.stride(3) == 1 && x.stride(2) == x.size(3); }

static bool takes_loops(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  const bool recorded =
      c10::GradMode::is_enabled() && (q.requires_grad() || k.requires_grad() || v.requires_grad());
  return q.is_cpu() && q.scalar_type() == at::kFloat && k.scalar_type() == at::kFloat &&
         v.scalar_type() == at::kFloat && has_whole_rows(k) && has_whole_rows(v) && !recorded;
}

static at::Tensor by_loops(const at::Tensor& q_BGRK, const at::Tensor& k, const at::Tensor& v, double scale) {
  const at::Tensor q = q_BGRK.mul(scale).contiguous();
  const int64_t B = q.size(0), G = q.size(1), R = q.size(2), T = k.size(2);
  const paths::Extent extent{R, T, k.size(3), v.size(3)};
  at::Tensor s = at::empty({B, G, R, T}, q.options()), y = at::empty({B, G, R, v.size(3)}, q.options());
  const auto group_of = [G](const at::Tensor& x, int64_t i) {
    return x.data_ptr<float>() + i / G * x.stride(0) + i % G * x.stride(1);
  };
  at::parallel_for(0, B * G, 1, [&](int64_t first, int64_t end) {
    for (int64_t i = first; i < end; ++i) paths::scores(extent, group_of(q, i), group_of(k, i), group_of(s, i));
  });
  const at::Tensor w = at::softmax(s, -1);
  at::parallel_for(0, B * G, 1, [&](int64_t first, int64_t end) {
    for (int64_t i = first; i < end; ++i) paths::sums(extent, group_of(w, i), group_of(v, i), group_of(y, i));
  });
  return y;
}

at::Tensor token_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, double scale,
                           std::string_view path) {
  expect_shape("token_attention", "q", q, {kAny, kAny, kAny, kAny});
  expect_shape("token_attention", "k", k, {q.size(0), q.size(1), kAny, q.size(3)});
  expect_shape("token_attention", "v", v, {q.size(0), q.size(1), k.size(2), kAny});
  const bool fits = takes_loops(q, k, v);
  const std::string asked = op_path("token_attention", path);
  const std::string chosen = asked != "auto" ? asked : fits ? "loops" : "reference";
  if (chosen == "reference") {
    count_op("token_attention", chosen, asked != "auto" ? "forced" : "the loops take fp32 on the CPU, no gradient");
    return paths::reference(q, k, v, scale);
  }
  if (fits && chosen == "loops") {
    count_op("token_attention", chosen);
    return by_loops(q, k, v, scale);
  }
  throw ShapeError("token_attention", "path = " + chosen +
                                          ": must be auto, reference or loops (CPU, fp32, whole rows, no gradient)");
}

at::Tensor paths::reference(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, double scale) {
  const at::Tensor scores = at::matmul(q.mul(scale), k.transpose(-1, -2));
  const at::ScalarType wide = scores.element_size() < 4 ? at::kFloat : scores.scalar_type();
  return at::matmul(at::softmax(scores, -1, wide).to(v.scalar_type()), v);
}

}  // namespace subband
