// What every mixer promises, tried on every mixer that is registered.
#include <torch/torch.h>
#include <unistd.h>

#include <cmath>

#include "core/error.h"
#include "core/tensors/digest.h"
#include "core/testing/catch.h"
#include "models/mixer.h"
#include "models/testing/going_on.h"
#include "models/testing/mixer_cases.h"
#include "models/testing/parts.h"

using namespace subband;

namespace mixer_contract_test {

using testing::MixerCase;

static std::shared_ptr<Mixer> make(const MixerCase& each, uint64_t seed = 1) {
  return each.made(Initializer(plain_generator(seed)));
}

static Tensors tensors_of(const Mixer& mixer) {
  Tensors tensors;
  for (const auto& each : mixer.named_parameters()) tensors[each.key()] = each.value();
  for (const auto& each : mixer.named_buffers()) tensors[each.key()] = each.value();
  return tensors;
}

// The slope of the loss along a direction of one value, by central differences.
static double slope(Mixer& mixer, const at::Tensor& x, const at::Tensor& c, at::Tensor value,
                    const at::Tensor& direction) {
  const torch::NoGradGuard no_gradient;
  const double step = 2e-7;  // short, so that hardly a ReLU bends within it
  const at::Tensor before = value.detach().clone();
  const auto loss = [&](double way) {
    value.detach().copy_(before + way * direction);
    return (mixer.forward(x, {}) * c).sum().item<double>();
  };
  const double difference = loss(step) - loss(-step);
  value.detach().copy_(before);
  return difference / (2 * step);
}

}  // namespace mixer_contract_test

using namespace mixer_contract_test;

TEST_CASE("every mixer keeps shape and dtype, at lengths of one, odd and prime", "[mixers]") {
  for (const MixerCase& each : testing::mixer_cases()) {
    const auto mixer = make(each);
    for (const int64_t length : {1, 2, 3, 9, 31, 64}) {
      CAPTURE(each.text(), length);
      const at::Tensor x = testing::random({2, length, 8}), y = mixer->forward(x, {});
      CHECK(y.sizes() == x.sizes());
      CHECK(y.scalar_type() == at::kFloat);
      CHECK(at::isfinite(y).all().item<bool>());
      CHECK(at::isfinite(mixer->forward(30 * x, {})).all().item<bool>());
    }
    CAPTURE(each.text());
    mixer->to(at::kDouble);
    CHECK(mixer->forward(testing::random({1, 5, 8}, at::kDouble), {}).scalar_type() == at::kDouble);
  }
}

TEST_CASE("no causal mixer lets the future reach the past, and the edit shows somewhere", "[mixers]") {
  for (const MixerCase& each : testing::mixer_cases()) {
    if (!each.causal) continue;
    const auto mixer = make(each);
    const at::Tensor x = testing::random({2, 23, 8}), before = mixer->forward(x, {});
    for (const int64_t first_edited : {1, 8, 22}) {
      CAPTURE(each.text(), first_edited);
      at::Tensor edited = x.clone();
      edited.narrow(1, first_edited, 23 - first_edited).mul_(-100);
      const at::Tensor after = mixer->forward(edited, {});
      CHECK(at::equal(after.narrow(1, 0, first_edited), before.narrow(1, 0, first_edited)));
      CHECK_FALSE(at::equal(after, before));
    }
  }
}

TEST_CASE("no output of a causal mixer has a slope in a later input", "[mixers]") {
  for (const MixerCase& each : testing::mixer_cases()) {
    if (!each.causal) continue;
    const auto mixer = make(each);
    for (const int64_t last : {0, 7, 15}) {
      CAPTURE(each.text(), last);
      const at::Tensor x = testing::random({2, 17, 8}).requires_grad_();
      mixer->forward(x, {}).select(1, last).square().sum().backward();
      CHECK(x.grad().narrow(1, last + 1, 16 - last).abs().max().item<double>() == 0);
      CHECK(x.grad().select(1, last).abs().max().item<double>() > 0);
    }
  }
}

TEST_CASE("every mixer that is not causal lets the future reach the past", "[mixers]") {
  for (const MixerCase& each : testing::mixer_cases()) {
    if (each.causal) continue;
    CAPTURE(each.text());
    const auto mixer = make(each);
    const at::Tensor x = testing::random({1, 9, 8});
    at::Tensor edited = x.clone();
    edited.narrow(1, 8, 1).add_(1);
    CHECK_FALSE(at::equal(mixer->forward(edited, {}).narrow(1, 0, 1), mixer->forward(x, {}).narrow(1, 0, 1)));
  }
}

TEST_CASE("padding on the right changes nothing for the real tokens of any mixer", "[mixers]") {
  for (const MixerCase& each : testing::mixer_cases()) {
    CAPTURE(each.text());
    const auto mixer = make(each);
    mixer->to(at::kDouble);
    const at::Tensor alone = testing::random({1, 11, 8}, at::kDouble);
    const at::Tensor padding = 50 * testing::random({1, 6, 8}, at::kDouble, "padding");
    const at::Tensor keep = at::ones({1, 17}, at::kBool);
    keep.narrow(1, 11, 6).fill_(false);
    const at::Tensor padded = mixer->forward(at::cat({alone, padding}, 1), {.keep_BL = keep});
    CHECK(at::allclose(padded.narrow(1, 0, 11), mixer->forward(alone, {}), 0, 1e-12));
  }
}

TEST_CASE("what stands in a hole of the padding reaches nobody, or the hole is refused", "[mixers]") {
  for (const MixerCase& each : testing::mixer_cases()) {
    CAPTURE(each.text());
    const auto mixer = make(each);
    const at::Tensor x = testing::random({1, 9, 8}), other = x.clone(), keep = at::ones({1, 9}, at::kBool);
    other.select(1, 3).mul_(-50);
    keep.select(1, 3).fill_(false);
    try {
      const at::Tensor ours = mixer->forward(x, {.keep_BL = keep}), theirs = mixer->forward(other, {.keep_BL = keep});
      CHECK(at::equal(ours.index({keep}), theirs.index({keep})));
    } catch (const ShapeError& error) {
      CHECK(std::string(error.what()) ==
            each.name + ": keep: a real token stands right of padding; padding must be last");
    }
  }
}

TEST_CASE("a sequence of a batch is mixed as if it stood alone, by every mixer", "[mixers]") {
  for (const MixerCase& each : testing::mixer_cases()) {
    CAPTURE(each.text());
    const auto mixer = make(each);
    const at::Tensor x = testing::random({3, 13, 8});
    CHECK(testing::relative_rms(mixer->forward(x.narrow(0, 1, 1), {}),
                                mixer->forward(x, {}).narrow(0, 1, 1)) < 1e-6);
  }
}

TEST_CASE("the same seed gives every mixer the same weights, another seed others", "[mixers]") {
  for (const MixerCase& each : testing::mixer_cases()) {
    CAPTURE(each.text());
    const Tensors weights = tensors_of(*make(each, 1));
    CHECK(digest(weights) == digest(tensors_of(*make(each, 1))));
    if (!weights.empty()) CHECK(digest(weights) != digest(tensors_of(*make(each, 2))));
  }
}

TEST_CASE("every mixer has the same names and shapes on the meta device", "[mixers]") {
  for (const MixerCase& each : testing::mixer_cases()) {
    CAPTURE(each.text());
    const auto shapes = each.made(Initializer::meta());
    const Tensors real = tensors_of(*make(each)), planned = tensors_of(*shapes);
    REQUIRE(real.size() == planned.size());
    for (const auto& [name, tensor] : real) {
      CHECK(planned.at(name).sizes() == tensor.sizes());
      CHECK(planned.at(name).is_meta());
    }
  }
}

TEST_CASE("every mixer goes through a file and answers the same", "[mixers]") {
  const auto path = std::filesystem::temp_directory_path() / ("subband_mixer_" + std::to_string(::getpid()));
  for (const MixerCase& each : testing::mixer_cases()) {
    CAPTURE(each.text());
    const auto mixer = make(each, 1), other = make(each, 2);
    write_safetensors(path, tensors_of(*mixer));
    const torch::NoGradGuard no_gradient;
    const Safetensors read = read_safetensors(path);
    for (auto& [name, tensor] : tensors_of(*other)) tensor.copy_(read.tensors.at(name));
    const at::Tensor x = testing::random({2, 9, 8});
    CHECK(at::equal(mixer->forward(x, {}), other->forward(x, {})));
  }
  std::filesystem::remove(path);
}

TEST_CASE("the state of every mixer grows, if at all, and its path has a name", "[mixers]") {
  for (const MixerCase& each : testing::mixer_cases()) {
    CAPTURE(each.text());
    const auto mixer = make(each);
    CHECK(mixer->state_bytes(200, 4) >= mixer->state_bytes(100, 4));
    CHECK_FALSE(mixer->path().empty());
  }
}

TEST_CASE("the gradients of every mixer are its slopes", "[mixers]") {
  for (const MixerCase& each : testing::mixer_cases()) {
    const auto mixer = make(each);
    mixer->to(at::kDouble);
    const at::Tensor x = testing::random({2, 5, 8}, at::kDouble).requires_grad_(),
                     c = testing::random({2, 5, 8}, at::kDouble, "c");
    (mixer->forward(x, {}) * c).sum().backward();
    std::vector<std::pair<std::string, at::Tensor>> all = {{"x", x}};
    for (const auto& parameter : mixer->named_parameters())
      all.emplace_back(parameter.key(), parameter.value());
    for (const auto& [name, value] : all) {
      CAPTURE(each.text(), name);
      const at::Tensor direction = testing::random(value.sizes(), at::kDouble, "direction");
      const double along = value.grad().defined() ? (value.grad() * direction).sum().item<double>() : 0;
      CHECK(along == Approx(slope(*mixer, x.detach(), c, value, direction)).epsilon(1e-6).margin(1e-7));
    }
  }
}

TEST_CASE("no mixer reads memory that it has not written", "[mixers]") {
  at::Context& context = at::globalContext();
  context.setDeterministicAlgorithms(true, true);
  context.setDeterministicFillUninitializedMemory(true);
  REQUIRE(at::isnan(at::empty({4})).all().item<bool>());
  for (const MixerCase& each : testing::mixer_cases()) {
    CAPTURE(each.text());
    const auto mixer = make(each);
    const at::Tensor x = testing::random({2, 9, 8}).requires_grad_();
    const at::Tensor y = mixer->forward(x, {});
    y.sum().backward();
    CHECK(at::isfinite(y).all().item<bool>());
    CHECK(at::isfinite(x.grad()).all().item<bool>());
    if (!mixer->can_continue()) continue;
    SequenceState state;
    CHECK(at::isfinite(testing::in_pieces(*mixer, x.detach(), {3, 1, 2}, state)).all().item<bool>());
  }
  context.setDeterministicAlgorithms(false, false);
}

TEST_CASE("a mixer that cannot go on from a past says so", "[mixers]") {
  for (const MixerCase& each : testing::mixer_cases()) {
    const auto mixer = make(each);
    if (mixer->can_continue()) continue;
    CAPTURE(each.text());
    SequenceState state;
    CHECK_THROWS_WITH(mixer->forward(at::zeros({1, 3, 8}), {.state = &state}),
                      each.name + ": state: this one reads whole windows and cannot go on from a past");
  }
}

TEST_CASE("a mixer without a causal form refuses `causal` and says why", "[mixers]") {
  for (const std::string& name : testing::mixer_names()) {
    for (const bool causal : {true, false}) {
      CAPTURE(name, causal);
      try {
        MixerCase{name, causal}.made(Initializer::meta());
      } catch (const ConfigError& error) {
        CHECK_THAT(error.what(), Catch::StartsWith("part.type = " + name + ": "));
        CHECK_THAT(error.what(), Catch::ContainsSubstring("causal"));
        CHECK_THAT(error.what(), !Catch::ContainsSubstring("\n"));
      }
    }
  }
}

TEST_CASE("a longer sequence than told is mixed or refused, by every mixer", "[mixers]") {
  for (const MixerCase& each : testing::mixer_cases()) {
    CAPTURE(each.text());
    const auto mixer = make(each);
    const at::Tensor x = testing::random({1, 80, 8});
    try {
      const at::Tensor y = mixer->forward(x, {});
      CHECK(y.sizes() == x.sizes());
      CHECK(at::isfinite(y).all().item<bool>());
    } catch (const ShapeError& error) {
      CHECK_THAT(error.what(),
                 Catch::ContainsSubstring(each.name + ": length of x = 80: must be at most 64"));
    }
  }
}

TEST_CASE("every mixer answers half precision in half precision, near its exact answer", "[mixers]") {
  for (const MixerCase& each : testing::mixer_cases()) {
    for (const at::ScalarType type : {at::kBFloat16, at::kHalf}) {
      CAPTURE(each.text(), type);
      const auto mixer = make(each);
      mixer->to(type);
      const at::Tensor x = testing::random({2, 13, 8}).to(type), y = mixer->forward(x, {});
      CHECK(y.scalar_type() == type);
      mixer->to(at::kDouble);
      CHECK(testing::relative_rms(y, mixer->forward(x.to(at::kDouble), {})) < 2e-2);
    }
  }
}

TEST_CASE("NaN at padded tokens reaches no real token of any mixer", "[mixers]") {
  for (const MixerCase& each : testing::mixer_cases()) {
    CAPTURE(each.text());
    const auto mixer = make(each);
    const at::Tensor x = testing::random({2, 12, 8}), keep = at::ones({2, 12}, at::kBool);
    keep[1].narrow(0, 7, 5).fill_(false);
    const at::Tensor wanted = mixer->forward(x, {.keep_BL = keep})[1].narrow(0, 0, 7);
    x[1].narrow(0, 7, 5).fill_(std::nan(""));
    const at::Tensor y = mixer->forward(x, {.keep_BL = keep});
    CHECK(at::isfinite(y[0]).all().item<bool>());
    CHECK(at::equal(y[1].narrow(0, 0, 7), wanted));
  }
}

TEST_CASE("loud, silent and constant inputs make no mixer's answer or gradient infinite", "[mixers]") {
  for (const MixerCase& each : testing::mixer_cases()) {
    for (const double scale : {0.0, 30.0}) {
      for (const bool constant : {false, true}) {
        CAPTURE(each.text(), scale, constant);
        const auto mixer = make(each);
        const at::Tensor drawn = constant ? at::ones({2, 33, 8}) : testing::random({2, 33, 8});
        const at::Tensor x = (scale * drawn).requires_grad_(), y = mixer->forward(x, {});
        y.square().sum().backward();
        CHECK(at::isfinite(y).all().item<bool>());
        CHECK(at::isfinite(x.grad()).all().item<bool>());
        for (const at::Tensor& parameter : mixer->parameters()) {
          if (parameter.grad().defined()) CHECK(at::isfinite(parameter.grad()).all().item<bool>());
        }
      }
    }
  }
}

TEST_CASE("a sequence without any real token disturbs no mixer", "[mixers]") {
  for (const MixerCase& each : testing::mixer_cases()) {
    CAPTURE(each.text());
    const auto mixer = make(each);
    const at::Tensor x = testing::random({2, 6, 8}).requires_grad_(), keep = at::ones({2, 6}, at::kBool);
    keep[1].fill_(false);
    const at::Tensor y = mixer->forward(x, {.keep_BL = keep});
    y.sum().backward();
    CHECK(at::isfinite(y).all().item<bool>());
    CHECK(at::isfinite(x.grad()).all().item<bool>());
    CHECK(testing::relative_rms(y.narrow(0, 0, 1), mixer->forward(x.narrow(0, 0, 1), {})) < 1e-6);
  }
}
