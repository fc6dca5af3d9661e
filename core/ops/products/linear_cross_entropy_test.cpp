#include "core/ops/products/linear_cross_entropy.h"

#include <torch/torch.h>

#include <cmath>

#include "core/error.h"
#include "core/tensors/memory_counter.h"
#include "core/testing/fast_path.h"

namespace linear_cross_entropy_test {
using namespace subband;

static at::Tensor drawn(at::IntArrayRef shape, const std::string& name) {
  return at::empty(shape, at::kDouble).normal_(0, 1, stream(17, name));
}

static at::Tensor targets_of(int64_t rows, int64_t vocabulary) {
  at::Tensor targets = at::randint(0, vocabulary, {rows}, stream(17, "targets"), at::kLong);
  if (rows > 2) targets[1] = -100;
  return targets;
}

static at::Tensor op(const std::vector<at::Tensor>& in, std::string_view path) {
  return linear_cross_entropy(in[0], in[1], in[2], path);
}

TEST_CASE("the cross-entropy behind a linear map is its definition", "[linear_cross_entropy]") {
  const at::Tensor x = drawn({3, 2}, "x"), w = drawn({5, 2}, "w"), targets = targets_of(3, 5);
  double sum = 0;
  for (const int64_t n : {0, 2}) {
    double total = 0;
    for (int64_t v = 0; v < 5; ++v) total += std::exp(w[v].dot(x[n]).item<double>());
    sum += std::log(total) - w[targets[n].item<int64_t>()].dot(x[n]).item<double>();
  }
  CHECK(op({x, w, targets}, "reference").item<double>() == Approx(sum / 2));
  const at::Tensor by_loops = op({x.to(at::kFloat), w.to(at::kFloat), targets}, "loops");
  CHECK(by_loops.item<double>() == Approx(sum / 2).epsilon(1e-6));
}

TEST_CASE("the loops of the cross-entropy equal the reference, forward and backward",
          "[linear_cross_entropy]") {
  struct Form {
    int64_t rows, width, vocabulary;
  };
  for (const Form& f : {Form{1, 1, 1}, {67, 5, 33}, {130, 16, 256}, {300, 7, 9001}}) {
    CAPTURE(f.rows, f.width, f.vocabulary);
    testing::check_fast_path(op, {drawn({f.rows, f.width}, "x"), drawn({f.vocabulary, f.width}, "w"),
                                  targets_of(f.rows, f.vocabulary)});
  }
  testing::check_second_derivatives(op, {drawn({4, 3}, "x"), drawn({5, 3}, "w"), targets_of(4, 5)});
  testing::check_second_derivatives(op, {drawn({5, 3}, "x"), drawn({5, 3}, "w"), targets_of(5, 5)});
  testing::check_no_rows(op, {drawn({0, 3}, "x"), drawn({5, 3}, "w"), targets_of(0, 5)});
}

TEST_CASE("never more than one chunk of logits is held", "[linear_cross_entropy]") {
  const int64_t rows = 2000, width = 4, vocabulary = 9001;
  const at::Tensor x = drawn({rows, width}, "x").to(at::kFloat).requires_grad_(),
                   w = drawn({vocabulary, width}, "w").to(at::kFloat).requires_grad_();
  const at::Tensor targets = targets_of(rows, vocabulary);
  const MemoryCounter counter;
  linear_cross_entropy(x, w, targets, "loops").backward();
  const int64_t chunk = linear_cross_entropy_paths::chunk_rows(vocabulary) * vocabulary * 4;
  CHECK(counter.peak_bytes() < chunk + 3 * 4 * width * (rows + vocabulary));
  CHECK(chunk < rows * vocabulary * 4 / 10);
}

TEST_CASE("a target outside the vocabulary is refused", "[linear_cross_entropy]") {
  const at::Tensor x = at::zeros({2, 3}), w = at::zeros({5, 3});
  CHECK_THROWS_WITH(linear_cross_entropy(x, w, at::full({2}, 5, at::kLong)),
                    "linear_cross_entropy: targets[0] = 5: must be below 5, or -100");
}

}  // namespace linear_cross_entropy_test
