#include "core/ops/sequence/token_attention.h"

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/softmax.h>

#include <string>
#include <vector>

#include "core/error.h"
#include "core/ops/op_choice.h"
#include "core/ops/op_paths.h"
#include "core/tensors/costs/recorded.h"
#include "core/tensors/device.h"
#include "core/tensors/expect.h"

namespace subband {

namespace paths = token_attention_paths;

// Rows of each group one behind the other, wherever the groups stand.
static bool has_whole_rows(const at::Tensor& x) { return x.stride(3) == 1 && x.stride(2) == x.size(3); }

static bool takes_kernel(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  const auto fits = [&](const at::Tensor& x) { return x.device() == q.device() && x.scalar_type() == q.scalar_type(); };
  return q.is_cuda() && cuda_value_type(q.scalar_type()) >= 0 && fits(k) && fits(v) && has_whole_rows(k) &&
         has_whole_rows(v) && v.size(3) <= paths::kMostCudaValueWidth && !is_recorded({q, k, v});
}

static bool takes_loops(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  return q.is_cpu() && k.is_cpu() && v.is_cpu() && q.scalar_type() == at::kFloat &&
         k.scalar_type() == at::kFloat && v.scalar_type() == at::kFloat && has_whole_rows(k) &&
         has_whole_rows(v) && !is_recorded({q, k, v});
}

// Why neither loops nor kernel take them; asked where that is so.
static std::string why_reference(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  const bool on_cuda = q.is_cuda();
  if (!on_cuda && !q.is_cpu()) return "no kernel for " + q.device().str();
  for (const at::Tensor& x : {q, k, v}) {
    if (x.device() != q.device()) return "tensors on " + q.device().str() + " and " + x.device().str();
    if (on_cuda ? cuda_value_type(x.scalar_type()) < 0 : x.scalar_type() != at::kFloat)
      return std::string(c10::toString(x.scalar_type())) +
             (on_cuda ? ": the kernel takes fp32, fp16 and bf16" : ": the loops take fp32");
    if (x.scalar_type() != q.scalar_type()) return "unlike types: the kernel takes one";
  }
  if (is_recorded({q, k, v})) return "a gradient is recorded";
  if (!has_whole_rows(k) || !has_whole_rows(v)) return "keys or values whose rows are not one behind the other";
  return "values of " + std::to_string(v.size(3)) + ": the kernel takes at most " +
         std::to_string(paths::kMostCudaValueWidth);
}

static at::Tensor by_loops(const at::Tensor& q_BGRK, const at::Tensor& k, const at::Tensor& v, double scale) {
  const at::Tensor q = q_BGRK.contiguous();
  const int64_t B = q.size(0), G = q.size(1), R = q.size(2), T = k.size(2);
  const paths::Extent extent{R, T, k.size(3), v.size(3)};
  at::Tensor y = at::empty({B, G, R, v.size(3)}, q.options());
  const auto group_of = [G](const at::Tensor& x, int64_t i) {
    return x.data_ptr<float>() + i / G * x.stride(0) + i % G * x.stride(1);
  };
  at::parallel_for(0, B * G, 1, [&](int64_t first, int64_t end) {
    std::vector<float> scores(static_cast<size_t>(R * (T + 1)));
    for (int64_t i = first; i < end; ++i)
      paths::attend(extent, {group_of(q, i), group_of(k, i), group_of(v, i), group_of(y, i)},
                    static_cast<float>(scale), scores.data());
  });
  return y;
}

static at::Tensor by_kernel(const at::Tensor& q_BGRK, const at::Tensor& k, const at::Tensor& v, double scale) {
  const at::Tensor q = q_BGRK.contiguous();
  at::Tensor y = at::empty({q.size(0), q.size(1), q.size(2), v.size(3)}, q.options());
  const SubbandTokenAttention attention{.sequences = q.size(0),
                                        .groups = q.size(1),
                                        .queries = q.size(2),
                                        .keys = k.size(2),
                                        .key_width = k.size(3),
                                        .value_width = v.size(3),
                                        .k_strides = {k.stride(0), k.stride(1)},
                                        .v_strides = {v.stride(0), v.stride(1)},
                                        .scale = static_cast<float>(scale),
                                        .type = cuda_value_type(q.scalar_type()),
                                        .stream = cuda_stream(q.device())};
  cuda_launch<decltype(subband_cuda_token_attention)>("token_attention", "subband_cuda_token_attention", &attention,
                                                      q.const_data_ptr(), k.const_data_ptr(), v.const_data_ptr(),
                                                      y.mutable_data_ptr());
  return y;
}

at::Tensor token_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, double scale,
                           std::string_view path) {
  expect_shape("token_attention", "q", q, {kAny, kAny, kAny, kAny});
  expect_shape("token_attention", "k", k, {q.size(0), q.size(1), kAny, q.size(3)});
  expect_shape("token_attention", "v", v, {q.size(0), q.size(1), k.size(2), kAny});
  RecordedOp op("subband::token_attention", {q, k, v});
  const bool fits = takes_loops(q, k, v), fits_kernel = takes_kernel(q, k, v);
  const std::string asked = op_path("token_attention", path);
  const std::string chosen = asked != "auto" ? asked : fits ? "loops" : fits_kernel ? "cuda" : "reference";
  if (chosen == "reference") {
    count_op("token_attention", chosen, asked != "auto" ? "forced" : why_reference(q, k, v));
    return op.gives(paths::reference(q, k, v, scale));
  }
  if (fits_kernel && chosen == "cuda") {
    count_op("token_attention", chosen);
    return op.gives(by_kernel(q, k, v, scale));
  }
  if (fits && chosen == "loops") {
    count_op("token_attention", chosen);
    return op.gives(by_loops(q, k, v, scale));
  }
  throw ShapeError("token_attention", "path = " + chosen +
                                          ": must be auto, reference, loops (CPU, fp32) or cuda (CUDA, fp32, fp16 or bf16, values of at most " +
                                          std::to_string(paths::kMostCudaValueWidth) + "), whole rows, no gradient");
}

at::Tensor paths::reference(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, double scale) {
  const at::Tensor scores = at::matmul(q.mul(scale), k.transpose(-1, -2));
  const at::ScalarType wide = scores.element_size() < 4 ? at::kFloat : scores.scalar_type();
  return at::matmul(at::softmax(scores, -1, wide).to(v.scalar_type()), v);
}

}  // namespace subband
