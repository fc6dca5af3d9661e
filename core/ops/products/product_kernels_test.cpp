#include "core/testing/kernel_orders.h"
// What it gives a meaning to
#include "core/ops/products/linear_cross_entropy.cuh"
#include "core/ops/products/packed_product.cuh"

#include <cmath>

#include "core/ops/products/packed_form.h"

namespace product_kernels_test {

using namespace kernel_grid;
using subband::PackedForm;

TEST_CASE("the body of the cross-entropy's kernel is the definition, and leaves the gradient in place", "[kernels]") {
  for (const int64_t vocabulary : {1, 33, 100}) {
    CAPTURE(vocabulary);
    const int64_t rows = 4;
    const auto V = static_cast<size_t>(vocabulary);
    const Floats logits = drawn(static_cast<size_t>(rows) * V, 1);
    const std::vector<int64_t> targets = {0, -100, vocabulary - 1, vocabulary / 2};
    const float factor = 1.0f / 3;
    const Launch launch{.blocks = {static_cast<unsigned>(rows), 1, 1}, .threads = 64, .shared_bytes = 8};
    // The losses stand behind the logits.
    const Floats all = in_every_order(logits.size() + static_cast<size_t>(rows), launch, [&](float* out, void* shared) {
      if (threadIdx.x == 0) std::copy_n(logits.begin() + blockIdx.x * V, V, out + blockIdx.x * V);
      __syncthreads();
      subband::linear_cross_entropy_kernel::row_body(vocabulary, targets.data(), &factor, out, out + logits.size(),
                                                     static_cast<float*>(shared), same, same);
    });
    std::vector<double> wanted(all.size(), 0.0);
    for (size_t n = 0; n < static_cast<size_t>(rows); ++n) {
      if (targets[n] < 0) continue;
      double sum = 0;
      for (size_t v = 0; v < V; ++v) sum += std::exp(static_cast<double>(logits[n * V + v]));
      for (size_t v = 0; v < V; ++v)
        wanted[n * V + v] = (std::exp(static_cast<double>(logits[n * V + v])) / sum -
                             (v == static_cast<size_t>(targets[n]) ? 1 : 0)) / 3;
      wanted[logits.size() + n] =
          std::log(sum) - static_cast<double>(logits[n * V + static_cast<size_t>(targets[n])]);
    }
    check_near(all, wanted, 2e-6);
  }
}

// Packs one value after the other, as the comment of packed_form.h reads.
static std::vector<uint8_t> packed(const PackedForm& form, const std::vector<int>& values) {
  std::vector<uint8_t> codes(static_cast<size_t>(form.rows * form.row_bytes()), 0);
  for (int64_t r = 0; r < form.rows; ++r)
    for (int64_t c = 0; c < form.columns; ++c) {
      const int64_t block = c / form.block(), field = c % form.block() / 16, lane = c % 16;
      uint8_t* const at = codes.data() + r * form.row_bytes() + block * form.block_bytes();
      const auto bits = static_cast<unsigned>(values[static_cast<size_t>(r * form.columns + c)]) & ((1u << form.bits) - 1);
      if (form.bits == 3) {
        at[lane] = static_cast<uint8_t>(at[lane] | ((bits & 3u) << (2 * field)));
        at[16 + lane % 8] = static_cast<uint8_t>(at[16 + lane % 8] | ((bits >> 2) << (lane / 8 * 4 + field)));
      } else {
        at[lane] = static_cast<uint8_t>(at[lane] | (bits << (form.bits * field)));
      }
    }
  return codes;
}

TEST_CASE("the body of the kernel for weights of few bits reads every form as it is laid out", "[kernels]") {
  std::mt19937 draws(9);
  for (const int bits : {8, 4, 3, 2})
    for (const int64_t group : {PackedForm::kTensor, PackedForm::kRow, int64_t{32}})
      for (const bool symmetric : {true, false}) {
        CAPTURE(bits, group, symmetric);
        const PackedForm form{.rows = 5, .columns = 77, .bits = bits, .group = group, .symmetric = symmetric};
        std::vector<int> values(static_cast<size_t>(form.rows * form.columns));
        for (int& value : values) value = static_cast<int>(draws() % (1u << bits)) - (1 << (bits - 1));
        const auto scale_count = static_cast<size_t>(form.scale_rows() * form.groups());
        const Floats scales = drawn(scale_count, 10);
        std::vector<uint16_t> halves(scale_count);
        for (size_t i = 0; i < scale_count; ++i) halves[i] = to_bf16(scales[i]);  // any 16 bits that `half` understands
        std::vector<int8_t> zeros(scale_count);
        for (int8_t& zero : zeros) zero = static_cast<int8_t>(draws() % 3) - 1;
        const std::vector<uint8_t> codes = packed(form, values);
        const int64_t inputs = 2;
        const SubbandPackedProduct product{.rows = form.rows,
                                           .columns = form.columns,
                                           .inputs = inputs,
                                           .bits = bits,
                                           .group = form.has_groups() ? group : 0,
                                           .groups = form.groups(),
                                           .one_scale = form.scale_rows() == 1,
                                           .codes = codes.data(),
                                           .scales = form.has_groups() ? nullptr : scales.data(),
                                           .group_scales = form.has_groups() ? halves.data() : nullptr,
                                           .zeros = symmetric ? nullptr : zeros.data(),
                                           .type = 0,
                                           .stream = nullptr};
        const Floats x = drawn(static_cast<size_t>(inputs * form.columns), 11);
        const Launch launch{.blocks = {3, static_cast<unsigned>(inputs), 1}, .threads = 64};
        const Floats y =
            in_every_order(static_cast<size_t>(inputs * form.rows), launch, [&](float* out, void*) {
              subband::packed_product_kernel::product_body(product, x.data(), out, same, same, from_bf16);
            });
        std::vector<double> wanted(y.size(), 0.0);
        for (int64_t n = 0; n < inputs; ++n)
          for (int64_t r = 0; r < form.rows; ++r)
            for (int64_t c = 0; c < form.columns; ++c) {
              const auto at = static_cast<size_t>((form.scale_rows() == 1 ? 0 : r) * form.groups() +
                                                  (form.has_groups() ? c / group : 0));
              const double scale = static_cast<double>(form.has_groups() ? from_bf16(halves[at]) : scales[at]);
              const int value = values[static_cast<size_t>(r * form.columns + c)] - (symmetric ? 0 : zeros[at]);
              wanted[static_cast<size_t>(n * form.rows + r)] +=
                  scale * value * static_cast<double>(x[static_cast<size_t>(n * form.columns + c)]);
            }
        check_near(y, wanted, 2e-3);
      }
}

}  // namespace product_kernels_test
