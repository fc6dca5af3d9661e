#include "core/ops/memory/product_key_lookup.h"

#include <torch/torch.h>

#include <cmath>
#include <limits>

#include "core/error.h"
#include "core/testing/fast_path.h"

namespace product_key_lookup_test {
using namespace subband;

struct Form {
  int64_t count, heads, side, half, columns, top_k;
};
static const Form kForms[] = {{1, 1, 1, 1, 1, 4},
                              {67, 1, 16, 5, 64, 32},
                              {130, 2, 7, 3, 17, 3},
                              {33, 1, 5, 2, 70, 9},
                              {65, 3, 150, 4, 8, 5}};

static at::Tensor drawn(at::IntArrayRef shape, const std::string& name) {
  return at::empty(shape, at::kDouble).normal_(0, 1, stream(11, name));
}

static std::vector<at::Tensor> inputs(const Form& f) {
  return {drawn({f.count, f.heads, 2 * f.half}, "q"), drawn({f.heads, f.side, f.half}, "a"),
          drawn({f.heads, f.side, f.half}, "b"), drawn({f.heads * f.side * f.side, f.columns}, "values")};
}

static testing::PathOp op_of(const Form& f) {
  return [f](const std::vector<at::Tensor>& in, std::string_view path) {
    return product_key_lookup(in[0], {in[1], in[2], in[3]}, f.top_k, path);
  };
}

TEST_CASE("product keys read the best of all pairs by their softmax", "[product_key_lookup]") {
  const Form f{3, 2, 4, 3, 5, 6};
  const auto in = inputs(f);
  const at::Tensor y = op_of(f)(in, "reference");
  for (int64_t n = 0; n < f.count; ++n) {
    at::Tensor wanted = at::zeros({f.columns}, at::kDouble);
    for (int64_t h = 0; h < f.heads; ++h) {
      const at::Tensor a = in[1][h].mv(in[0][n][h].narrow(0, 0, 3)),
                       b = in[2][h].mv(in[0][n][h].narrow(0, 3, 3));
      const at::Tensor sums = (a.unsqueeze(1) + b).flatten();
      // Without the bound of K keys a side: the K best pairs need no more of them.
      const auto [best, place] = sums.topk(f.top_k);
      wanted += best.softmax(0).matmul(in[3].narrow(0, h * 16, 16).index_select(0, place));
    }
    CHECK(at::allclose(y[n], wanted, 1e-12, 1e-12));
  }
}

TEST_CASE("the loops of the product keys equal the reference, forward and backward", "[product_key_lookup]") {
  for (const Form& f : kForms) {
    CAPTURE(f.count, f.heads, f.side, f.columns, f.top_k);
    testing::check_fast_path(op_of(f), inputs(f), {3});  // a small table is read by a product with all of it
  }
  const Form none{0, 2, 4, 3, 5, 2}, small{3, 1, 4, 3, 5, 3};
  testing::check_no_rows(op_of(none), inputs(none));
  testing::check_second_derivatives(op_of(small), inputs(small));
}

TEST_CASE("infinite scores leave every pair that is read inside of the table", "[product_key_lookup]") {
  const float far = -std::numeric_limits<float>::infinity();
  const at::Tensor q = at::ones({1, 1, 2}), keys = at::full({1, 3, 1}, far), values = at::ones({9, 2});
  at::Tensor one = keys.clone();
  one[0][1][0] = 2;
  CHECK(product_key_lookup(q, {one, one, values}, 7, "loops").equal(at::ones({1, 2})));
  CHECK(product_key_lookup(q, {keys, keys, values}, 7, "loops").isnan().all().item<bool>());
  CHECK(product_key_lookup(q, {keys, -keys, values}, 7, "loops").isnan().all().item<bool>());
}

TEST_CASE("of equal scores the loops take the lower index", "[product_key_lookup]") {
  const at::Tensor q = at::zeros({1, 1, 2}), keys = at::ones({1, 3, 1}),
                   values = at::arange(9, at::kFloat).view({9, 1});
  // All nine sums are equal: the first row of them has had its pairs taken before the second one.
  CHECK(product_key_lookup(q, {keys, keys, values}, 3, "loops").item<float>() == 1);  // (0 + 1 + 2) / 3
}

TEST_CASE("the table's gradient has the same bits on any number of threads", "[product_key_lookup]") {
  const Form f{200, 1, 16, 8, 200, 32};
  const int threads = at::get_num_threads();
  std::vector<std::vector<at::Tensor>> found;
  for (const int count : {1, 2}) {
    at::set_num_threads(count);
    found.push_back(testing::values_and_gradients(op_of(f), inputs(f), at::kFloat, "loops"));
  }
  at::set_num_threads(threads);
  CHECK(found[0].back().equal(found[1].back()));
}

TEST_CASE("the lookup refuses a table of another size", "[product_key_lookup]") {
  auto in = inputs({2, 1, 4, 3, 5, 2});
  CHECK_THROWS_WITH(product_key_lookup(in[0], {in[1], in[2], in[3].narrow(0, 0, 15)}, 2),
                    "product_key_lookup: values: expected [16, *], got [15, 5]");
  CHECK_THROWS_WITH(product_key_lookup(at::zeros({2, 1, 7}), {in[1], in[2], in[3]}, 2),
                    "product_key_lookup: q: expected an even width, half for each side, got 7");
}

}  // namespace product_key_lookup_test
