#include "models/layers/recompute.h"

#include <c10/core/CPUAllocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include "core/error.h"
#include "core/testing/catch.h"
#include "models/mixer.h"
#include "models/testing/waveletlm.h"

using namespace subband;

namespace recompute_test {

using testing::integer;
using testing::number;
using testing::Settings;
using Node = config::Node;

/// Everything that draws, changes or carries something; with or without parameters that several applications share.
Settings busy(bool several_uses) {
  return {{"width", integer(16)},
          {"layers", integer(3)},
          {"share_lifting", Node(several_uses)},
          {"stabilize", testing::words({"all"})},
          {"stochastic_depth", number(0.5)},
          {"loop_iterations", integer(several_uses ? 2 : 1)},
          {"dropout.embedding", number(0.2)},
          {"dropout.projection", number(0.2)},
          {"dropout.mixer", number(0.2)},
          {"dropout.mlp", number(0.2)},
          {"dropout.lm_head", number(0.2)},
          {"block.levels", integer(2)},
          {"block.dilation", Node("crawl")},
          {"block.lifting.dropout", number(0.2)},
          {"block.bypass.cross_window", Node(true)},
          {"block.per_layer_embedding", Node(true)}};
}

std::shared_ptr<Net> make(const Settings& settings) {
  const auto net = testing::make_net(settings, 17, Initializer(plain_generator(3)));
  testing::perturb(*net, 0.1);
  return net;
}

/// Loss of the second of two windows, with its gradients.
at::Tensor step(Net& net, bool recompute, SequenceState& state) {
  net.set_recompute(recompute);
  at::Tensor loss;
  for (const uint64_t window : {1, 2}) {
    net.zero_grad();
    net.set_generator(plain_generator(window));
    const at::Tensor ids = at::randint(0, 17, {2, 9}, plain_generator(10 + window));
    state.next_window();
    loss = net.loss(ids.narrow(1, 0, 8), ids.narrow(1, 1, 8), {.state = &state});
    loss.backward();
  }
  return loss.detach();
}

/// Bytes that the CPU allocator holds, and the most that it held.
class Meter final : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void*, int64_t size, size_t, size_t, c10::Device) override {
    now += size;
    peak = std::max(peak, now);
  }
  bool memoryProfilingEnabled() const override { return true; }
  int64_t now = 0, peak = 0;
};

int64_t peak_of_step(Net& net, bool recompute) {
  net.set_recompute(recompute);
  const auto meter = std::make_shared<Meter>();
  const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, meter);
  const at::Tensor ids = at::randint(0, 17, {4, 65}, plain_generator(4));
  net.loss(ids.narrow(1, 0, 64), ids.narrow(1, 1, 64)).backward();
  return meter->peak;
}

/// A decoder, or a classifier, around a mixer that draws while it trains; null where the mixer has no such form.
std::shared_ptr<Net> net_around(const std::string& mixer, bool classifies) {
  Settings settings = {
      {"width", integer(8)}, {"layers", integer(3)}, {"dropout", number(0.2)}, {"mixer.type", Node(mixer)}};
  if (mixer == "performer") settings.emplace_back("mixer.redraw", integer(3));
  if (mixer == "wersa") settings.emplace_back("mixer.gate_dropout", number(0.3));
  if (mixer == "wavelet") settings.emplace_back("mixer.dropout", number(0.3));
  Initializer first(plain_generator(3));
  const NetContext context{.vocabulary = 17,
                           .length = 16,
                           .initializer = &first,
                           .classes = classifies ? 5 : 0,
                           .may_look_ahead = classifies};
  const testing::Workshop workshop;
  try {
    const auto net =
        workshop.slot<Net>(classifies ? "classifier" : "decoder_lm", settings, context).make(context);
    testing::perturb(*net, 0.1);
    return net;
  } catch (const ConfigError&) {
    return nullptr;
  }
}

/// The losses of three steps one after the other; the gradients of the last stay.
std::vector<double> three_steps(Net& net, bool recompute) {
  net.set_recompute(recompute);
  std::vector<double> losses;
  const at::Tensor keep = at::ones({2, 13}, at::kBool);
  keep[1].narrow(0, 9, 4).fill_(false);
  for (const uint64_t step : {1, 2, 3}) {
    net.zero_grad();
    net.set_generator(plain_generator(step));
    const at::Tensor ids = at::randint(0, 17, {2, 13}, plain_generator(10 + step));
    const at::Tensor y = net.forward(ids, {.keep_BL = keep});
    const at::Tensor loss = y.square().mean();
    loss.backward();
    losses.push_back(loss.item<double>());
  }
  return losses;
}

// Values and gradients of every parameter and buffer, bit for bit.
static void check_same(const Net& kept, const Net& repeated) {
  const auto ours = named_tensors(repeated);
  for (const auto& [name, tensor] : named_tensors(kept)) {
    INFO(name);
    REQUIRE(tensor.grad().defined() == ours.at(name).grad().defined());
    if (tensor.grad().defined()) CHECK(tensor.grad().equal(ours.at(name).grad()));
    CHECK(tensor.equal(ours.at(name)));
  }
}

}  // namespace recompute_test

TEST_CASE("recomputed blocks give the same loss, gradients, buffers and state, bit for bit", "[recompute]") {
  namespace test = recompute_test;
  const auto kept = test::make(test::busy(false)), repeated = test::make(test::busy(false));
  SequenceState ours, theirs;
  CHECK(test::step(*kept, false, ours).equal(test::step(*repeated, true, theirs)));
  CHECK(ours.layer(0).value("across.summary").equal(theirs.layer(0).value("across.summary")));
  test::check_same(*kept, *repeated);
}

// What several applications of blocks share has its gradient summed application by application, in another order.
TEST_CASE("with a shared lifting and loops recomputed gradients agree to rounding", "[recompute]") {
  namespace test = recompute_test;
  const auto kept = test::make(test::busy(true)), repeated = test::make(test::busy(true));
  SequenceState one, other;
  CHECK(test::step(*kept, false, one).equal(test::step(*repeated, true, other)));
  const auto ours = repeated->named_parameters();
  for (const auto& item : kept->named_parameters()) {
    INFO(item.key());
    if (item.value().grad().defined())
      CHECK(testing::relative_error(ours[item.key()].grad(), item.value().grad()) < 2e-6);
  }
}

TEST_CASE("recomputed blocks keep less: six blocks need less than half the memory", "[recompute]") {
  namespace test = recompute_test;
  const test::Settings settings = {{"width", test::integer(32)}, {"layers", test::integer(6)}};
  const int64_t kept = test::peak_of_step(*test::make(settings), false),
                repeated = test::peak_of_step(*test::make(settings), true);
  INFO("peak of a step: " << kept / 1024 << " KiB kept, " << repeated / 1024 << " KiB recomputed");
  CHECK(repeated * 2 < kept);
}

TEST_CASE("nothing is recomputed in evaluation or without gradients", "[recompute]") {
  const auto net = recompute_test::make({{"width", testing::integer(8)}});
  const at::Tensor ids = at::arange(10).view({2, 5});
  const at::Tensor plain = net->forward(ids).detach();
  net->set_recompute(true);
  const at::NoGradGuard no_gradient;
  CHECK(net->forward(ids).equal(plain));
}

TEST_CASE("decoders and classifiers around every mixer recompute their blocks bit for bit", "[recompute]") {
  namespace test = recompute_test;
  Registry registry;
  register_models_parts(registry);
  for (const std::string& mixer : registry.of<Mixer>().names()) {
    int forms = 0;
    for (const bool classifies : {false, true}) {
      CAPTURE(mixer, classifies);
      const auto kept = test::net_around(mixer, classifies), repeated = test::net_around(mixer, classifies);
      if (!kept) continue;
      ++forms;
      REQUIRE(repeated->can_recompute());
      CHECK(test::three_steps(*kept, false) == test::three_steps(*repeated, true));
      test::check_same(*kept, *repeated);
    }
    INFO(mixer);
    CHECK(forms > 0);
  }
}

TEST_CASE("a decoder of six recomputed blocks needs less than half the memory", "[recompute]") {
  namespace test = recompute_test;
  const auto peak = [](bool recompute) {
    Initializer first(plain_generator(3));
    const NetContext context{.vocabulary = 17, .length = 64, .initializer = &first};
    const testing::Workshop workshop;
    const auto net =
        workshop
            .slot<Net>("decoder_lm", {{"width", test::integer(32)}, {"layers", test::integer(6)}}, context)
            .make(context);
    return test::peak_of_step(*net, recompute);
  };
  CHECK(peak(true) * 2 < peak(false));
}
