#include "models/layers/weight_matrix.h"

#include <ATen/ops/embedding.h>
#include <ATen/ops/linear.h>
#include <c10/core/GradMode.h>

#include <set>

#include "core/error.h"
#include "core/ops/products/linear.h"

namespace subband {

void WeightMatrix::start(const at::Tensor& initial, const Purpose& purpose) {
  rows_ = initial.size(0), columns_ = initial.size(1);
  weight_ = add_parameter("weight", initial, purpose);
}

at::Tensor WeightMatrix::dense() const { return packed_ ? unpacked(*packed_, type_) : weight_; }

at::Tensor WeightMatrix::times(const at::Tensor& x, const at::Tensor& bias) const {
  if (is_watched()) show(x);
  if (packed_) return packed_product(x, *packed_, bias);
  // Where no graph is made, LibTorch's own is as good.
  return c10::GradMode::is_enabled() ? linear(x, weight_, bias) : at::linear(x, weight_, bias);
}

at::Tensor WeightMatrix::rows_of(const at::Tensor& ids) const {
  return packed_ ? packed_rows(*packed_, ids, type_) : at::embedding(weight_, ids);
}

void WeightMatrix::pack(PackedMatrix matrix) {
  if (matrix.form.rows != rows_ || matrix.form.columns != columns_)
    throw ShapeError("weight", "packed: expected [" + std::to_string(rows_) + ", " +
                                   std::to_string(columns_) + "], got [" + std::to_string(matrix.form.rows) +
                                   ", " + std::to_string(matrix.form.columns) + "]");
  if (!packed_) {
    type_ = weight_.scalar_type();
    matrix = weight_.is_meta() ? matrix : matrix.to(weight_.device());
    parameters_.erase("weight");
    weight_ = at::Tensor();
  }
  packed_ = std::move(matrix);
}

void WeightMatrix::to(c10::Device device, c10::ScalarType type, bool non_blocking) {
  Module::to(device, type, non_blocking);
  type_ = type;
  if (packed_) packed_ = packed_->to(device);
}

void WeightMatrix::to(c10::ScalarType type, bool non_blocking) {
  Module::to(type, non_blocking);
  type_ = type;
}

void WeightMatrix::to(c10::Device device, bool non_blocking) {
  Module::to(device, non_blocking);
  if (packed_) packed_ = packed_->to(device);
}

std::vector<NamedMatrix> weight_matrices(const torch::nn::Module& root) {
  std::vector<NamedMatrix> all;
  std::set<const void*> seen;
  for (const auto& item : root.named_modules("", /*include_self=*/false)) {
    auto* matrix = dynamic_cast<WeightMatrix*>(item.value().get());
    if (matrix != nullptr && seen.insert(matrix).second) all.push_back({item.key() + ".weight", matrix});
  }
  return all;
}

std::optional<std::string> first_packed(const torch::nn::Module& root) {
  for (const auto& [name, matrix] : weight_matrices(root))
    if (matrix->packed()) return name + " (" + matrix->packed()->form.text() + ")";
  return {};
}

}  // namespace subband
