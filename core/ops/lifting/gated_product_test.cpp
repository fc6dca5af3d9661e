#include "core/ops/lifting/gated_product.h"

#include <torch/torch.h>

#include <cmath>
#include <limits>

#include "core/error.h"
#include "core/testing/fast_path.h"

namespace gated_product_test {
using namespace subband;

struct Form {
  int64_t scales, rows, width, rank;  // rank 0: no U and V
  bool biased;
};
static const Form kForms[] = {
    {1, 1, 1, 0, false}, {2, 67, 5, 2, true}, {3, 130, 17, 0, true}, {6, 65, 16, 3, false}};

static at::Tensor drawn(at::IntArrayRef shape, const std::string& name) {
  return at::empty(shape, at::kDouble).normal_(0, 1, stream(5, name));
}

static std::vector<at::Tensor> inputs(const Form& form) {
  std::vector<at::Tensor> all = {drawn({form.scales, form.rows, form.width}, "x")};
  const double scale = 1 / std::sqrt(static_cast<double>(form.width));
  for (int64_t s = 0; s < form.scales; ++s) {
    const std::string own = std::to_string(s);
    all.push_back(drawn({form.width, form.width}, "m" + own) * scale);
    all.push_back(drawn({form.width, form.width}, "k" + own) * scale);
    if (form.rank > 0) all.push_back(drawn({form.width, form.rank}, "u" + own) * scale);
    if (form.rank > 0) all.push_back(drawn({form.width, form.rank}, "v" + own) * scale);
    if (form.biased) all.push_back(drawn({form.width}, "b" + own));
  }
  return all;
}

static std::vector<GatedMatrices> scales_in(const Form& form, const std::vector<at::Tensor>& in) {
  std::vector<GatedMatrices> scales;
  for (size_t next = 1; next < in.size();) {
    GatedMatrices& s = scales.emplace_back(GatedMatrices{in[next], in[next + 1], {}, {}, {}});
    next += 2;
    if (form.rank > 0) s.u_WR = in[next], s.v_WR = in[next + 1], next += 2;
    if (form.biased) s.bias_W = in[next++];
  }
  return scales;
}

static testing::PathOp op_of(const Form& form, GateKind gate) {
  return [form, gate](const std::vector<at::Tensor>& in, std::string_view path) {
    return gated_product(in[0], scales_in(form, in), gate, path);
  };
}

TEST_CASE("the gated product is its definition, scale by scale", "[gated_product]") {
  const Form form{2, 3, 4, 2, true};
  const auto in = inputs(form);
  const at::Tensor y = op_of(form, GateKind::silu)(in, "reference");
  const auto scales = scales_in(form, in);
  for (int64_t s = 0; s < 2; ++s) {
    const GatedMatrices& m = scales[static_cast<size_t>(s)];
    for (int64_t n = 0; n < 3; ++n) {
      const at::Tensor x = in[0][s][n], k = m.k_WW.mv(x);
      const at::Tensor wanted = m.m_WW.mv(x) * k / (1 + (-k).exp()) + m.u_WR.mv(m.v_WR.t().mv(x)) + m.bias_W;
      CHECK(at::allclose(y[s][n], wanted, 1e-12, 1e-12));
    }
  }
}

TEST_CASE("the loops of the gated product equal the reference, forward and backward", "[gated_product]") {
  for (const Form& form : kForms) {
    CAPTURE(form.scales, form.rows, form.width, form.rank, form.biased);
    testing::check_fast_path(op_of(form, GateKind::silu), inputs(form));
  }
  for (const GateKind gate : {GateKind::sigmoid, GateKind::gelu, GateKind::relu})
    testing::check_fast_path(op_of(kForms[1], gate), inputs(kForms[1]));
  const Form none{2, 0, 4, 2, true};
  testing::check_no_rows(op_of(none, GateKind::silu), inputs(none));
}

TEST_CASE("a gate by ReLU is shut where its number is minus infinity", "[gated_product]") {
  const at::Tensor x = at::ones({1, 1, 1}), m = at::ones({1, 1});
  const at::Tensor k = at::full({1, 1}, -std::numeric_limits<float>::infinity());
  for (const char* path : {"reference", "loops"})
    CHECK(gated_product(x, {{m, k, {}, {}, {}}}, GateKind::relu, path).item<float>() == 0);
}

TEST_CASE("gradients of the gated product can be differentiated again", "[gated_product]") {
  testing::check_second_derivatives(op_of({2, 3, 4, 2, true}, GateKind::silu), inputs({2, 3, 4, 2, true}));
}

TEST_CASE("the gated product refuses scales that are not alike", "[gated_product]") {
  const Form form{2, 3, 4, 2, true};
  const auto in = inputs(form);
  auto scales = scales_in(form, in);
  scales[1].bias_W = at::Tensor();
  CHECK_THROWS_WITH(gated_product(in[0], scales, GateKind::silu),
                    "gated_product: scales: expected all of them or none with U and V, and with a bias");
  scales = scales_in(form, in);
  scales[0].v_WR = scales[1].v_WR = at::Tensor();
  CHECK_THROWS_WITH(gated_product(in[0], scales, GateKind::silu),
                    "gated_product: scales: expected all of them or none with U and V, and with a bias");
  scales = scales_in(form, in);
  scales[1].v_WR = scales[1].v_WR.narrow(1, 0, 1);
  CHECK_THROWS_WITH(gated_product(in[0], scales, GateKind::silu), "gated_product: V: expected [4, 2], got [4, 1]");
  scales = scales_in(form, in);
  scales[0].bias_W = scales[0].bias_W.narrow(0, 0, 3);
  CHECK_THROWS_WITH(gated_product(in[0], scales, GateKind::silu), "gated_product: bias: expected [4], got [3]");
}

}  // namespace gated_product_test
