#include "core/ops/lifting/gated_product.h"

#include <ATen/ATen.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "core/error.h"
#include "core/ops/op_choice.h"
#include "core/tensors/costs/recorded.h"
#include "core/tensors/expect.h"

namespace subband {

namespace gated_product_paths {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Which of the five tensors there are, and how a flat list of those of all scales is read.
struct GatedForm {
  bool low_rank, biased;

  size_t count() const { return 2 + (low_rank ? 2 : 0) + (biased ? 1 : 0); }
  void list(variable_list& all, const GatedMatrices& s) const {
    all.insert(all.end(), {s.m_WW, s.k_WW});
    if (low_rank) all.insert(all.end(), {s.u_WR, s.v_WR});
    if (biased) all.push_back(s.bias_W);
  }
  GatedMatrices scale(at::TensorList all, size_t index) const {
    const at::TensorList own = all.slice(index * count(), count());
    GatedMatrices s{own[0], own[1], {}, {}, {}};
    if (low_rank) s.u_WR = own[2], s.v_WR = own[3];
    if (biased) s.bias_W = own.back();
    return s;
  }
};

at::Tensor rows_of(const at::Tensor& x_SW) {  // [S,N,W]
  return x_SW.reshape({x_SW.size(0), -1, x_SW.size(-1)}).contiguous();
}

// M over K of every scale, so that one product serves both.  Shapes  -> [S,2W,W]
at::Tensor side_by_side(at::TensorList matrices, const GatedForm& form) {
  const int64_t columns = matrices[0].size(0), size = columns * columns;
  const auto scales = static_cast<int64_t>(matrices.size() / form.count());
  at::Tensor all = at::empty({scales, 2 * columns, columns}, matrices[0].options());
  float* to = all.mutable_data_ptr<float>();
  for (int64_t i = 0; i < scales; ++i) {
    const GatedMatrices s = form.scale(matrices, static_cast<size_t>(i));
    for (const at::Tensor& each : {s.m_WW.contiguous(), s.k_WW.contiguous()})
      to = std::copy_n(each.const_data_ptr<float>(), size, to);
  }
  return all;
}

void gate_scale(const at::Tensor& mk_NW, const at::Tensor& bias_W, GateKind gate, at::Tensor y_NW) {
  const int64_t columns = y_NW.size(1);
  const at::Tensor bias = bias_W.defined() ? bias_W.contiguous() : bias_W;
  const float* const mk = mk_NW.const_data_ptr<float>();
  const float* const b = bias.defined() ? bias.const_data_ptr<float>() : nullptr;
  float* const y = y_NW.mutable_data_ptr<float>();
  each_chunk(y_NW.size(0), columns, [=](int64_t first, int64_t end, int64_t) {
    gated_product_paths::gate_rows({end - first, columns}, gate, mk + 2 * first * columns, b,
                                   y + first * columns);
  });
}

// Returns the sums of the rows of g.
at::Tensor gate_scale_backward(const at::Tensor& mk_NW, GateKind gate, const at::Tensor& g_NW,
                               at::Tensor& of_mk_NW) {
  const int64_t columns = g_NW.size(1);
  const float *const mk = mk_NW.const_data_ptr<float>(), *const g = g_NW.const_data_ptr<float>();
  float* const of_mk = of_mk_NW.mutable_data_ptr<float>();
  return each_chunk_with_sums(g_NW.size(0), columns, columns, [=](int64_t first, int64_t end, float* sums) {
    gated_product_paths::gate_rows_backward({end - first, columns}, gate, mk + 2 * first * columns,
                                            g + first * columns, of_mk + 2 * first * columns, sums);
  });
}

struct GatedProduct : torch::autograd::Function<GatedProduct> {
  // Without `keeps` the products of all scales take one place, after the other.
  static at::Tensor forward(AutogradContext* context, const at::Tensor& given_SNW, at::TensorList matrices,
                            const GatedForm& form, GateKind gate, bool keeps) {
    const at::AutoDispatchBelowADInplaceOrView below;
    const at::Tensor x = rows_of(given_SNW);
    const int64_t scales = x.size(0), rows = x.size(1), columns = x.size(2);
    at::Tensor mk = at::empty({keeps ? scales : 1, rows, 2 * columns}, x.options()), y = at::empty_like(x);
    const at::Tensor both = side_by_side(matrices, form);
    for (int64_t i = 0; i < scales; ++i) {
      const GatedMatrices s = form.scale(matrices, static_cast<size_t>(i));
      at::Tensor own = mk.select(0, keeps ? i : 0), out = y.select(0, i);
      const at::Tensor in = x.select(0, i);
      at::mm_out(own, in, both.select(0, i).t());
      gate_scale(own, s.bias_W, gate, out);
      if (form.low_rank) out.addmm_(at::mm(in, s.v_WR), s.u_WR.t());
    }
    variable_list saved = {given_SNW, mk, both};
    saved.insert(saved.end(), matrices.begin(), matrices.end());
    context->save_for_backward(std::move(saved));
    context->saved_data["low_rank"] = form.low_rank;
    context->saved_data["biased"] = form.biased;
    context->saved_data["gate"] = static_cast<int64_t>(gate);
    return y.view(given_SNW.sizes());
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::TensorList matrices = at::TensorList(saved).slice(3);
    const GatedForm form{context->saved_data["low_rank"].toBool(), context->saved_data["biased"].toBool()};
    const auto gate = static_cast<GateKind>(context->saved_data["gate"].toInt());
    variable_list all;
    if (c10::GradMode::is_enabled()) {
      variable_list inputs = {saved[0]};
      inputs.insert(inputs.end(), matrices.begin(), matrices.end());
      const auto reference = [&](const variable_list& in) {
        std::vector<GatedMatrices> scales;
        for (size_t i = 0; i < matrices.size() / form.count(); ++i)
          scales.push_back(form.scale(at::TensorList(in).slice(1), i));
        return gated_product_paths::reference(in[0], scales, gate);
      };
      all = gradients_again(reference, inputs, gradients[0]);
    } else {
      const at::AutoDispatchBelowADInplaceOrView below;
      all = back({rows_of(saved[0]), saved[1], saved[2], rows_of(gradients[0])}, matrices, form, gate);
      all[0] = all[0].view(saved[0].sizes());
    }
    all.resize(all.size() + 3);  // of form, gate and keeps
    return all;
  }

  struct Values {
    at::Tensor x, mk, both, g;
  };
  static variable_list back(const Values& v, at::TensorList matrices, const GatedForm& form, GateKind gate) {
    const int64_t columns = v.x.size(2);
    at::Tensor of_x = at::empty_like(v.x), of_mk = at::empty({v.x.size(1), 2 * columns}, v.x.options());
    variable_list all = {of_x};
    for (int64_t i = 0; i < v.x.size(0); ++i) {
      const GatedMatrices s = form.scale(matrices, static_cast<size_t>(i));
      const at::Tensor x = v.x.select(0, i), g = v.g.select(0, i);
      at::Tensor out = of_x.select(0, i);
      const at::Tensor sums = gate_scale_backward(v.mk.select(0, i), gate, g, of_mk);
      at::mm_out(out, of_mk, v.both.select(0, i));
      const at::Tensor of_both = at::mm(of_mk.t(), x);
      GatedMatrices found{of_both.narrow(0, 0, columns), of_both.narrow(0, columns, columns), {}, {}, {}};
      if (form.low_rank) {
        const at::Tensor of_low = at::mm(g, s.u_WR);
        found.u_WR = at::mm(g.t(), at::mm(x, s.v_WR));
        found.v_WR = at::mm(x.t(), of_low);
        out.addmm_(of_low, s.v_WR.t());
      }
      if (form.biased) found.bias_W = sums;
      form.list(all, found);
    }
    return all;
  }
};

at::Tensor act(const at::Tensor& x, GateKind gate) {
  switch (gate) {
    case GateKind::sigmoid:
      return at::sigmoid(x);
    case GateKind::silu:
      return at::silu(x);
    case GateKind::gelu:
      return at::gelu(x);
    case GateKind::relu:
      break;
  }
  return at::relu(x);
}

}  // namespace
}  // namespace gated_product_paths

at::Tensor gated_product(const at::Tensor& x_SNW, const std::vector<GatedMatrices>& scales, GateKind gate,
                         std::string_view path) {
  using namespace gated_product_paths;
  const auto count = static_cast<int64_t>(scales.size());
  if (count == 0 || x_SNW.dim() < 3 || x_SNW.size(0) != count)
    throw ShapeError("gated_product", "x: expected as many scales as there are matrices, and rows of them");
  const int64_t width = x_SNW.size(-1);
  for (const GatedMatrices& s : scales) {
    expect_shape("gated_product", "M", s.m_WW, {width, width});
    expect_shape("gated_product", "K", s.k_WW, {width, width});
    if (s.u_WR.defined() != scales[0].u_WR.defined() || s.v_WR.defined() != s.u_WR.defined() ||
        s.bias_W.defined() != scales[0].bias_W.defined())
      throw ShapeError("gated_product", "scales: expected all of them or none with U and V, and with a bias");
    if (s.u_WR.defined()) {
      expect_shape("gated_product", "U", s.u_WR, {width, &s == &scales[0] ? kAny : scales[0].u_WR.size(1)});
      expect_shape("gated_product", "V", s.v_WR, {width, scales[0].u_WR.size(1)});
    }
    if (s.bias_W.defined()) expect_shape("gated_product", "bias", s.bias_W, {width});
  }
  const GatedForm form{scales[0].u_WR.defined(), scales[0].bias_W.defined()};
  variable_list matrices;
  for (const GatedMatrices& s : scales) form.list(matrices, s);
  variable_list all = matrices;
  all.push_back(x_SNW);
  RecordedOp op("subband::gated_product", all);
  if (!takes_loops("gated_product", all, path))
    return op.gives(gated_product_paths::reference(x_SNW, scales, gate));
  return op.gives(GatedProduct::apply(x_SNW, at::TensorList(matrices), form, gate, is_recorded(all)));
}

at::Tensor gated_product_paths::reference(const at::Tensor& x_SW, const std::vector<GatedMatrices>& scales,
                                          GateKind gate) {
  const auto stacked = [&](at::Tensor GatedMatrices::*member) {
    std::vector<at::Tensor> all;
    for (const GatedMatrices& s : scales) all.push_back(s.*member);
    return at::stack(all);
  };
  const at::Tensor x_SNW = x_SW.flatten(1, -2);
  at::Tensor y = at::bmm(x_SNW, stacked(&GatedMatrices::m_WW).transpose(1, 2));
  y = y * act(at::bmm(x_SNW, stacked(&GatedMatrices::k_WW).transpose(1, 2)), gate);
  if (scales[0].u_WR.defined()) {
    const at::Tensor low = at::bmm(x_SNW, stacked(&GatedMatrices::v_WR));
    y = at::baddbmm(y, low, stacked(&GatedMatrices::u_WR).transpose(1, 2));
  }
  if (scales[0].bias_W.defined()) y = y + stacked(&GatedMatrices::bias_W).unsqueeze(1);
  return y.view(x_SW.sizes());
}

}  // namespace subband
