#include "models/layers/attention/linear_recurrence.h"

#include <torch/torch.h>

#include <cmath>

#include "core/testing/catch.h"
#include "models/testing/parts.h"

using namespace subband;

namespace linear_recurrence_test {

constexpr int64_t kBatch = 2, kHeads = 3, kKeys = 5, kValues = 4;

static RecurrenceInputs inputs(int64_t L, bool decay, bool state, at::ScalarType type = at::kDouble) {
  RecurrenceInputs in{testing::random({kBatch, L, kHeads, kKeys}, type, "q"),
                      testing::random({kBatch, L, kHeads, kKeys}, type, "k"),
                      testing::random({kBatch, L, kHeads, kValues}, type, "v")};
  if (decay) in.log_decay_BLH = -testing::random({kBatch, L, kHeads}, type, "g").abs();
  if (state) in.state_BHKV = testing::random({kBatch, kHeads, kKeys, kValues}, type, "s");
  return in;
}

// The recurrence for one sequence and head, in scalar loops. Replaces the state, returns [L,V].
static at::Tensor by_definition(const RecurrenceInputs& in, int64_t b, int64_t h, at::Tensor& state) {
  const auto q = in.q_BLHK.accessor<double, 4>(), k = in.k_BLHK.accessor<double, 4>(),
             v = in.v_BLHV.accessor<double, 4>();
  const int64_t L = in.q_BLHK.size(1);
  state = in.state_BHKV.defined() ? in.state_BHKV[b][h].clone() : at::zeros({kKeys, kValues}, at::kDouble);
  at::Tensor y = at::zeros({L, kValues}, at::kDouble);
  auto S = state.accessor<double, 2>();
  auto out = y.accessor<double, 2>();
  for (int64_t t = 0; t < L; ++t) {
    const double kept = in.log_decay_BLH.defined() ? std::exp(in.log_decay_BLH[b][t][h].item<double>()) : 1;
    for (int64_t i = 0; i < kKeys; ++i) {
      for (int64_t j = 0; j < kValues; ++j) {
        S[i][j] = kept * S[i][j] + k[b][t][h][i] * v[b][t][h][j];
        out[t][j] += S[i][j] * q[b][t][h][i];
      }
    }
  }
  return y;
}

static bool close(const at::Tensor& a, const at::Tensor& b, double limit) {
  return testing::relative_rms(a, b) < limit;
}

static RecurrenceInputs part_of(const RecurrenceInputs& in, int64_t from, int64_t length, at::Tensor state) {
  return {
      in.q_BLHK.narrow(1, from, length), in.k_BLHK.narrow(1, from, length), in.v_BLHV.narrow(1, from, length),
      in.log_decay_BLH.defined() ? in.log_decay_BLH.narrow(1, from, length) : at::Tensor(), std::move(state)};
}

TEST_CASE("chunked, recurrent and quadratic are the recurrence, whatever the chunk", "[linear_recurrence]") {
  for (const bool decay : {false, true}) {
    for (const bool state : {false, true}) {
      for (const int64_t L : {1, 2, 7, 37}) {
        const RecurrenceInputs in = inputs(L, decay, state);
        const RecurrenceOutputs loop = linear_recurrence::recurrent(in),
                                pairs = linear_recurrence::quadratic(in);
        for (int64_t b = 0; b < kBatch; ++b) {
          for (int64_t h = 0; h < kHeads; ++h) {
            CAPTURE(decay, state, L, b, h);
            at::Tensor last;
            const at::Tensor y = by_definition(in, b, h, last);
            CHECK(close(loop.y_BLHV[b].select(1, h), y, 1e-12));
            CHECK(close(loop.state_BHKV[b][h], last, 1e-12));
          }
        }
        CHECK(close(pairs.y_BLHV, loop.y_BLHV, 1e-12));
        CHECK(close(pairs.state_BHKV, loop.state_BHKV, 1e-12));
        for (const int64_t chunk : {1, 2, 7, 16, 37, 64}) {
          CAPTURE(decay, state, L, chunk);
          const RecurrenceOutputs chunks = linear_recurrence::chunked(in, chunk);
          CHECK(close(chunks.y_BLHV, loop.y_BLHV, 1e-12));
          CHECK(close(chunks.state_BHKV, loop.state_BHKV, 1e-12));
        }
      }
    }
  }
}

TEST_CASE("in single precision the forms agree to 1e-5, in half they are computed in single",
          "[linear_recurrence]") {
  for (const bool decay : {false, true}) {
    const RecurrenceOutputs exact = linear_recurrence::recurrent(inputs(300, decay, true));
    RecurrenceInputs in = inputs(300, decay, true);
    for (at::Tensor* x : {&in.q_BLHK, &in.k_BLHK, &in.v_BLHV, &in.log_decay_BLH, &in.state_BHKV}) {
      if (x->defined()) *x = x->to(at::kFloat);
    }
    for (const int64_t chunk : {1, 64, 300}) {
      CHECK(close(linear_recurrence::chunked(in, chunk).y_BLHV, exact.y_BLHV, 1e-5));
    }
    CHECK(close(linear_recurrence::recurrent(in).y_BLHV, exact.y_BLHV, 1e-5));
    CHECK(close(linear_recurrence::quadratic(in).y_BLHV, exact.y_BLHV, 1e-5));
    in.q_BLHK = in.q_BLHK.to(at::kBFloat16);
    CHECK(linear_recurrence::chunked(in, 64).y_BLHV.scalar_type() == at::kFloat);
    CHECK(close(linear_recurrence::chunked(in, 64).y_BLHV, exact.y_BLHV, 2e-2));
  }
}

TEST_CASE("a sequence cut anywhere goes on from the state of its first part", "[linear_recurrence]") {
  for (const bool decay : {false, true}) {
    const RecurrenceInputs in = inputs(37, decay, true);
    const RecurrenceOutputs whole = linear_recurrence::chunked(in, 8);
    for (const int64_t at_token : {1, 8, 20, 36}) {
      CAPTURE(decay, at_token);
      const RecurrenceOutputs first = linear_recurrence::chunked(part_of(in, 0, at_token, in.state_BHKV), 8);
      const RecurrenceOutputs rest =
          linear_recurrence::chunked(part_of(in, at_token, 37 - at_token, first.state_BHKV), 5);
      CHECK(close(at::cat({first.y_BLHV, rest.y_BLHV}, 1), whole.y_BLHV, 1e-12));
      CHECK(close(rest.state_BHKV, whole.state_BHKV, 1e-12));
    }
  }
}

TEST_CASE("the chunked form has the gradients of the loop, the initial state's too", "[linear_recurrence]") {
  const auto gradients = [](bool chunks) {
    RecurrenceInputs in = inputs(11, true, true);
    std::vector<at::Tensor> all = {in.q_BLHK, in.k_BLHK, in.v_BLHV, in.log_decay_BLH, in.state_BHKV};
    for (at::Tensor& x : all) x.requires_grad_();
    const RecurrenceOutputs out =
        chunks ? linear_recurrence::chunked(in, 4) : linear_recurrence::recurrent(in);
    const at::Tensor c = testing::random(out.y_BLHV.sizes(), at::kDouble, "c");
    ((out.y_BLHV * c).sum() + out.state_BHKV.square().sum()).backward();
    for (at::Tensor& x : all) x = x.grad();
    return all;
  };
  const std::vector<at::Tensor> ours = gradients(true), loop = gradients(false);
  for (size_t i = 0; i < ours.size(); ++i) {
    CAPTURE(i);
    CHECK(close(ours[i], loop[i], 1e-12));
  }
}

TEST_CASE("what comes later changes no bit of the chunked form, strong decay makes no NaN",
          "[linear_recurrence]") {
  RecurrenceInputs in = inputs(23, true, false, at::kFloat);
  const at::Tensor before = linear_recurrence::chunked(in, 8).y_BLHV;
  for (at::Tensor* x : {&in.k_BLHK, &in.v_BLHV, &in.q_BLHK}) x->narrow(1, 13, 10).mul_(-100);
  const at::Tensor after = linear_recurrence::chunked(in, 8).y_BLHV;
  CHECK(at::equal(after.narrow(1, 0, 13), before.narrow(1, 0, 13)));
  CHECK_FALSE(at::equal(after, before));
  in.log_decay_BLH = at::full({kBatch, 23, kHeads}, -1e4, at::kFloat).requires_grad_();
  const at::Tensor y = linear_recurrence::chunked(in, 8).y_BLHV;
  y.sum().backward();
  CHECK(at::isfinite(y).all().item<bool>());
  CHECK(at::isfinite(in.log_decay_BLH.grad()).all().item<bool>());
  // Nothing but the token itself is left.
  CHECK(close(y, (in.q_BLHK * in.k_BLHK).sum(-1, true) * in.v_BLHV, 1e-6));
}

TEST_CASE("the recurrence refuses shapes that do not fit", "[linear_recurrence]") {
  RecurrenceInputs in = inputs(5, true, true);
  in.k_BLHK = in.k_BLHK.narrow(1, 0, 4);
  CHECK_THROWS_WITH(linear_recurrence::chunked(in, 4),
                    "linear_recurrence: k: expected [2, 5, 3, 5], got [2, 4, 3, 5]");
}

}  // namespace linear_recurrence_test
