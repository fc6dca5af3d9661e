// What operations with a reference and loops over fp32 on the CPU share: the choice between the two, and rows in parallel.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string_view>

namespace subband {

/// Whether the loops of `op` run on these tensors: the path is `auto` or `loops`, all are fp32 on the CPU, and no autocast
/// is on. What runs is counted (op_paths.h).
/// Errors  ShapeError where `path` is unknown, or loops are forced and cannot take them
bool takes_loops(std::string_view op, at::TensorList tensors, std::string_view path);

enum class OpPath { reference, loops, cuda };
/// What the CUDA kernels of an operation take.
enum class KernelTypes { none, fp32, fp32_and_half };
struct FastPaths {
  bool loops = true;  ///< over fp32 on the CPU
  KernelTypes cuda = KernelTypes::none;
};
/// Which path of `op` runs on these tensors: kernels where all are on one device and of one type that they take, loops as
/// above, else the reference. What runs is counted.
/// Errors  as above
OpPath taken_path(std::string_view op, at::TensorList tensors, std::string_view path, const FastPaths& fast);

/// The cuda_values::Type (cuda_values.h) of a dtype that kernels read; -1 of others.
int cuda_value_type(at::ScalarType type);

/// Whether autograd records an operation on these tensors, and something has to be kept for backward.
bool is_recorded(at::TensorList tensors);

/// Gradients by the reference, where they are to be differentiated again: of `reference(inputs)` with respect to
/// those of `inputs` that need one, undefined for the others.
using Reference = std::function<at::Tensor(const std::vector<at::Tensor>& inputs)>;
std::vector<at::Tensor> gradients_again(const Reference& reference, const std::vector<at::Tensor>& inputs,
                                        const at::Tensor& gradient);

/// Rows that are added up one after the other; what is added up over more is summed over such chunks, so that the
/// result does not depend on the number of threads.
inline constexpr int64_t kRowsPerChunk = 64;

/// body(first row, end, chunk) for every chunk of rows. A thread takes at least about 50 us of work: a second one costs
/// more than it brings below.
void each_chunk(int64_t rows, int64_t columns, const std::function<void(int64_t, int64_t, int64_t)>& body);

/// As each_chunk, where body(first row, end, sums) also adds its rows up in `count` sums. Their total.
at::Tensor each_chunk_with_sums(int64_t rows, int64_t columns, int64_t count,
                                const std::function<void(int64_t, int64_t, float*)>& body);

}  // namespace subband
