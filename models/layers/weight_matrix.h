// A module with a matrix `weight`, which may be kept packed in few bits and computes from that then.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/ops/products/packed_product.h"
#include "models/module.h"

namespace subband {

class WeightMatrix : public Module {
 public:
  at::Tensor dense() const;  ///< W [rows, columns]; gradients flow back unless it is packed
  int64_t rows() const { return rows_; }
  int64_t columns() const { return columns_; }
  at::ScalarType type() const {
    return packed_ ? type_ : weight_.scalar_type();
  }  ///< of what it computes with
  const Purpose& purpose() const { return purposes().at("weight"); }

  /// In place of the parameter, which is gone from then on: nothing that is packed is trained. ShapeError unless the
  /// form has its rows and columns.
  void pack(PackedMatrix matrix);
  /// Whether its numbers may be handed to an operation that multiplies with them itself: neither packed nor watched.
  bool is_plain() const { return !packed_ && !watch_; }
  const PackedMatrix* packed() const { return packed_ ? &*packed_ : nullptr; }

  /// While it is set, is shown every input [..., columns] of a product with W.
  using Watch = std::function<void(const at::Tensor& x)>;
  void watch(Watch watch) { watch_ = std::move(watch); }

  void to(c10::Device device, c10::ScalarType type, bool non_blocking = false) override;
  void to(c10::ScalarType type, bool non_blocking = false) override;
  void to(c10::Device device, bool non_blocking = false) override;

 protected:
  void start(const at::Tensor& initial, const Purpose& purpose);             ///< registers `weight`
  at::Tensor times(const at::Tensor& x, const at::Tensor& bias = {}) const;  ///< x Wᵀ + bias
  at::Tensor rows_of(const at::Tensor& ids) const;                           ///< [..., columns]
  bool is_watched() const { return static_cast<bool>(watch_); }
  void show(const at::Tensor& x) const { watch_(x); }
  at::Tensor first_values() const { return weight_.detach(); }

 private:
  int64_t rows_ = 0, columns_ = 0;
  at::Tensor weight_;  // [rows, columns]; undefined once packed
  std::optional<PackedMatrix> packed_;
  at::ScalarType type_ = at::kFloat;  // of what packed weights compute with
  Watch watch_;
};

/// A matrix of a net under the dotted name of its parameter.
struct NamedMatrix {
  std::string name;
  WeightMatrix* matrix = nullptr;
};
/// Each once, in the order of the modules.
std::vector<NamedMatrix> weight_matrices(const torch::nn::Module& root);
/// The first that is packed: its name and form. Nothing where none is.
std::optional<std::string> first_packed(const torch::nn::Module& root);

}  // namespace subband
