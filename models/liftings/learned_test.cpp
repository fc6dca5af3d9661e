#include <cmath>

#include "core/testing/catch.h"
#include "models/lifting.h"
#include "models/testing/build.h"

using namespace subband;

namespace learned_lifting_test {

/// A lifting with a dyadic dilation, away from its initial weights, in double precision.
std::shared_ptr<Lifting> make(const testing::Settings& settings, int64_t width, int64_t levels,
                              Stabilizers stabilizers = {}) {
  const testing::Workshop workshop;
  LiftingContext context;
  context.padded_width = width;
  context.levels = levels;
  context.stabilizers = stabilizers;
  Initializer initializer(plain_generator(1));
  context.initializer = &initializer;
  const Slot<Dilation> dilation = workshop.slot<Dilation>("dyadic", {}, context);
  context.dilation = &dilation;
  return workshop.make<Lifting>("learned", settings, context);
}

double gelu(double x) { return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0))); }

/// N(x) at one position, from the tensors of `net.LEVEL`.
std::vector<double> network(const torch::nn::Module& lifting, const std::string& name,
                            const std::vector<double>& x) {
  const auto tensors = lifting.named_parameters();
  std::vector<double> in = x;
  for (const char* layer : {".first", ".last"}) {
    const at::Tensor weight = tensors[name + layer + ".weight"], bias = tensors[name + layer + ".bias"];
    std::vector<double> out(static_cast<size_t>(weight.size(0)));
    for (int64_t i = 0; i < weight.size(0); ++i) {
      double sum = bias[i].item<double>();
      for (int64_t j = 0; j < weight.size(1); ++j)
        sum += weight[i][j].item<double>() * in[static_cast<size_t>(j)];
      out[static_cast<size_t>(i)] = std::string(layer) == ".first" ? gelu(sum) : sum;
    }
    in = out;
  }
  return in;
}

}  // namespace learned_lifting_test

TEST_CASE("the learned lifting follows its definition", "[learned]") {
  const int64_t width = 3, levels = 2, length = 7;
  const auto lifting =
      learned_lifting_test::make({{"hidden_multiplier", testing::integer(2)}}, width, levels);
  testing::perturb(*lifting);
  const at::NoGradGuard no_gradient;
  const at::Tensor h = testing::random_double({2, length, width});
  const at::Tensor z = lifting->decompose(h);
  REQUIRE(z.sizes() == at::IntArrayRef({3, 2, length, width}));
  const double root_half = 1 / std::sqrt(2.0);
  at::Tensor c = h.clone();
  for (int64_t level = 0; level < levels; ++level) {
    at::Tensor next = at::empty_like(c), detail = at::empty_like(c);
    for (int64_t b = 0; b < 2; ++b)
      for (int64_t t = 0; t < length; ++t) {
        const std::string at_level = "." + std::to_string(level);
        std::vector<double> now(3), d(3);
        for (int64_t i = 0; i < width; ++i) now[static_cast<size_t>(i)] = c[b][t][i].item<double>();
        const auto predicted = learned_lifting_test::network(*lifting, "predict" + at_level, now);
        const int64_t back = t - (int64_t{1} << level);
        for (int64_t i = 0; i < width; ++i) {
          const double past = back >= 0 ? c[b][back][i].item<double>() : 0;
          d[static_cast<size_t>(i)] = (past - predicted[static_cast<size_t>(i)]) * root_half;
        }
        const auto updated = learned_lifting_test::network(*lifting, "update" + at_level, d);
        for (int64_t i = 0; i < width; ++i) {
          detail[b][t][i] = d[static_cast<size_t>(i)];
          next[b][t][i] = (now[static_cast<size_t>(i)] + updated[static_cast<size_t>(i)]) * root_half;
        }
      }
    CHECK(z[levels - level].allclose(detail, 1e-12, 1e-12));
    c = next;
  }
  CHECK(z[0].allclose(c, 1e-12, 1e-12));
}

TEST_CASE("the learned lifting puts together what it took apart, with any weights", "[learned]") {
  for (const char* init : {"haar", "zero", "random"}) {
    const auto lifting = learned_lifting_test::make({{"init", config::Node(init)}}, 5, 4);
    testing::perturb(*lifting, 0.3);
    const at::Tensor h = testing::random_double({3, 9, 5});
    CHECK(lifting->reconstruct(lifting->decompose(h)).allclose(h, 1e-10, 1e-12));
    CHECK_FALSE(lifting->reconstruct(lifting->decompose(h) * 1.1).allclose(h, 1e-3, 1e-3));
  }
}

TEST_CASE("initial weights of the learned lifting: identities, halves, zeros, and damping by level",
          "[learned]") {
  const at::Tensor one = at::eye(4, at::kDouble);
  const auto haar = learned_lifting_test::make({}, 4, 2);
  const auto values = haar->named_parameters();
  CHECK(values["predict.1.first.weight"].equal(one));
  CHECK(values["predict.1.last.weight"].equal(one));
  CHECK(values["update.1.last.weight"].equal(one * 0.5));
  const auto damped = learned_lifting_test::make({}, 4, 3, {.lifting_level = true})->named_parameters();
  CHECK(damped["predict.2.first.weight"].equal(one));
  CHECK(damped["predict.2.last.weight"].allclose(one / 1.2, 1e-6));
  CHECK(damped["update.1.last.weight"].allclose(one / 2.2, 1e-6));
  const auto wide = learned_lifting_test::make({{"hidden_multiplier", testing::integer(3)}}, 4, 1);
  const at::Tensor w0 = wide->named_parameters()["predict.0.first.weight"];
  CHECK(w0.narrow(0, 0, 4).equal(one));
  CHECK(w0.narrow(0, 4, 8).abs().max().item<double>() < 0.06);
  CHECK(w0.narrow(0, 4, 8).abs().min().item<double>() > 0);
  const auto zero = learned_lifting_test::make({{"init", config::Node("zero")}}, 4, 1);
  CHECK(zero->named_parameters()["update.0.last.weight"].abs().max().item<double>() == 0);
  CHECK(zero->named_parameters()["update.0.first.weight"].abs().max().item<double>() > 0);
  CHECK(zero->named_parameters()["update.0.first.bias"].abs().min().item<double>() > 0);
}

TEST_CASE("what no identity fills starts as noise of deviation 0.01, biases at zero", "[learned]") {
  const auto deviation = [](const at::Tensor& weight) { return weight.std().item<double>(); };
  const auto wide = learned_lifting_test::make({{"hidden_multiplier", testing::integer(3)}}, 32, 2);
  const auto haar = wide->named_parameters();
  const auto random =
      learned_lifting_test::make({{"init", config::Node("random")}}, 32, 2)->named_parameters();
  for (const char* net : {"predict.0", "update.0", "predict.1", "update.1"}) {
    INFO(net);
    const std::string first = std::string(net) + ".first.", last = std::string(net) + ".last.";
    CHECK(deviation(haar[first + "weight"].narrow(0, 32, 64)) == Approx(0.01).epsilon(0.06));
    CHECK(deviation(haar[last + "weight"].narrow(1, 32, 64)) == Approx(0.01).epsilon(0.06));
    CHECK(deviation(random[first + "weight"]) == Approx(0.01).epsilon(0.06));
    CHECK(deviation(random[last + "weight"]) == Approx(0.01).epsilon(0.06));
    for (const auto* values : {&haar, &random})
      for (const std::string& layer : {first, last})
        CHECK((*values)[layer + "bias"].count_nonzero().item<int64_t>() == 0);
  }
}

TEST_CASE("the learned lifting refuses what it cannot be, with the whole reason", "[learned]") {
  CHECK_THROWS_WITH(learned_lifting_test::make({{"init", config::Node("haarlet")}}, 4, 1),
                    "part.init = haarlet: unknown choice; known: haar, random, uniform, zero");
}
