#include "models/layers/recompute.h"

#include <c10/core/CPUAllocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include "core/testing/catch.h"
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
at::Tensor step(Net& net, bool recompute) {
  net.set_recompute(recompute);
  at::Tensor loss;
  for (const uint64_t window : {1, 2}) {
    net.zero_grad();
    net.set_generator(plain_generator(window));
    const at::Tensor ids = at::randint(0, 17, {2, 9}, plain_generator(10 + window));
    loss = net.loss(ids.narrow(1, 0, 8), ids.narrow(1, 1, 8));
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

int64_t peak_of_step(const Settings& settings, bool recompute) {
  const auto net = make(settings);
  net->set_recompute(recompute);
  const auto meter = std::make_shared<Meter>();
  const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, meter);
  const at::Tensor ids = at::randint(0, 17, {4, 65}, plain_generator(4));
  net->loss(ids.narrow(1, 0, 64), ids.narrow(1, 1, 64)).backward();
  return meter->peak;
}

}  // namespace recompute_test

TEST_CASE("recomputed blocks give the same loss, gradients, buffers and state, bit for bit", "[recompute]") {
  namespace test = recompute_test;
  const auto kept = test::make(test::busy(false)), repeated = test::make(test::busy(false));
  CHECK(test::step(*kept, false).equal(test::step(*repeated, true)));
  CHECK(kept->state().equal(repeated->state()));
  const auto ours = named_tensors(*repeated);
  for (const auto& [name, tensor] : named_tensors(*kept)) {
    INFO(name);
    REQUIRE(tensor.grad().defined() == ours.at(name).grad().defined());
    if (tensor.grad().defined()) CHECK(tensor.grad().equal(ours.at(name).grad()));
    CHECK(tensor.equal(ours.at(name)));
  }
}

// What several applications of blocks share has its gradient summed application by application, in another order.
TEST_CASE("with a shared lifting and loops recomputed gradients agree to rounding", "[recompute]") {
  namespace test = recompute_test;
  const auto kept = test::make(test::busy(true)), repeated = test::make(test::busy(true));
  CHECK(test::step(*kept, false).equal(test::step(*repeated, true)));
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
  const int64_t kept = test::peak_of_step(settings, false), repeated = test::peak_of_step(settings, true);
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
