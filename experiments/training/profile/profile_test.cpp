#include "experiments/training/profile/profile.h"

#include <ATen/ATen.h>

#include <nlohmann/json.hpp>

#include "core/json.h"
#include "core/tensors/costs/recorded.h"
#include "core/testing/catch.h"
#include "experiments/training/profile/profile_observer.h"

namespace profile_test {
using namespace subband;
using Kind = LoggedCall::Kind;

static const ProfileRow& row_of(const std::vector<ProfileRow>& rows, const std::string& name) {
  for (const ProfileRow& row : rows)
    if (row.name == name) return row;
  FAIL("no row " << name);
  return rows.front();
}

// A step of 100 us: a part of a block with a product in it, then the way back of that product.
static Profile drawn_profile() {
  Profile profile{.first_step = 3, .steps = 1, .yardsticks = {.gflops = 1, .gib_per_s = 1}};
  profile.calls = {
      {.name = "step", .kind = Kind::part, .sequence = 5, .start_us = 0, .duration_us = 100},
      {.name = "blocks.7", .kind = Kind::part, .parent = 0, .sequence = 5, .start_us = 10, .duration_us = 40},
      {.name = "lifting", .kind = Kind::part, .parent = 1, .sequence = 6, .start_us = 10, .duration_us = 30},
      {.name = "aten::linear", .parent = 2, .sequence = 6, .start_us = 10, .duration_us = 25, .bytes = 3 << 20},
      {.name = "aten::mm", .parent = 3, .sequence = 6, .start_us = 11, .duration_us = 20, .flops = 5000, .bytes = 1 << 20},
      {.name = "head", .kind = Kind::part, .parent = 0, .sequence = 7, .start_us = 50, .duration_us = 5},
      {.name = "MmBackward0", .kind = Kind::backward, .parent = 0, .sequence = 6, .start_us = 60, .duration_us = 30},
      {.name = "aten::mm", .parent = 6, .start_us = 62, .duration_us = 8, .bytes = 2 << 20},
      {.name = "torch::autograd::CppNode<subband::paths::(anonymous namespace)::Other>",
       .kind = Kind::backward, .parent = 0, .sequence = -1, .start_us = 90, .duration_us = 4}};
  return profile;
}

TEST_CASE("a profile gives every instant to one part, and the way back to the part that made it", "[profile]") {
  const ProfileTable table = profile_table(drawn_profile());
  CHECK(table.step_ms == Approx(0.1));
  const ProfileRow& lifting = row_of(table.parts, "blocks.*.lifting");
  CHECK(lifting.forward_ms == Approx(0.030));
  CHECK(lifting.backward_ms == Approx(0.030));
  CHECK(row_of(table.parts, "blocks.*").forward_ms == Approx(0.010));
  CHECK(row_of(table.parts, "head").ms() == Approx(0.005));
  CHECK(row_of(table.parts, "gradients of weights").backward_ms == Approx(0.004));
  CHECK(row_of(table.parts, "rest of the step").ms() == Approx(0.021));
  CHECK(row_of(table.operations, "aten::linear").forward_ms == Approx(0.005));
  CHECK(row_of(table.operations, "aten::mm").forward_ms == Approx(0.020));
  CHECK(row_of(table.operations, "aten::mm").calls == Approx(2));
  CHECK(row_of(table.operations, "Other, back").backward_ms == Approx(0.004));
}

TEST_CASE("the bound of a part is that of its operations, bytes or products, whichever is longer", "[profile]") {
  const ProfileRow lifting = row_of(profile_table(drawn_profile()).parts, "blocks.*.lifting");
  CHECK(lifting.mib == Approx(5));  // of the linear map, which holds the product, and of the product on the way back
  CHECK(lifting.bound_ms == Approx(5 / 1024.0 * 1e3));
  Profile fast = drawn_profile();
  fast.yardsticks.gib_per_s = 1e9;
  CHECK(row_of(profile_table(fast).parts, "blocks.*.lifting").bound_ms == Approx(0.005).epsilon(1e-3));
}

TEST_CASE("a trace holds every call with its part, in the Trace Event Format", "[profile]") {
  const Json trace = read_json(chrome_trace(drawn_profile()), "trace");
  const Json& events = trace.at("traceEvents");
  REQUIRE(events.size() == 9);
  CHECK(events[4] == read_json(R"({"name": "aten::mm", "cat": "forward", "ph": "X", "pid": 1, "tid": 0, "ts": 11.0,
      "dur": 20.0, "args": {"part": "step.blocks.7.lifting", "flops": 5000.0, "bytes": 1048576.0}})",
                               "wanted"));
  CHECK(events[7].at("cat") == "backward");
  CHECK(trace.at("otherData").at("first_step") == 3);
}

TEST_CASE("a log of calls knows products, what is written in place, and what only looks at memory", "[profile]") {
  const at::Tensor a = at::ones({3, 4}), b = at::ones({4, 5}), c = at::empty({3, 5});
  at::Tensor out = c, grown = at::ones({6});
  CallLog log;
  {
    const RecordedPart part("blocks", 2);
    at::mm_out(out, a, b);
    a.view({4, 3});
    grown.add_(1);
    at::mm(a, b);
  }
  const std::vector<LoggedCall> all = log.end();
  REQUIRE_FALSE(all.empty());
  CHECK(all[0].name == "blocks.2");
  CHECK(all[0].kind == Kind::part);
  std::vector<LoggedCall> calls;  // what LibTorch calls inside them is left out
  for (const LoggedCall& call : all)
    if (call.parent == 0) calls.push_back(call);
  REQUIRE(calls.size() == 4);
  CHECK(calls[0].flops == 2 * 3 * 4 * 5);
  CHECK(calls[0].bytes == 4 * (12 + 20 + 15));
  CHECK(calls[1].bytes == 0);
  CHECK(calls[2].bytes == 4 * 2 * 6);
  CHECK(calls[3].bytes == 4 * (12 + 20 + 15));
  at::mm(a, b);
  CHECK(log.end().empty());
}

TEST_CASE("the way back of what a part computes is that part's, whatever ran between", "[profile]") {
  const at::Tensor x = at::ones({3, 3}).requires_grad_();
  CallLog log;
  {
    const RecordedPart step("step");
    const at::Tensor first = in_part("first", [&] { return x.exp(); });
    const at::Tensor second = in_part("second", [&] { return at::sigmoid(first); });
    in_part("backward", [&] { second.sum().backward(); });
  }
  const ProfileTable table = profile_table({.calls = log.end(), .yardsticks = {.gflops = 1, .gib_per_s = 1}});
  CHECK(row_of(table.parts, "first").backward_ms > 0);
  CHECK(row_of(table.parts, "second").backward_ms > 0);
  CHECK(row_of(table.parts, "gradients of weights").backward_ms > 0);
  CHECK(row_of(table.parts, "second").forward_ms > 0);
  CHECK(row_of(table.parts, "backward").mib < 1e-3);  // the first gradient, of one value
  CHECK(row_of(table.parts, "backward").forward_ms == 0);
}

TEST_CASE("a run too short to be profiled has no profile", "[profile]") {
  ProfileObserver observer;
  for (int64_t step = 1; step <= 2; ++step) observer.stepped({.step = step, .steps = 2});
  observer.ended({});
  CHECK_FALSE(observer.profile());
}

}  // namespace profile_test
