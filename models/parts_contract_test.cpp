// What every part of a wavelet block promises, tried on every part that is registered, or on the one of $SUBBAND_CHECK. The
// contract of mixers is mixer_contract_test.cpp.
#include <torch/torch.h>

#include <functional>

#include "core/testing/catch.h"
#include "models/bypass.h"
#include "models/channel_mixer.h"
#include "models/lifting.h"
#include "models/scale_mixer.h"
#include "models/testing/build.h"
#include "models/testing/mixer_cases.h"
#include "models/transform.h"

namespace parts_contract_test {
using namespace subband;
using testing::random_double;
using testing::relative_error;
using testing::Workshop;

constexpr int64_t kWidth = 12, kPadded = 16, kLevels = 3, kLength = 21;
constexpr double kExact = 1e-9;  // of fp64

static BlockContext frame() { return {.width = kWidth, .padded_width = kPadded, .levels = kLevels}; }

template <class Interface>
static std::vector<std::string> names_of() {
  Registry registry;
  register_models_parts(registry);
  std::vector<std::string> names = registry.of<Interface>().names();
  if (!testing::only_mixer().empty())
    std::erase_if(names, [](const std::string& name) { return name != testing::only_mixer(); });
  return names;
}

// In fp64, away from its initial weights, every parameter with its purpose.
template <class Interface>
static std::shared_ptr<Interface> made(const Workshop& workshop, const std::string& name,
                                       const typename Interface::Context& context) {
  auto part = workshop.make<Interface>(name, {}, context);
  part->eval();
  testing::perturb(*part, 0.05);
  CHECK_NOTHROW(parameters_of(*part));
  return part;
}

// Gradients reach x, and all that come are finite.
static void check_gradients(torch::nn::Module& part, const at::Tensor& x,
                            const std::function<at::Tensor(at::Tensor)>& f) {
  const at::Tensor input = x.clone().requires_grad_();
  const at::Tensor y = f(input);
  CHECK(at::isfinite(y).all().item<bool>());
  (y * random_double(y.sizes(), 11)).sum().backward();
  CHECK(input.grad().defined());
  if (input.grad().defined()) CHECK(at::isfinite(input.grad()).all().item<bool>());
  for (const at::Tensor& each : part.parameters())
    if (each.grad().defined()) CHECK(at::isfinite(each.grad()).all().item<bool>());
}

// Where along `axis` the answer changes when x changes at one place.
static std::vector<int64_t> changed(const at::Tensor& x, int64_t axis, int64_t place,
                                    const std::function<at::Tensor(at::Tensor)>& f) {
  const torch::NoGradGuard no_gradient;
  at::Tensor other = x.clone();
  other.select(axis, place).add_(random_double(other.select(axis, place).sizes(), 13));
  const at::Tensor differs = f(x).ne(f(other));
  std::vector<int64_t> places;
  for (int64_t i = 0; i < x.size(axis); ++i)
    if (differs.select(axis, i).any().item<bool>()) places.push_back(i);
  return places;
}

TEST_CASE("every transform is linear, undone by its inverse, and at least as wide as asked for",
          "[contract][transform]") {
  const Workshop workshop;
  for (const std::string& name : names_of<Transform>()) {
    const auto part = made<Transform>(workshop, name, frame());
    for (const int64_t width : {1, 12, 16}) {
      CAPTURE(name, width);
      CHECK(part->padded_width(width) >= width);
    }
    CAPTURE(name);
    const at::Tensor a = random_double({3, 2, 5, kPadded}), b = random_double({3, 2, 5, kPadded}, 4);
    CHECK(relative_error(part->inverse(part->forward(a)), a) < kExact);
    CHECK(relative_error(part->forward(a + 2 * b), part->forward(a) + 2 * part->forward(b)) < kExact);
    const at::Tensor gains = random_double({3}, 5);
    CHECK(relative_error(part->inverse_scaled(a, gains), part->inverse(a) * gains.view({-1, 1, 1, 1})) <
          kExact);
    check_gradients(*part, a, [&](const at::Tensor& z) { return part->forward(z); });
  }
}

TEST_CASE("every dilation looks back between its nearest and its farthest distance, and nowhere else",
          "[contract][dilation]") {
  const Workshop workshop;
  for (const std::string& name : names_of<Dilation>()) {
    const auto part = made<Dilation>(workshop, name, frame());
    for (int64_t level = 0; level < kLevels; ++level) {
      CAPTURE(name, level);
      CHECK(1 <= part->nearest(level));
      CHECK(part->nearest(level) <= part->reach(level));
      const auto past = [&](const at::Tensor& c) { return part->past(c, level); };
      const std::vector<int64_t> places = changed(random_double({2, kLength, kPadded}), 1, 4, past);
      REQUIRE(!places.empty());
      CHECK(places.front() >= 4 + part->nearest(level));
      CHECK(places.back() <= 4 + part->reach(level));
      check_gradients(*part, random_double({2, kLength, kPadded}), past);
    }
  }
}

TEST_CASE("every lifting splits a sequence by what is past, and puts it together again",
          "[contract][lifting]") {
  const Workshop workshop;
  const auto dilation = workshop.slot<Dilation>("dyadic", {}, frame());
  for (const std::string& name : names_of<Lifting>()) {
    CAPTURE(name);
    LiftingContext context;
    static_cast<BlockContext&>(context) = frame();
    context.dilation = &dilation;
    const auto part = made<Lifting>(workshop, name, context);
    const at::Tensor h = random_double({2, kLength, kPadded});
    const at::Tensor z = part->decompose(h);
    CHECK(z.sizes() == at::IntArrayRef({kLevels + 1, 2, kLength, kPadded}));
    const bool is_blend = name == "multi_basis";  // exact only where its wavelets agree, as it says itself
    CHECK(relative_error(part->reconstruct(z), h) < (is_blend ? 1e-3 : kExact));
    const std::vector<int64_t> places = changed(h, 1, 9, [&](const at::Tensor& x) {
      return part->decompose(x).transpose(0, 1).flatten(0, 1).contiguous();
    });
    REQUIRE(!places.empty());
    CHECK(places.front() >= 9);
    check_gradients(*part, h, [&](const at::Tensor& x) { return part->decompose(x); });
  }
}

TEST_CASE("every scale mixer works on each position alone", "[contract][scale_mixer]") {
  const Workshop workshop;
  for (const std::string& name : names_of<ScaleMixer>()) {
    CAPTURE(name);
    const auto part = made<ScaleMixer>(workshop, name, frame());
    const at::Tensor z = random_double({kLevels + 1, 2, kLength, kPadded});
    const auto forward = [&](const at::Tensor& x) { return part->forward(x); };
    CHECK(forward(z).sizes() == z.sizes());
    CHECK(changed(z, 2, 9, forward) == std::vector<int64_t>{9});
    check_gradients(*part, z, forward);
  }
}

TEST_CASE("every channel mixer works on each position alone", "[contract][channel_mixer]") {
  const Workshop workshop;
  for (const std::string& name : names_of<ChannelMixer>()) {
    CAPTURE(name);
    const auto part = made<ChannelMixer>(workshop, name, frame());
    const at::Tensor x = random_double({2, kLength, kWidth});
    const auto forward = [&](const at::Tensor& each) { return part->forward(each); };
    CHECK(forward(x).sizes() == x.sizes());
    CHECK(changed(x, 1, 9, forward) == std::vector<int64_t>{9});
    check_gradients(*part, x, forward);
  }
}

TEST_CASE("every bypass sums up the past alone, in pieces as at once", "[contract][bypass]") {
  const Workshop workshop;
  for (const std::string& name : names_of<Bypass>()) {
    CAPTURE(name);
    const auto part = made<Bypass>(workshop, name, frame());
    const at::Tensor x = random_double({2, kLength, kWidth}),
                     z = random_double({kLevels + 1, 2, kLength, kPadded}, 4);
    const auto applied = [&](const at::Tensor& each) { return part->apply(z, part->summary(each), {}); };
    CHECK(applied(x).sizes() == z.sizes());
    const at::Tensor whole = part->summary(x);
    if (!whole.defined()) continue;  // there is none
    const auto summary = [&](const at::Tensor& each) { return part->summary(each); };
    const std::vector<int64_t> places = changed(x, 1, 9, summary);
    REQUIRE(!places.empty());
    CHECK(places.front() == 9);
    check_gradients(*part, x, summary);
    SequenceState state;
    std::vector<at::Tensor> pieces;
    for (const auto& [first, length] : {std::pair<int64_t, int64_t>{0, 5}, {5, 1}, {6, kLength - 6}}) {
      pieces.push_back(part->summary(x.narrow(1, first, length), {.state = &state}));
      state.advance(length);
    }
    CHECK(relative_error(at::cat(pieces, 1), whole) < kExact);
    CHECK(state.bytes() == 2 * part->state_bytes(8));
  }
}

}  // namespace parts_contract_test
