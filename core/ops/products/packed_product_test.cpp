#include "core/ops/products/packed_product.h"

#include <hwy/highway.h>
#include <torch/torch.h>

#include <cmath>
#include <set>

#include "core/error.h"
#include "core/ops/op_paths.h"
#include "core/ops/products/packed_product_loops.h"
#include "core/tensors/random.h"
#include "core/testing/catch.h"

namespace packed_product_test {

using namespace subband;

static at::Tensor random(at::IntArrayRef shape, const char* name) {
  return at::empty(shape, at::kFloat).normal_(0, 1, stream(1, name));
}

// Whole numbers over the whole range, scales and zeros of any size.
static PackedMatrix any_matrix(const PackedForm& form) {
  const int64_t half = int64_t{1} << (form.bits - 1);
  const at::Tensor values =
      at::empty({form.rows, form.columns}, at::kLong).random_(-half, half, stream(1, "values"));
  const at::Tensor scales = random({form.scale_rows(), form.groups()}, "scales").abs().add(0.01);
  const at::Tensor zeros = at::empty(scales.sizes(), at::kLong).random_(-half, half, stream(1, "zeros"));
  return packed_matrix(form, values.to(at::kChar), scales, zeros.to(at::kChar));
}

// W[r,c] = scale (q - zero), read from the codes bit by bit as packed_form.h says.
static double by_definition(const PackedMatrix& matrix, int64_t r, int64_t c) {
  const PackedForm& form = matrix.form;
  const uint8_t* block =
      matrix.codes.const_data_ptr<uint8_t>() + r * form.row_bytes() + c / form.block() * form.block_bytes();
  const int64_t lane = c % form.block() % 16, field = c % form.block() / 16,
                low = form.bits == 3 ? 2 : form.bits;
  int value = block[lane] >> (field * low) & ((1 << low) - 1);
  if (form.bits == 3) value |= (block[16 + lane % 8] >> (lane / 8 * 4 + field) & 1) << 2;
  if (value >= 1 << (form.bits - 1)) value -= 1 << form.bits;
  const int64_t row = form.group == PackedForm::kTensor ? 0 : r, group = form.group > 0 ? c / form.group : 0;
  const double zero = form.symmetric ? 0 : matrix.zeros[row][group].item<double>();
  return matrix.scales[row][group].item<double>() * (value - zero);
}

static const std::vector<PackedForm>& forms() {
  static const std::vector<PackedForm> all = [] {
    std::vector<PackedForm> made;
    for (const int bits : {8, 4, 3, 2})
      for (const int64_t group : {PackedForm::kTensor, PackedForm::kRow, int64_t{32}, int64_t{128}})
        for (const bool symmetric : {true, false})
          for (const auto& [rows, columns] : {std::pair<int64_t, int64_t>{1, 1}, {5, 47}, {9, 300}})
            made.push_back(
                {.rows = rows, .columns = columns, .bits = bits, .group = group, .symmetric = symmetric});
    return made;
  }();
  return all;
}

TEST_CASE("a packed matrix holds what its form says, on every path", "[packed_product]") {
  for (const PackedForm& form : forms()) {
    CAPTURE(form.text(), form.rows, form.columns);
    const PackedMatrix matrix = any_matrix(form);
    CHECK(static_cast<int64_t>(matrix.codes.nbytes() + matrix.scales.nbytes() +
                               (form.symmetric ? 0 : matrix.zeros.nbytes())) == form.bytes());
    const at::Tensor dense = unpacked(matrix, at::kFloat, "reference"), exact = unpacked(matrix, at::kDouble);
    for (int64_t r = 0; r < form.rows; ++r)
      for (int64_t c = 0; c < form.columns; ++c)
        REQUIRE(exact[r][c].item<double>() == Approx(by_definition(matrix, r, c)).epsilon(1e-12));
    CHECK(dense.equal(exact.to(at::kFloat)));
    CHECK(unpacked(matrix, at::kFloat, "loops").equal(dense));
  }
}

TEST_CASE("whole numbers come back from every number of bits", "[packed_product]") {
  for (const PackedForm& form : forms()) {
    const int64_t half = int64_t{1} << (form.bits - 1);
    const at::Tensor values =
        at::empty({form.rows, form.columns}, at::kLong).random_(-half, half, stream(2, "values"));
    const at::Tensor ones = at::ones({form.scale_rows(), form.groups()});
    CHECK(packed_values(packed_matrix(form, values.to(at::kChar), ones, ones)).equal(values.to(at::kChar)));
  }
}

TEST_CASE("every path of the packed product is the definition, for one input and many", "[packed_product]") {
  for (const PackedForm& form : forms()) {
    const PackedMatrix matrix = any_matrix(form);
    const at::Tensor w = unpacked(matrix, at::kDouble), bias = random({form.rows}, "bias");
    for (const int64_t count : {1, 3, 6}) {
      CAPTURE(form.text(), form.rows, form.columns, count);
      const at::Tensor x = random({form.columns, 2, count}, "x").permute({2, 1, 0});
      const at::Tensor wanted = at::linear(x.to(at::kDouble), w, bias.to(at::kDouble));
      const double size = std::sqrt(static_cast<double>(form.columns)) * w.abs().max().item<double>();
      for (const char* path : {"reference", "dense", "loops", "auto"}) {
        CAPTURE(path);
        const at::Tensor y = packed_product(x, matrix, bias, path);
        CHECK(at::allclose(y.to(at::kDouble), wanted, 0, 2e-6 * size));
      }
      CHECK(at::allclose(packed_product(x.to(at::kDouble), matrix, bias.to(at::kDouble)), wanted, 0,
                         1e-12 * size));
    }
  }
}

TEST_CASE("every path of the packed product keeps what is not a number, and takes no input at all", "[packed_product]") {
  for (const PackedForm& form : forms()) {
    CAPTURE(form.text(), form.rows, form.columns);
    const PackedMatrix matrix = any_matrix(form);
    at::Tensor x = random({3, form.columns}, "x");
    x[1][form.columns / 2] = std::nan("");
    for (const char* path : {"dense", "loops"}) {
      const at::Tensor y = packed_product(x, matrix, {}, path);
      CHECK(y[1].isnan().all().item<bool>());
      CHECK(!y[0].isnan().any().item<bool>());
      CHECK(packed_product(x.narrow(0, 0, 0), matrix, {}, path).sizes() == at::IntArrayRef({0, form.rows}));
    }
  }
}

TEST_CASE("an input that is not where the codes are is refused", "[packed_product]") {
  const PackedMatrix matrix = any_matrix(forms()[0]);
  CHECK_THROWS_WITH(packed_product(at::zeros({1, matrix.form.columns}, at::kMeta), matrix, {}),
                    "packed_product: x: expected it on cpu, as the codes, got meta");
}

TEST_CASE("the bias of a packed product gets its gradient, however few the inputs", "[packed_product]") {
  const PackedMatrix matrix = any_matrix(forms()[0]);
  for (const int64_t count : {1, 100}) {
    at::Tensor bias = random({matrix.form.rows}, "bias").requires_grad_();
    packed_product(random({count, matrix.form.columns}, "x"), matrix, bias).sum().backward();
    REQUIRE(bias.grad().defined());
    CHECK(bias.grad().equal(at::full({matrix.form.rows}, static_cast<float>(count))));
  }
}

TEST_CASE("the loops give the same bits twice, for an input alone or among others", "[packed_product]") {
  for (const PackedForm& form : forms()) {
    CAPTURE(form.text(), form.rows, form.columns);
    const PackedMatrix matrix = any_matrix(form);
    const at::Tensor x = random({7, form.columns}, "x"), y = packed_product(x, matrix, {}, "loops");
    CHECK(packed_product(x, matrix, {}, "loops").equal(y));
    for (int64_t n = 0; n < 7; ++n) CHECK(packed_product(x[n], matrix, {}, "loops").equal(y[n]));
  }
}

// While it lives, the loops take this instruction set.
struct OneInstructionSet {
  explicit OneInstructionSet(int64_t target) { choose(target); }
  ~OneInstructionSet() { choose(0); }
  static void choose(int64_t targets) {  // 0: as usual
    hwy::SetSupportedTargetsForTest(targets);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
};

TEST_CASE("every instruction set of this processor unpacks the same and multiplies nearly so",
          "[packed_product]") {
  std::set<std::string> seen;
  for (int64_t targets = hwy::SupportedTargets(); targets != 0; targets &= targets - 1) {
    const OneInstructionSet set(targets & -targets);
    if (!seen.insert(packed_product_paths::loops_instructions()).second)
      continue;  // not compiled: another one is taken
    for (const PackedForm& form : forms()) {
      CAPTURE(packed_product_paths::loops_instructions(), form.text(), form.rows, form.columns);
      const PackedMatrix matrix = any_matrix(form);
      const at::Tensor dense = unpacked(matrix, at::kFloat, "reference"), x = random({5, form.columns}, "x");
      CHECK(unpacked(matrix, at::kFloat, "loops").equal(dense));
      const double size = std::sqrt(static_cast<double>(form.columns)) * dense.abs().max().item<double>();
      CHECK(at::allclose(packed_product(x, matrix, {}, "loops"), at::linear(x, dense), 0, 2e-6 * size));
    }
  }
#if HWY_ARCH_X86
  CHECK(seen.size() > 1);
#endif
}

// Memory of NaN before, between and behind what the loops may touch.
TEST_CASE("the loops write every result and nothing else, and read no other number", "[packed_product]") {
  namespace paths = packed_product_paths;
  for (const PackedForm& form : forms()) {
    CAPTURE(form.text(), form.rows, form.columns);
    const PackedMatrix matrix = any_matrix(form);
    const int64_t stride = form.row_blocks() * form.block(), count = 5, guard = 32;
    const at::Tensor x = at::full({guard + count * stride + guard}, std::nan(""));
    at::Tensor inside = x.narrow(0, guard, count * stride).view({count, stride});
    inside.zero_().narrow(1, 0, form.columns).copy_(random({count, form.columns}, "x"));
    const at::Tensor sums = at::zeros({count, form.groups()});
    const at::Tensor y = at::full({guard + count * form.rows + guard}, std::nan(""));
    const at::Tensor dense = at::full({guard + form.rows * form.columns + guard}, std::nan(""));
    paths::PackedView view{.form = form, .codes = matrix.codes.const_data_ptr<uint8_t>()};
    if (form.has_groups())
      view.group_scales = reinterpret_cast<const uint16_t*>(matrix.scales.const_data_ptr<at::Half>());
    else
      view.scales = matrix.scales.const_data_ptr<float>();
    if (!form.symmetric) view.zeros = matrix.zeros.const_data_ptr<int8_t>();
    const paths::PackedInputs inputs{.x = inside.const_data_ptr<float>(),
                                     .count = count,
                                     .stride = stride,
                                     .sums = sums.const_data_ptr<float>(),
                                     .y = y.mutable_data_ptr<float>() + guard};
    paths::loops(view, inputs, {0, form.rows});
    paths::unpack_loops(view, {0, form.rows}, dense.mutable_data_ptr<float>() + guard);
    for (const at::Tensor& written : {y, dense}) {
      const int64_t size = written.numel() - 2 * guard;
      CHECK_FALSE(written.narrow(0, guard, size).isnan().any().item<bool>());
      CHECK(written.narrow(0, 0, guard).isnan().all().item<bool>());
      CHECK(written.narrow(0, guard + size, guard).isnan().all().item<bool>());
    }
  }
}

TEST_CASE("rows of a packed table are those of the whole matrix", "[packed_product]") {
  for (const PackedForm& form : forms()) {
    CAPTURE(form.text(), form.rows, form.columns);
    const PackedMatrix matrix = any_matrix(form);
    const at::Tensor ids = at::tensor({form.rows - 1, int64_t{0}, form.rows / 2, int64_t{0}}).view({2, 2});
    CHECK(packed_rows(matrix, ids, at::kFloat).equal(at::embedding(unpacked(matrix, at::kFloat), ids)));
    CHECK(packed_rows(matrix, at::empty({0}, at::kLong), at::kFloat).sizes() ==
          at::IntArrayRef({0, form.columns}));
  }
}

TEST_CASE("gradients of a packed product flow to its input and bias", "[packed_product]") {
  const PackedMatrix matrix = any_matrix({.rows = 5, .columns = 70, .bits = 4, .group = 32});
  const at::Tensor x = random({2, 70}, "x").requires_grad_(), bias = random({5}, "bias").requires_grad_();
  const OpPaths paths;
  packed_product(x, matrix, bias).sum().backward();
  CHECK(at::allclose(x.grad(), unpacked(matrix, at::kFloat).sum(0).expand({2, 70})));
  CHECK(bias.grad().equal(at::full({5}, 2.0f)));
  CHECK(paths.uses().front().path == "dense");
}

TEST_CASE("a packed product refuses what does not fit, and its path can be forced", "[packed_product]") {
  const PackedMatrix matrix = any_matrix({.rows = 5, .columns = 70, .bits = 2});
  CHECK_THROWS_WITH(packed_product(at::zeros({2, 71}), matrix, {}),
                    "packed_product: x: expected [..., 70], got a last axis of 71");
  CHECK_THROWS_WITH(packed_product(at::zeros({70}, at::kDouble), matrix, {}, "loops"),
                    "packed_product: path = loops: must be auto, reference, dense (CPU, fp32), loops (CPU, "
                    "fp32, no gradient) or cuda (CUDA, fp32, fp16 or bf16, no gradient)");
  const at::Tensor x = random({1, 70}, "x");
  const OpPaths forced(ForcedPaths{{"packed_product", "reference"}});
  packed_product(x, matrix, {});
  packed_product(x, matrix, {}, "loops");
  CHECK(forced.uses().size() == 2);
  CHECK(op_use_text(forced.uses()[1]) == "packed_product reference (forced)");
}

}  // namespace packed_product_test
