#include "core/ops/optimizer/clipped_update.h"

#include <torch/torch.h>

#include <cmath>

#include "core/error.h"
#include "core/ops/op_paths.h"
#include "core/tensors/kept_memory.h"
#include "core/tensors/random.h"
#include "core/testing/catch.h"
#include "core/testing/fast_path.h"

using namespace subband;

namespace clipped_update_test {

static at::Tensor drawn(at::IntArrayRef shape, const std::string& name) {
  return at::empty(shape, at::kDouble).normal_(0, 1, stream(5, name));
}

// Odd sizes: of no value, one, a few, more than one piece; the third step of the first, the first of the others.
static UpdateTensors tensors_of(at::ScalarType type, testing::Layout layout = testing::Layout::dense) {
  UpdateTensors all;
  const std::vector<std::vector<int64_t>> shapes = {{1}, {5, 7}, {0, 3}, {3, 2731}};
  for (size_t i = 0; i < shapes.size(); ++i) {
    const auto own = [&](const std::string& name) { return drawn(shapes[i], name + std::to_string(i)); };
    all.parameters.push_back(testing::laid_out(own("p").to(type), layout));
    all.gradients.push_back(testing::laid_out(own("g").to(type), layout));
    all.first.push_back(testing::laid_out(own("first").abs().to(type), layout));
    all.second.push_back(testing::laid_out(own("second").abs().to(type), layout));
    all.steps.push_back(at::full({}, i == 0 ? 2.0 : 0.0));
  }
  return all;
}

static std::vector<at::Tensor> listed(const UpdateTensors& t) {
  std::vector<at::Tensor> all = t.parameters;
  for (const auto* list : {&t.first, &t.second, &t.steps}) all.insert(all.end(), list->begin(), list->end());
  return all;
}

static const UpdateRule kRule{.rate = 0.1, .weight_decay = 0.03, .eps = 1e-3, .beta1 = 0.9, .beta2 = 0.99};

// What is left of an update: parameters and state.
static std::vector<at::Tensor> updated(UpdateTensors t, bool is_adamw, const GradientClip& clip, const char* path,
                                       const UpdateRule& rule = kRule) {
  if (!is_adamw) t.second.clear(), t.steps.clear();
  (is_adamw ? clipped_adamw : clipped_adagrad)(t, rule, clip, path);
  return listed(t);
}

static GradientClip clip_at(double limit, double norm = 2) { return {at::full({}, norm), limit}; }

}  // namespace clipped_update_test

using namespace clipped_update_test;

TEST_CASE("the norm of gradients is that of all their values", "[clipped_update]") {
  const std::vector<at::Tensor> exact = tensors_of(at::kDouble).gradients;
  double sum = 0;
  for (const at::Tensor& x : exact) sum += x.square().sum().item<double>();
  const PoisonedMemory poison;
  for (const auto layout : {testing::Layout::dense, testing::Layout::strided}) {
    const std::vector<at::Tensor> given = tensors_of(at::kFloat, layout).gradients;
    CHECK(gradient_norm(given, "loops").item<double>() == Approx(std::sqrt(sum)).epsilon(3e-7));
    CHECK(gradient_norm(given, "reference").item<double>() == Approx(std::sqrt(sum)).epsilon(1e-6));
    CHECK(gradient_norm(given).equal(gradient_norm(given, "loops")));
  }
  CHECK(gradient_norm(exact).item<double>() == Approx(std::sqrt(sum)).epsilon(1e-13));
  CHECK(gradient_norm({}).item<float>() == 0);
  CHECK(gradient_norm({at::zeros({0}), at::zeros({3})}).item<float>() == 0);
  for (const float lost : {std::nanf(""), INFINITY}) {
    at::Tensor broken = at::ones({70});
    broken[66] = lost;
    CHECK(std::isnan(gradient_norm({broken}).item<float>()) == std::isnan(lost));
    CHECK_FALSE(std::isfinite(gradient_norm({broken}).item<float>()));
  }
}

TEST_CASE("an update of clipped gradients is its definition, value by value", "[clipped_update]") {
  for (const double limit : {0.0, 0.5, 9.0})
    for (const bool is_adamw : {false, true}) {
      CAPTURE(limit, is_adamw);
      const double f = limit == 0.5 ? 0.5 / (2 + 1e-6) : 1;
      const UpdateTensors start = tensors_of(at::kDouble);
      const auto got = updated(tensors_of(at::kDouble), is_adamw, clip_at(limit), "reference");
      for (size_t i = 0; i < 2; ++i)
        for (int64_t k = 0; k < start.parameters[i].numel(); ++k) {
          const auto at = [k](const at::Tensor& x) { return x.view(-1)[k].item<double>(); };
          const double p = at(start.parameters[i]), g = f * at(start.gradients[i]);
          const double first = at(start.first[i]), second = at(start.second[i]);
          if (!is_adamw) {
            const double decayed = g + 0.03 * p, sum = first + decayed * decayed;
            CHECK(at(got[i]) == Approx(p - 0.1 * decayed / (std::sqrt(sum) + 1e-3)).epsilon(1e-12));
            CHECK(at(got[4 + i]) == Approx(sum).epsilon(1e-12));
            continue;
          }
          const double t = i == 0 ? 3 : 1, m = 0.9 * first + 0.1 * g, v = 0.99 * second + 0.01 * g * g;
          const double moved = m / (1 - std::pow(0.9, t)) / (std::sqrt(v / (1 - std::pow(0.99, t))) + 1e-3);
          CHECK(at(got[i]) == Approx(p - 0.1 * 0.03 * p - 0.1 * moved).epsilon(1e-12));
          CHECK(at(got[4 + i]) == Approx(m).epsilon(1e-12));
          CHECK(at(got[8 + i]) == Approx(v).epsilon(1e-12));
          CHECK(got[12 + i].item<double>() == t);
        }
    }
}

TEST_CASE("the loops of an update are as exact as the reference, in poisoned and in strided memory", "[clipped_update]") {
  for (const double limit : {0.0, 0.5})
    for (const double decay : {0.0, 0.03})
      for (const bool is_adamw : {false, true}) {
        CAPTURE(limit, decay, is_adamw);
        UpdateRule rule = kRule;
        rule.weight_decay = decay;
        const auto on = [&](at::ScalarType type, testing::Layout layout, const char* path) {
          auto all = updated(tensors_of(type, layout), is_adamw, clip_at(limit), path, rule);
          std::erase_if(all, [](const at::Tensor& x) { return x.numel() == 0; });
          return all;
        };
        const auto exact = on(at::kDouble, testing::Layout::dense, "reference");
        const auto plain = on(at::kFloat, testing::Layout::dense, "reference");
        const PoisonedMemory poison;
        const auto fast = on(at::kFloat, testing::Layout::dense, "loops");
        const auto again = on(at::kFloat, testing::Layout::dense, "loops");
        const auto strided = on(at::kFloat, testing::Layout::strided, "loops");
        testing::check_errors(fast, exact, plain);
        for (size_t i = 0; i < fast.size(); ++i) {
          CHECK(fast[i].equal(again[i]));
          CHECK(fast[i].equal(strided[i]));
        }
      }
}

TEST_CASE("an update leaves gradients alone, and a norm that is none leaves no parameter a number", "[clipped_update]") {
  for (const char* path : {"reference", "loops"})
    for (const bool is_adamw : {false, true}) {
      CAPTURE(path, is_adamw);
      const UpdateTensors start = tensors_of(at::kFloat);
      UpdateTensors t = start;
      for (at::Tensor& each : t.parameters) each = each.clone();
      const auto got = updated(t, is_adamw, clip_at(0.5, std::nan("")), path);
      CHECK(got[1].isnan().all().item<bool>());
      CHECK(start.gradients[3].equal(tensors_of(at::kFloat).gradients[3]));
    }
}

TEST_CASE("autograd sees that an update by loops has changed what it kept", "[clipped_update]") {
  const at::Tensor weight = at::ones({3}).requires_grad_(), y = (weight * weight).sum();
  clipped_adagrad({.parameters = {weight}, .gradients = {at::ones({3})}, .first = {at::zeros({3})}, .second = {}, .steps = {}},
                  {.rate = 0.1, .weight_decay = 0, .eps = 1}, {}, "loops");
  CHECK_THROWS_WITH(y.backward(), Catch::Contains("modified by an inplace operation"));
}

TEST_CASE("an update refuses what does not belong together", "[clipped_update]") {
  UpdateTensors t = tensors_of(at::kFloat);
  t.second.clear(), t.steps.clear();
  CHECK_THROWS_WITH(clipped_adamw(t, kRule, {}),
                    "clipped_adamw: tensors: expected as many gradients and tensors of state as there are parameters");
  t.gradients[1] = at::zeros({7, 5});
  CHECK_THROWS_WITH(clipped_adagrad(t, kRule, {}), "clipped_adagrad: gradient: expected [5, 7], got [7, 5]");
  t.gradients[1] = at::zeros({5, 7}, at::kDouble);
  CHECK_THROWS_WITH(clipped_adagrad(t, kRule, {}, "loops"),
                    "clipped_adagrad: path = loops: must be auto, reference, loops (CPU, fp32) or cuda (CUDA, fp32)");
  const OpPaths paths;
  clipped_adagrad(t, kRule, {});
  CHECK(op_use_text(paths.uses().at(0)) == "clipped_adagrad reference (Double: the loops take fp32)");
}
