#include "core/ops/lifting/lifting.h"

#include <torch/torch.h>

#include <cmath>

#include "core/error.h"
#include "core/ops/lifting/gelu_network.h"
#include "core/ops/products/linear.h"
#include "core/tensors/random.h"
#include "core/testing/fast_path.h"

namespace lifting_ops_test {
using namespace subband;

static at::Tensor drawn(at::IntArrayRef shape, const std::string& name) {
  return at::empty(shape, at::kDouble).normal_(0, 1, stream(3, name));
}

struct Form {
  int64_t batch, length, columns, hidden, levels, taps;  // taps 0: none given
};
static const Form kForms[] = {{1, 1, 1, 1, 1, 0},
                              {2, 7, 5, 3, 2, 3},
                              {3, 67, 17, 33, 3, 0},
                              {1, 130, 16, 16, 4, 3},
                              {2, 70, 8, 2048, 2, 3}};  // so wide a hidden layer that a block has 64 rows

static std::vector<LiftingNetwork> networks_in(const std::vector<at::Tensor>& all, size_t first,
                                               int64_t count) {
  std::vector<LiftingNetwork> networks;
  for (size_t i = first; i < first + static_cast<size_t>(4 * count); i += 4)
    networks.push_back({all[i], all[i + 1], all[i + 2], all[i + 3]});
  return networks;
}

static void add_networks(std::vector<at::Tensor>& all, const Form& form, const std::string& name) {
  const double scale = 1 / std::sqrt(static_cast<double>(form.columns)),
               last_scale = 1 / std::sqrt(static_cast<double>(form.hidden));
  for (int64_t level = 0; level < form.levels; ++level) {
    const std::string own = name + std::to_string(level);
    all.push_back(drawn({form.hidden, form.columns}, own + "w0") * scale);
    all.push_back(drawn({form.hidden}, own + "b0"));
    all.push_back(drawn({form.columns, form.hidden}, own + "w3") * last_scale);
    all.push_back(drawn({form.columns}, own + "b3"));
  }
}

static LiftingPast past_of(const Form& form, const std::vector<at::Tensor>& all) {
  LiftingPast past;
  for (int64_t level = 0; level < form.levels; ++level) past.first.push_back(int64_t{1} << level);
  if (form.taps > 0) past.weights_LK = all.back();
  return past;
}

static std::vector<at::Tensor> analysis_inputs(const Form& form) {
  std::vector<at::Tensor> all = {drawn({form.batch, form.length, form.columns}, "h")};
  add_networks(all, form, "predict");
  add_networks(all, form, "update");
  if (form.taps > 0) all.push_back(drawn({form.levels, form.taps}, "taps").softmax(1));
  return all;
}

static testing::PathOp analysis(const Form& form) {
  return [form](const std::vector<at::Tensor>& in, std::string_view path) {
    return lifting_analysis(in[0], networks_in(in, 1, form.levels),
                            networks_in(in, 1 + static_cast<size_t>(4 * form.levels), form.levels),
                            past_of(form, in), path);
  };
}

static std::vector<at::Tensor> synthesis_inputs(const Form& form) {
  std::vector<at::Tensor> all = {drawn({form.levels + 1, form.batch, form.length, form.columns}, "z")};
  add_networks(all, form, "update");
  return all;
}

static testing::PathOp synthesis(const Form& form) {
  return [form](const std::vector<at::Tensor>& in, std::string_view path) {
    return lifting_synthesis(in[0], networks_in(in, 1, form.levels), path);
  };
}

// y = W3 GELU(W0 x + b0) + b3 of one position, in double
static std::vector<double> by_definition(const LiftingNetwork& n, const at::Tensor& x) {
  std::vector<double> y;
  for (int64_t o = 0; o < n.last_CH.size(0); ++o) {
    double sum = n.last_bias_C[o].item<double>();
    for (int64_t h = 0; h < n.first_HC.size(0); ++h) {
      const double v = (n.first_HC[h] * x).sum().item<double>() + n.first_bias_H[h].item<double>();
      sum += n.last_CH[o][h].item<double>() * v * 0.5 * std::erfc(-v / std::sqrt(2.0));
    }
    y.push_back(sum);
  }
  return y;
}

TEST_CASE("the first level of the lifting is its definition, position by position", "[lifting]") {
  const Form form{2, 5, 3, 4, 1, 3};
  const auto in = analysis_inputs(form);
  const at::Tensor z = analysis(form)(in, "reference"), c = in[0];
  const LiftingNetwork predict = networks_in(in, 1, 1)[0], update = networks_in(in, 5, 1)[0];
  for (int64_t b = 0; b < 2; ++b) {
    for (int64_t t = 0; t < 5; ++t) {
      at::Tensor past = at::zeros({3}, at::kDouble);
      for (int64_t k = 0; k < 3 && t - 1 - k >= 0; ++k) past += in.back()[0][k] * c[b][t - 1 - k];
      const auto predicted = by_definition(predict, c[b][t]);
      for (int64_t i = 0; i < 3; ++i)
        CHECK(z[1][b][t][i].item<double>() ==
              Approx((past[i].item<double>() - predicted[static_cast<size_t>(i)]) / std::sqrt(2.0)));
      const auto moved = by_definition(update, z[1][b][t]);
      for (int64_t i = 0; i < 3; ++i)
        CHECK(z[0][b][t][i].item<double>() ==
              Approx((c[b][t][i].item<double>() + moved[static_cast<size_t>(i)]) / std::sqrt(2.0)));
    }
  }
}

TEST_CASE("the loops of the lifting equal the reference, forward and backward", "[lifting]") {
  for (const Form& form : kForms) {
    CAPTURE(form.length, form.columns, form.hidden, form.levels, form.taps);
    const auto in = analysis_inputs(form);
    testing::check_fast_path(analysis(form), in, form.taps > 0 ? std::vector{in.size() - 1} : std::vector<size_t>());
    testing::check_fast_path(synthesis(form), synthesis_inputs(form));
  }
  for (const Form& none : {Form{0, 7, 5, 3, 2, 3}, {2, 0, 5, 3, 2, 3}}) {
    testing::check_no_rows(analysis(none), analysis_inputs(none));
    testing::check_no_rows(synthesis(none), synthesis_inputs(none));
  }
}

TEST_CASE("the way down undoes the way up", "[lifting]") {
  const Form form{2, 33, 8, 8, 3, 3};
  std::vector<at::Tensor> in;
  for (const at::Tensor& x : analysis_inputs(form)) in.push_back(x.to(at::kFloat));
  const at::Tensor z = analysis(form)(in, "loops");
  const auto update = networks_in(in, 1 + static_cast<size_t>(4 * form.levels), form.levels);
  CHECK(at::allclose(lifting_synthesis(z, update, "loops"), in[0], 1e-4, 1e-4));
}

TEST_CASE("gradients of the lifting can be differentiated again", "[lifting]") {
  for (const Form& form : {Form{1, 9, 3, 4, 2, 3}, {1, 4, 3, 3, 2, 3}}) {
    testing::check_second_derivatives(analysis(form), analysis_inputs(form));
    testing::check_second_derivatives(synthesis(form), synthesis_inputs(form));
  }
}

TEST_CASE("the lifting refuses what it cannot take, and names it", "[lifting]") {
  const Form form{1, 4, 2, 2, 1, 0};
  const auto in = analysis_inputs(form);
  CHECK_THROWS_WITH(analysis(form)(in, "loops"),
                    "lifting_analysis: path = loops: must be auto, reference or loops (CPU, fp32)");
  CHECK_THROWS_WITH(
      lifting_analysis(in[0], networks_in(in, 1, 1), networks_in(in, 5, 1), {}),
      "lifting_analysis: levels: expected as many predictions, updates and distances, one at least");
  LiftingPast past = past_of(form, in);
  past.weights_LK = at::ones({2, 3}, at::kDouble);
  CHECK_THROWS_WITH(lifting_analysis(in[0], networks_in(in, 1, 1), networks_in(in, 5, 1), past),
                    "lifting_analysis: weights: expected [1, *], got [2, 3]");
}

TEST_CASE("the loops of the network with GELU equal the reference, forward and backward", "[gelu_network]") {
  struct Widths {
    int64_t rows, in, hidden, out;
    bool biased;
  };
  for (const Widths& w : {Widths{1, 1, 1, 1, true}, {65, 5, 7, 3, true}, {131, 16, 33, 17, false}, {4, 4, 4, 4, true}}) {
    CAPTURE(w.rows, w.hidden, w.biased);
    std::vector<at::Tensor> in = {drawn({w.rows, w.in}, "x"), drawn({w.hidden, w.in}, "w0"),
                                  drawn({w.out, w.hidden}, "w3")};
    if (w.biased) in.insert(in.end(), {drawn({w.hidden}, "b0"), drawn({w.out}, "b3")});
    const testing::PathOp op = [&](const std::vector<at::Tensor>& x, std::string_view path) {
      const at::Tensor none;
      return gelu_network(x[0], {x[1], w.biased ? x[3] : none, x[2], w.biased ? x[4] : none}, path);
    };
    testing::check_fast_path(op, in);
    testing::check_second_derivatives(op, in);
    in[0] = in[0].narrow(0, 0, 0);
    testing::check_no_rows(op, in);
  }
  const at::Tensor x = at::zeros({2, 3}), w = at::zeros({4, 3}), last = at::zeros({5, 4}), none, b = at::zeros({3});
  CHECK_THROWS_WITH(gelu_network(x, {w, b, last, none}), "gelu_network: first bias: expected [4], got [3]");
  CHECK_THROWS_WITH(gelu_network(x, {w, none, last, b}), "gelu_network: last bias: expected [5], got [3]");
  CHECK_THROWS_WITH(gelu_network(x, {last, none, last, none}), "gelu_network: first weight: expected [*, 3], got [5, 4]");
  CHECK_THROWS_WITH(gelu_network(x, {w, none, w, none}), "gelu_network: last weight: expected [*, 4], got [4, 3]");
}

TEST_CASE("hidden values that are made block by block give what all of them give, also without backward", "[gelu_network]") {
  for (const auto& [rows, hidden] : {std::pair{1030, 1100}, {4100, 300}}) {
    CAPTURE(rows, hidden);
    const std::vector<at::Tensor> in = {drawn({rows, 3}, "x"), drawn({hidden, 3}, "w0"), drawn({hidden}, "b0"),
                                        drawn({2, hidden}, "w3"), drawn({2}, "b3")};
    const testing::PathOp op = [](const std::vector<at::Tensor>& x, std::string_view path) {
      return gelu_network(x[0], {x[1], x[2], x[3], x[4]}, path);
    };
    testing::check_fast_path(op, in);
    std::vector<at::Tensor> narrow;
    for (const at::Tensor& x : in) narrow.push_back(x.to(at::kFloat));
    const at::Tensor plain = op(narrow, "loops");
    narrow[0].requires_grad_();
    CHECK(op(narrow, "loops").equal(plain));
  }
}

TEST_CASE("the linear map in one operation equals LibTorch's, forward and backward", "[linear]") {
  for (const bool biased : {false, true}) {
    std::vector<at::Tensor> in = {drawn({3, 43, 5}, "x"), drawn({7, 5}, "w")};
    if (biased) in.push_back(drawn({7}, "b"));
    const testing::PathOp op = [&](const std::vector<at::Tensor>& x, std::string_view path) {
      return linear(x[0], x[1], biased ? x[2] : at::Tensor(), path);
    };
    testing::check_fast_path(op, in);
    testing::check_second_derivatives(op, in);
    in[0] = drawn({3, 0, 5}, "x");
    testing::check_no_rows(op, in);
    in[0] = drawn({7, 5}, "x");
    testing::check_second_derivatives(op, in);
  }
}

TEST_CASE("GELU by loops is that of the normal distribution, also far out", "[gelu_network]") {
  const at::Tensor x = at::linspace(-30, 30, 6001, at::kDouble).to(at::kFloat), one = at::ones({1, 1}), none;
  const at::Tensor y =
      gelu_network(x.unsqueeze(1), {one, none, one, none}, "loops").squeeze(1).to(at::kDouble);
  const at::Tensor exact = x.to(at::kDouble) * at::special_ndtr(x.to(at::kDouble));
  const at::Tensor far = at::full({1, 1}, 1e12f), lost = at::full({1, 1}, std::nanf(""));
  CHECK(gelu_network(far, {one, none, one, none}, "loops").item<float>() == 1e12f);
  CHECK(gelu_network(-far, {one, none, one, none}, "loops").item<float>() == 0);
  CHECK(std::isnan(gelu_network(lost, {one, none, one, none}, "loops").item<float>()));
  CHECK((y - exact).abs().max().item<double>() < 2.0e-6);  // half a unit in the last place of 30 is 1e-6
  CHECK(at::allclose(y.narrow(0, 2500, 500), exact.narrow(0, 2500, 500), 2e-6, 1e-9));  // -5 to 0
}

}  // namespace lifting_ops_test
