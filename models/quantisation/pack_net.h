// A net's matrices packed in place, and the inputs that they are shown on the way.
#pragma once
#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <map>
#include <string>

#include "core/ops/products/packed_product.h"

namespace subband {

using PackedMatrices = std::map<std::string, PackedMatrix>;  ///< by the parameter's name
using Hessians = std::map<std::string, at::Tensor>;          ///< H = Σ x xᵀ, fp64, by the parameter's name

/// While it lives, the inputs of the products with these matrices of a net are summed up.
class InputSums {
 public:
  /// `forms` name the matrices; `net` must outlive this.
  InputSums(const torch::nn::Module& net, const PackedForms& forms);
  ~InputSums();
  InputSums(const InputSums&) = delete;
  InputSums& operator=(const InputSums&) = delete;

  /// Of those that multiplied anything: a table that is only looked up has none, nor has a matrix of more than
  /// kMostColumns.
  static constexpr int64_t kMostColumns = 16384;  ///< whose sum takes 2 GiB
  const Hessians& sums() const { return sums_; }

 private:
  const torch::nn::Module& net_;
  Hessians sums_;
};

/// Packs copies of the matrices that have a form: with error feedback where `hessians` has one, by rounding else.
PackedMatrices packed_matrices(const torch::nn::Module& net, const PackedForms& forms,
                               const Hessians& hessians = {});

/// Puts them in. Error of `place` that names what the net does not have or has in another shape, and scales that are no
/// finite numbers; then nothing is packed.
void pack_net(const torch::nn::Module& net, const PackedMatrices& matrices, const std::string& place);

}  // namespace subband
