#include "core/ops/recurrence/chunk_state.h"

#include <torch/torch.h>

#include <cmath>

#include "core/error.h"
#include "core/ops/op_paths.h"
#include "core/testing/fast_path.h"

namespace chunk_state_test {
using namespace subband;

constexpr int64_t kKeys = 5, kValues = 3;

static at::Tensor drawn(at::IntArrayRef shape, const std::string& name) {
  return at::empty(shape, at::kDouble).normal_(0, 1, stream(11, name));
}

enum class Decay { none, head, channel };

struct Form {
  int64_t length;
  Decay decay = Decay::none;
  bool removes = false, state = false, weights = false;
  int64_t batch = 2, heads = 2, groups = 2, keys = kKeys, values = kValues;
};

// q, k, v, then g, a and b, S as far as the form has them.
static std::vector<at::Tensor> tensors(const Form& f) {
  const int64_t B = f.batch, L = f.length, G = f.groups;
  std::vector<at::Tensor> all = {drawn({B, L, f.heads, f.keys}, "q"), drawn({B, L, G, f.keys}, "k"),
                                 drawn({B, L, G, f.values}, "v")};
  if (f.decay == Decay::head) all.push_back(-drawn({B, L, G}, "g").abs());
  if (f.decay == Decay::channel) all.push_back(-drawn({B, L, G, f.keys}, "g").abs());
  if (f.removes) {  // as in a delta rule, whose state stays bounded
    const at::Tensor a = drawn({B, L, G, f.keys}, "a");
    all.push_back(a / a.norm(2, -1, true));
    all.push_back(-all.back() * drawn({B, L, G, 1}, "b").sigmoid());
  }
  if (f.state) all.push_back(drawn({B, G, f.keys, f.values + (f.weights ? 1 : 0)}, "s"));
  return all;
}

static ChunkStateInputs inputs_of(const Form& f, const std::vector<at::Tensor>& all, int64_t chunk) {
  ChunkStateInputs in{.q_BLHK = all[0], .k_BLGK = all[1], .v_BLGV = all[2]};
  size_t next = 3;
  if (f.decay != Decay::none) in.log_decay = all[next++];
  if (f.removes) in.a_BLGK = all[next++], in.b_BLGK = all[next++];
  if (f.state) in.state_BGKV = all[next++];
  in.chunk = chunk, in.with_weights = f.weights;
  return in;
}

// One token after the other.
static ChunkStateOutputs by_steps(const ChunkStateInputs& in) {
  const int64_t G = in.k_BLGK.size(2), repeats = in.q_BLHK.size(2) / G;
  const at::Tensor ones = at::ones_like(in.v_BLGV.narrow(-1, 0, 1));
  const at::Tensor v = in.with_weights ? at::cat({in.v_BLGV, ones}, -1) : in.v_BLGV;
  at::Tensor S = in.state_BGKV.defined()
                     ? in.state_BGKV
                     : at::zeros({v.size(0), G, in.k_BLGK.size(3), v.size(3)}, v.options());
  std::vector<at::Tensor> rows;
  for (int64_t t = 0; t < v.size(1); ++t) {
    at::Tensor next = S;
    if (in.log_decay.defined()) {
      const at::Tensor g = in.log_decay.select(1, t);
      next = next * (g.dim() == 2 ? g.unsqueeze(-1) : g).exp().unsqueeze(-1);
    }
    if (in.a_BLGK.defined())
      next =
          next + in.b_BLGK.select(1, t).unsqueeze(-1) * at::matmul(in.a_BLGK.select(1, t).unsqueeze(-2), S);
    S = next + in.k_BLGK.select(1, t).unsqueeze(-1) * v.select(1, t).unsqueeze(-2);
    const at::Tensor q = in.q_BLHK.select(1, t).unflatten(1, {G, repeats});
    rows.push_back(at::matmul(q, S).flatten(1, 2));
  }
  return {at::stack(rows, 1), S};
}

static at::Tensor together(const ChunkStateOutputs& out) {
  return at::cat({out.y_BLHV.reshape({-1}), out.state_BGKV.reshape({-1})});
}

static double distance(const at::Tensor& given, const at::Tensor& wanted) {
  const at::Tensor exact = wanted.to(at::kDouble);
  return ((given.to(at::kDouble) - exact).norm() / (exact.norm() + 1e-300)).item<double>();
}

static testing::PathOp op_of(const Form& f) {
  return [f](const std::vector<at::Tensor>& all, std::string_view path) {
    return together(chunk_state(inputs_of(f, all, 16), path));
  };
}

TEST_CASE("the chunked form is the recurrence, whatever the chunk, with every decay and removal",
          "[chunk_state]") {
  for (const Decay decay : {Decay::none, Decay::head, Decay::channel})
    for (const bool removes : {false, true})
      for (const bool state : {false, true})
        for (const int64_t L : {1, 7, 67}) {
          const Form f{.length = L, .decay = decay, .removes = removes, .state = state, .weights = state};
          const ChunkStateOutputs wanted = by_steps(inputs_of(f, tensors(f), 1));
          std::vector<at::Tensor> narrow;
          for (const at::Tensor& x : tensors(f)) narrow.push_back(x.to(at::kFloat));
          for (const int64_t chunk : {1, 7, 16, 64, 100}) {
            CAPTURE(static_cast<int>(decay), removes, state, L, chunk);
            const ChunkStateOutputs given = chunk_state(inputs_of(f, tensors(f), chunk));
            CHECK(distance(given.y_BLHV, wanted.y_BLHV) < 1e-12);
            CHECK(distance(given.state_BGKV, wanted.state_BGKV) < 1e-12);
            const ChunkStateOutputs single = chunk_state(inputs_of(f, narrow, chunk), "reference");
            CHECK(distance(together(single), together(wanted)) < 1e-5);
          }
        }
}

TEST_CASE("the chunked form has the gradients of the recurrence", "[chunk_state]") {
  for (const Decay decay : {Decay::none, Decay::head, Decay::channel})
    for (const bool removes : {false, true}) {
      const Form f{.length = 23, .decay = decay, .removes = removes, .state = true, .heads = 4};
      const auto gradients = [&](int64_t chunk) {
        std::vector<at::Tensor> leaves = tensors(f);
        for (at::Tensor& x : leaves) x.requires_grad_();
        const ChunkStateInputs in = inputs_of(f, leaves, std::max<int64_t>(1, chunk));
        together(chunk > 0 ? chunk_state(in) : by_steps(in)).square().sum().backward();
        for (at::Tensor& x : leaves) x = x.grad();
        return leaves;
      };
      const auto wanted = gradients(0);
      for (const int64_t chunk : {5, 20}) {
        const auto given = gradients(chunk);
        for (size_t i = 0; i < wanted.size(); ++i) {
          CAPTURE(static_cast<int>(decay), removes, chunk, i);
          CHECK(distance(given[i], wanted[i]) < 1e-12);
        }
      }
    }
}

TEST_CASE("strong decays of single channels make no NaN, and keep their digits", "[chunk_state]") {
  const Form f{.length = 130, .decay = Decay::channel, .state = true};
  std::vector<at::Tensor> all = tensors(f);
  all[3] = at::log_sigmoid(drawn(all[3].sizes(), "gates") - 2) * 2;
  const at::Tensor wanted = together(by_steps(inputs_of(f, all, 1)));
  for (at::Tensor& x : all) x = x.to(at::kFloat).requires_grad_();
  const at::Tensor y = together(chunk_state(inputs_of(f, all, 64)));
  CHECK(distance(y.detach(), wanted) < 1e-6);
  y.sum().backward();
  for (const at::Tensor& x : all) CHECK(at::isfinite(x.grad()).all().item<bool>());
}

TEST_CASE("the loops of the matrix state equal the reference, forward and backward", "[chunk_state]") {
  for (const Form& f :
       {Form{.length = 1, .heads = 1, .groups = 1, .keys = 1, .values = 1},
        Form{.length = 67, .weights = true, .keys = 8, .values = 8},
        Form{.length = 130, .decay = Decay::head, .state = true, .batch = 3, .keys = 6, .values = 17},
        Form{.length = 65,
        .decay = Decay::head,
        .state = true,
        .weights = true,
        .batch = 1,
        .heads = 6,
        .keys = 33},
        Form{.length = 70, .state = true, .heads = 4, .groups = 1, .keys = 16, .values = 40}}) {
    CAPTURE(f.length, f.heads, f.keys, f.values);
    testing::check_fast_path(op_of(f), tensors(f), {0, 1, 2, 3, 4});
  }
  const Form none{.length = 0, .decay = Decay::head, .state = true, .weights = true};
  testing::check_no_rows(op_of(none), tensors(none));
}

TEST_CASE("the loops of the matrix state read rows of larger tensors where they stand", "[chunk_state]") {
  const Form f{.length = 70, .decay = Decay::head, .heads = 4};
  std::vector<at::Tensor> all = tensors(f);
  for (at::Tensor& x : all) x = x.to(at::kFloat);
  for (size_t i = 0; i < 3; ++i) {
    at::Tensor wide = at::full({2, 75, all[i].size(2) + 1, all[i].size(3) + 2}, std::nan(""), at::kFloat);
    all[i] = wide.narrow(1, 3, 70).narrow(2, 1, all[i].size(2)).narrow(3, 1, all[i].size(3)).copy_(all[i]);
  }
  all[3] = all[3].select(1, 0).unsqueeze(1).expand({2, 70, 2});
  CHECK_FALSE(all[0].is_contiguous());
  std::vector<at::Tensor> dense = all;
  for (at::Tensor& x : dense) x = x.contiguous();
  CHECK(at::equal(together(chunk_state(inputs_of(f, all, 16), "loops")),
                  together(chunk_state(inputs_of(f, dense, 16), "loops"))));
}

TEST_CASE("decays of any strength leave the loops of the matrix state as exact as the reference",
          "[chunk_state]") {
  const Form f{.length = 150, .decay = Decay::head, .state = true};
  // Beyond, the gradient of the decays is below a rounding of the sums whose difference it is.
  for (const double strength : {1e-3, 5.0, 40.0}) {
    CAPTURE(strength);
    std::vector<at::Tensor> all = tensors(f);
    all[3] = all[3] * strength;
    const auto exact = testing::values_and_gradients(op_of(f), all, at::kDouble, "reference");
    const auto plain = testing::values_and_gradients(op_of(f), all, at::kFloat, "reference");
    testing::check_errors(testing::values_and_gradients(op_of(f), all, at::kFloat, "loops"), exact, plain);
  }
}

TEST_CASE(
    "over a long sequence of positive features the loops of the matrix state err no more than the reference",
    "[chunk_state]") {
  const Form f{.length = 8200, .weights = true, .batch = 1, .heads = 1, .groups = 1, .keys = 8, .values = 8};
  std::vector<at::Tensor> all = tensors(f);
  all[0] = all[0].exp(), all[1] = all[1].exp();
  const auto op = [&](const std::vector<at::Tensor>& in, std::string_view path) {
    return together(chunk_state(inputs_of(f, in, 64), path));
  };
  const auto exact = testing::values_and_gradients(op, all, at::kDouble, "reference");
  const auto plain = testing::values_and_gradients(op, all, at::kFloat, "reference");
  testing::check_errors(testing::values_and_gradients(op, all, at::kFloat, "loops"), exact, plain);
}

TEST_CASE("several threads give the bits of one", "[chunk_state]") {
  const Form f{
      .length = 700, .decay = Decay::head, .state = true, .batch = 3, .heads = 6, .groups = 3, .keys = 16};
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const auto one = testing::values_and_gradients(op_of(f), tensors(f), at::kFloat, "loops");
  at::set_num_threads(4);
  const auto four = testing::values_and_gradients(op_of(f), tensors(f), at::kFloat, "loops");
  at::set_num_threads(before);
  for (size_t i = 0; i < one.size(); ++i) CHECK(at::equal(one[i], four[i]));
}

TEST_CASE("gradients of the matrix state can be differentiated again", "[chunk_state]") {
  const Form f{.length = 9, .decay = Decay::head, .state = true, .weights = true, .heads = 4};
  std::vector<at::Tensor> all = tensors(f);
  for (at::Tensor& x : all) x = x * 0.5;
  testing::check_second_derivatives(
      [&](const std::vector<at::Tensor>& in, std::string_view path) {
        ChunkStateInputs inputs = inputs_of(f, in, 4);
        inputs.log_decay = -inputs.log_decay.square();
        return together(chunk_state(inputs, path));
      },
      all);
}

TEST_CASE("the matrix state says which path it takes and why, and refuses what it cannot take",
          "[chunk_state]") {
  const auto use = [](const Form& f, at::ScalarType type) {
    std::vector<at::Tensor> all = tensors(f);
    for (at::Tensor& x : all) x = x.to(type);
    const OpPaths paths;
    chunk_state(inputs_of(f, all, 16));
    return op_use_text(paths.uses().at(0));
  };
  CHECK(use({.length = 3, .decay = Decay::channel}, at::kFloat) ==
        "chunk_state reference (a decay for every channel)");
  CHECK(use({.length = 3, .removes = true}, at::kFloat) == "chunk_state reference (a term of rank 1)");
  CHECK(use({.length = 3}, at::kDouble) == "chunk_state reference (Double: the loops take fp32)");
  CHECK_THAT(use({.length = 3, .decay = Decay::head}, at::kFloat), Catch::StartsWith("chunk_state loops"));
  const Form f{.length = 3, .removes = true};
  ChunkStateInputs in = inputs_of(f, tensors(f), 16);
  CHECK_THROWS_WITH(chunk_state(in, "loops"),
                    "chunk_state: path = loops: must be auto or reference for a term of rank 1");
  in.b_BLGK = at::Tensor();
  CHECK_THROWS_WITH(chunk_state(in), "chunk_state: a, b: expected both or none");
  in.a_BLGK = at::Tensor(), in.k_BLGK = drawn({2, 3, 3, kKeys}, "k");
  CHECK_THROWS_WITH(chunk_state(in), "chunk_state: k: groups = 3: must divide heads = 2");
  in.k_BLGK = drawn({2, 4, 2, kKeys}, "k");
  CHECK_THROWS_WITH(chunk_state(in), "chunk_state: k: expected [2, 3, *, 5], got [2, 4, 2, 5]");
}

}  // namespace chunk_state_test
