#include "core/tensors/meta_operators.h"

#include <ATen/ATen.h>
#include <ATen/ExpandUtils.h>
#include <torch/library.h>

namespace subband {

namespace {

using at::IntArrayRef;
using at::Tensor;
using Sizes = std::vector<int64_t>;
using MaybeTensor = std::optional<Tensor>;

Tensor index_select(const Tensor& x, int64_t axis, const Tensor& index) {
  Sizes sizes = x.sizes().vec();
  if (!sizes.empty()) sizes[static_cast<size_t>(at::maybe_wrap_dim(axis, x.dim()))] = index.numel();
  return x.new_empty(sizes);
}

Tensor& index_put(Tensor& x, const c10::List<MaybeTensor>&, const Tensor&, bool, bool) { return x; }

Tensor embedding_backward(const Tensor& gradient, const Tensor&, int64_t rows, int64_t, bool) {
  return gradient.new_empty({rows, gradient.size(-1)});
}

std::tuple<Tensor, Tensor, Tensor> layer_norm(const Tensor& x, IntArrayRef axes, const MaybeTensor&,
                                              const MaybeTensor&, double) {
  Sizes moments = x.sizes().vec();
  std::fill(moments.end() - static_cast<std::ptrdiff_t>(axes.size()), moments.end(), 1);
  return {at::empty_like(x), x.new_empty(moments), x.new_empty(moments)};
}

std::tuple<Tensor, Tensor, Tensor> layer_norm_backward(const Tensor&, const Tensor& x, IntArrayRef,
                                                       const Tensor&, const Tensor&,
                                                       const MaybeTensor& weight, const MaybeTensor& bias,
                                                       std::array<bool, 3>) {
  const auto like = [](const MaybeTensor& y) { return y && y->defined() ? at::empty_like(*y) : Tensor(); };
  return {at::empty_like(x), like(weight), like(bias)};
}

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  const auto sizes = at::infer_size(condition.sizes(), at::infer_size(a.sizes(), b.sizes()));
  return a.new_empty(sizes, a.options().dtype(at::result_type(a, b)));
}

Tensor& where_out(const Tensor& condition, const Tensor& a, const Tensor& b, Tensor& out) {
  out.resize_(at::infer_size(condition.sizes(), at::infer_size(a.sizes(), b.sizes())));
  return out;
}

// Sizes of a convolution of x [B,C,...] with weight [O,C/groups,...].
Tensor convolution(const Tensor& x, const Tensor& weight, const MaybeTensor&, IntArrayRef stride,
                   IntArrayRef padding, IntArrayRef dilation, bool transposed, IntArrayRef extra,
                   int64_t groups) {
  Sizes sizes = {x.size(0), transposed ? weight.size(1) * groups : weight.size(0)};
  for (size_t i = 0; i < stride.size(); ++i) {
    const auto axis = static_cast<int64_t>(i) + 2;
    const int64_t reach = dilation[i] * (weight.size(axis) - 1) - 2 * padding[i];
    sizes.push_back(transposed ? (x.size(axis) - 1) * stride[i] + reach + extra[i] + 1
                               : (x.size(axis) - reach - 1) / stride[i] + 1);
  }
  return x.new_empty(sizes);
}

std::tuple<Tensor, Tensor, Tensor> convolution_backward(const Tensor& gradient, const Tensor& x,
                                                        const Tensor& weight, IntArrayRef, IntArrayRef,
                                                        IntArrayRef, bool, IntArrayRef, int64_t,
                                                        std::array<bool, 3>) {
  return {at::empty_like(x), at::empty_like(weight), gradient.new_empty({gradient.size(1)})};
}

void cummax(const Tensor&, Tensor&, Tensor&, int64_t) {}

Tensor floor_divide(const Tensor& a, const Tensor& b) { return at::div(a, b, "floor"); }
Tensor same(const Tensor& x) { return at::empty_like(x); }
Tensor flip(const Tensor& x, IntArrayRef) { return x.new_empty(x.sizes()); }

Tensor& complex(const Tensor& real, const Tensor&, Tensor& out) {
  out.resize_(real.sizes());
  return out;
}

Tensor real_to_complex(const Tensor& x, IntArrayRef axes, int64_t, bool onesided) {
  Sizes sizes = x.sizes().vec();
  int64_t& last = sizes[static_cast<size_t>(axes.back())];
  if (onesided) last = last / 2 + 1;
  return x.new_empty(sizes, x.options().dtype(at::toComplexType(x.scalar_type())));
}

Tensor complex_to_real(const Tensor& x, IntArrayRef axes, int64_t, int64_t last) {
  Sizes sizes = x.sizes().vec();
  sizes[static_cast<size_t>(axes.back())] = last;
  return x.new_empty(sizes, x.options().dtype(at::toRealValueType(x.scalar_type())));
}

Tensor complex_to_complex(const Tensor& x, IntArrayRef, int64_t, bool) { return at::empty_like(x); }

}  // namespace

MetaOperators::MetaOperators()
    : library_(std::make_unique<torch::Library>(torch::Library::IMPL, "aten", c10::DispatchKey::Meta,
                                                __FILE__, __LINE__)) {
  library_->impl("index_select", index_select);
  library_->impl("_index_put_impl_", index_put);
  library_->impl("embedding_dense_backward", embedding_backward);
  library_->impl("native_layer_norm", layer_norm);
  library_->impl("native_layer_norm_backward", layer_norm_backward);
  library_->impl("where.self", where);
  library_->impl("where.self_out", where_out);
  library_->impl("convolution_overrideable", convolution);
  library_->impl("convolution_backward_overrideable", convolution_backward);
  library_->impl("_cummax_helper", cummax);
  library_->impl("floor_divide", floor_divide);
  library_->impl("relu", same);
  library_->impl("flip", flip);
  library_->impl("complex.out", complex);
  library_->impl("_fft_r2c", real_to_complex);
  library_->impl("_fft_c2r", complex_to_real);
  library_->impl("_fft_c2c", complex_to_complex);
}

MetaOperators::~MetaOperators() = default;

}  // namespace subband
