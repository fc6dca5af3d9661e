// What everything promises that goes on from a state. Part of it here; all of it by `make check-state`, which sets
// SUBBAND_STATE_WHOLE.
#include <torch/torch.h>

#include <cmath>
#include <cstdlib>

#include "core/tensors/memory_counter.h"
#include "core/testing/catch.h"
#include "models/testing/state_cases.h"

using namespace subband;

namespace state_contract_test {

using testing::integer;
using testing::net_case;
using testing::number;
using testing::Settings;
using testing::StateCase;
using testing::Subject;
using config::Node;

/// While it lives one thread computes: what is tried here is small, and threads would wait for each other.
struct OneThread {
  const int before = at::get_num_threads();
  OneThread() { at::set_num_threads(1); }
  ~OneThread() { at::set_num_threads(before); }
};

static bool whole_contract() { return std::getenv("SUBBAND_STATE_WHOLE") != nullptr; }

static Node part(const char* type, const Settings& fields = {}) {
  Node node = Node::map();
  node.set("type", Node(type));
  for (const auto& [key, value] : fields) node.set(key, value);
  return node;
}

static std::vector<StateCase> wavelet_nets() {
  const auto lm = [](Settings settings) {
    settings.insert(settings.begin(), {{"width", integer(8)}, {"layers", integer(2)}, {"block.levels", integer(3)}});
    return net_case("wavelet_lm", settings);
  };
  const std::string memory = "block.channel_mixers.fast_weight_memory.";
  StateCase learning = lm({{"loop_block", integer(2)},
                           {memory + "keys", integer(9)},
                           {memory + "update_rate", number(0.5)},
                           {memory + "update_every", integer(5)}});
  learning.batch = 1, learning.gradients = false, learning.learns = true;
  const Node own(false), on(true);
  return {lm({}),
          lm({{"block.dilation", Node("crawl")}}),
          lm({{"block.dilation", part("crawl", {{"taps", integer(33)}})}, {"block.levels", integer(5)}}),
          lm({{"block.lifting", part("multi_basis", {{"bases", testing::words({"haar", "random", "zero"})}})},
              {"share_lifting", own}}),
          lm({{"block.lifting", Node("packet")}, {"block.levels", integer(5)}}),
          lm({{"block.lifting", Node("haar")}}),
          lm({{"block.lifting", part("linear", {{"untied_reconstruction", on}})}}),
          lm({{"block.lifting", part("learned", {{"untied_reconstruction", on}, {"hidden_multiplier", integer(2)}})},
              {"share_lifting", own}}),
          lm({{"block.lifting", Node("data_dependent")}}),
          lm({{"loop_block", integer(3)}}),
          lm({{"loop_iterations", integer(3)}}),
          lm({{"loop_block", integer(2)}, {"loop_iterations", integer(2)}, {"block.per_layer_embedding", on}}),
          lm({{"block.bypass", Node("ema")}}),
          lm({{"block.bypass", Node("none")}}),
          lm({{"width", integer(11)}, {"tie_embedding", on}}),
          lm({{"block.transform", Node("dct")}, {"block.norm_coefficients", on}, {"block.norm_synthesis", on}}),
          lm({{"block.scale_mixer.low_rank", integer(2)},
              {"block.scale_mixer.routing", on},
              {"block.channel_mixers.product_key_memory.keys", integer(16)}}),
          learning};
}

static std::vector<StateCase> other_nets() {
  const auto cells = [](Settings settings) {
    settings.insert(settings.begin(), {{"width", integer(8)}, {"cell.layers", integer(3)}, {"cell.block.levels", integer(2)}});
    return net_case("multinodal", settings);
  };
  const auto decoder = [](Settings settings) {
    settings.insert(settings.begin(), {{"width", integer(8)}, {"positions", Node("none")}});
    return net_case("decoder_lm", settings);
  };
  StateCase table = decoder({{"positions", Node("learned")}});
  table.length = 16;
  StateCase segments = decoder({{"mixer", part("transformer_xl", {{"memory", integer(64)}})}});
  segments.gradients = false;
  const Node rope = part("flash_attention", {{"rope", Node("half")}, {"kv_heads", integer(2)}});
  return {cells({}),
          cells({{"gating", Node(true)}, {"gate_interval", integer(2)}, {"cell.loop_iterations", integer(2)}}),
          cells({{"gating", Node(true)}, {"lockstep", Node("bare")}, {"combination", Node("sum")}}),
          table,
          segments,
          decoder({{"positions", Node("sinusoidal")}, {"mixer", Node("linear_attention")}}),
          decoder({{"mixer", rope}, {"norm", Node("rms")}, {"tied", Node(true)}, {"channel_mixers.swiglu", Node::map()}}),
          decoder({{"mixer", Node("performer")}}),
          decoder({{"mixer", part("retnet", {{"convolution", integer(4)}})}}),
          decoder({{"mixer", Node("wersa")}}),
          decoder({{"mixer", part("linformer_block_causal", {{"block", integer(8)}, {"slots", integer(2)}})}}),
          decoder({{"mixer", Node("wavelet")}, {"layers", integer(3)}}),
          decoder({{"layers", integer(3)},
                   {"blocks", Node::list({Node("wavelet"), Node("softmax_attention"), Node("retnet")})}})};
}

static std::vector<StateCase> all_cases() {
  std::vector<StateCase> all;
  std::vector<testing::MixerCase> mixers = testing::mixer_cases(), more = testing::more_mixer_cases();
  if (testing::only_mixer().empty()) mixers.insert(mixers.end(), more.begin(), more.end());
  for (const testing::MixerCase& each : mixers)
    if (each.causal && each.made(Initializer(plain_generator(1)))->can_continue()) all.push_back(testing::case_of(each));
  if (!testing::only_mixer().empty()) return all;
  for (const auto& nets : {wavelet_nets(), other_nets()}) all.insert(all.end(), nets.begin(), nets.end());
  return all;
}

static double off(const at::Tensor& ours, const at::Tensor& theirs) { return testing::relative_error(ours, theirs); }

// Of a sequence into pieces: token by token, a long prompt and tokens, halves, and some that a stream draws.
static std::vector<std::vector<int64_t>> cuttings(int64_t length) {
  const std::vector<int64_t> young(9, 1);
  std::vector<std::vector<int64_t>> all = {{length * 3 / 4, 1, 1, 2, length}, {length / 2}, young};
  all.back().push_back(length / 4);
  if (whole_contract()) all.push_back({1});
  const int64_t drawn = whole_contract() ? 40 : 1;
  at::Generator generator = stream(1, "cuttings");
  for (int64_t i = 0; i < drawn; ++i) {
    std::vector<int64_t> pieces;
    const at::Tensor sizes = at::empty({length}).exponential_(i % 2 == 1 ? 0.3 : 0.05, generator);
    for (int64_t k = 0; k < length; ++k) pieces.push_back(1 + static_cast<int64_t>(sizes[k].item<double>()));
    all.push_back(pieces);
  }
  return all;
}

static at::Tensor cut(Subject& subject, const at::Tensor& x, const std::vector<int64_t>& pieces, SequenceState& state,
                      const std::function<void()>& after_each = {}) {
  std::vector<at::Tensor> y;
  int64_t first = 0;
  for (size_t i = 0; first < x.size(1); ++i) {
    const int64_t piece = std::min(pieces[std::min(i, pieces.size() - 1)], x.size(1) - first);
    y.push_back(subject.fed(x.narrow(1, first, piece), state));
    first += piece;
    if (after_each) after_each();
  }
  return at::cat(y, 1);
}

}  // namespace state_contract_test

using namespace state_contract_test;

TEST_CASE("the contract tries thirty nets and more", "[state]") {
  CHECK(wavelet_nets().size() + other_nets().size() >= 30);
}

TEST_CASE("any cutting of a sequence is one pass, in fp64, over whatever the state has not written", "[state]") {
  const OneThread one_thread;
  const at::NoGradGuard no_gradient;
  for (const StateCase& each : all_cases()) {
    Subject subject(each);
    subject.to(at::kDouble);
    const at::Tensor x = subject.some(each.batch, each.length), y = subject.whole(x);
    for (const auto& pieces : cuttings(each.length)) {
      CAPTURE(each.text, pieces);
      SequenceState state;
      CHECK(off(cut(subject, x, pieces, state, [&] { state.fill_unwritten(std::nan("")); }), y) < 1e-10);
      CHECK(state.position() == each.length);
    }
  }
}

TEST_CASE("any cutting of a sequence is one pass, in fp32", "[state]") {
  const OneThread one_thread;
  const at::NoGradGuard no_gradient;
  for (const StateCase& each : all_cases()) {
    Subject subject(each);
    const at::Tensor x = subject.some(each.batch, each.length), y = subject.whole(x);
    for (const auto& pieces : {std::vector<int64_t>{1, 1, 1, each.length / 2}, {each.length - 9, 3, 1}}) {
      CAPTURE(each.text, pieces);
      SequenceState state;
      CHECK(off(cut(subject, x, pieces, state), y) < 1e-5);
    }
  }
}

TEST_CASE("rows that are chosen, copies and marks go on as if each were alone", "[state]") {
  const OneThread one_thread;
  const at::NoGradGuard no_gradient;
  for (const StateCase& each : all_cases()) {
    CAPTURE(each.text);
    Subject subject(each);
    subject.to(at::kDouble);
    const int64_t length = std::min<int64_t>(each.length, 48), half = length / 2, rest = length - half;
    const at::Tensor x = subject.some(each.batch, half), next = subject.some(each.batch, rest, "next"),
                     other = subject.some(each.batch, rest, "other");
    const at::Tensor rows = each.batch == 1 ? at::tensor({0}, at::kLong) : at::tensor({2, 0, 2, 1}, at::kLong);
    const auto alone = [&](const at::Tensor& first, const at::Tensor& second) {
      return subject.whole(at::cat({first, second}, 1)).narrow(1, half, rest);
    };
    SequenceState state;
    cut(subject, x, {half - 1, 1}, state);
    SequenceState copy = state, chosen = state;
    const SequenceState::Mark mark = state.mark();
    chosen.choose(rows);
    CHECK(off(cut(subject, next.index_select(0, rows), {1, 5}, chosen),
              alone(x.index_select(0, rows), next.index_select(0, rows))) < 1e-10);
    CHECK(off(cut(subject, other, {3}, state), alone(x, other)) < 1e-10);
    for (int round = 0; round < 2; ++round) {
      state.return_to(mark);
      CHECK(off(cut(subject, next, {1, 2}, state), alone(x, next)) < 1e-10);
    }
    SequenceState read = SequenceState::from(copy.tensors());
    for (SequenceState* from : {&copy, &read}) CHECK(off(cut(subject, next, {rest}, *from), alone(x, next)) < 1e-10);
  }
}

TEST_CASE("a state that can be cut goes on from there as if it had never read further", "[state]") {
  const OneThread one_thread;
  const at::NoGradGuard no_gradient;
  int tried = 0;
  for (const StateCase& each : all_cases()) {
    CAPTURE(each.text);
    Subject subject(each);
    subject.to(at::kDouble);
    const at::Tensor x = subject.some(each.batch, 14), next = subject.some(each.batch, 5, "next");
    SequenceState state;
    cut(subject, x, {14}, state);
    if (!state.can_cut()) {
      CHECK_THROWS_AS(state.cut(9), ShapeError);
      continue;
    }
    ++tried;
    state.cut(9);
    state.fill_unwritten(std::nan(""));
    const at::Tensor wanted = subject.whole(at::cat({x.narrow(1, 0, 9), next}, 1)).narrow(1, 9, 5);
    CHECK(off(cut(subject, next, {2, 1}, state), wanted) < 1e-10);
  }
  if (testing::only_mixer().empty()) CHECK(tried > 4);
}

TEST_CASE("a state holds as many bytes as is said, in single and in half precision, and makes room for no token",
          "[state]") {
  const OneThread one_thread;
  const at::NoGradGuard no_gradient;
  for (const StateCase& each : all_cases()) {
    for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
      CAPTURE(each.text, type);
      Subject subject(each);
      subject.to(type);
      const at::Tensor x = subject.some(each.batch, each.length);
      const int64_t width = type == at::kFloat ? 4 : 2, prompt = each.length / 2;
      SequenceState first(each.length);
      subject.fed(x.narrow(1, 0, each.length / 2), first);  // whatever a part keeps for itself is there now
      SequenceState state(each.length);
      int64_t held = 0, made = 0;
      {
        const MemoryCounter counter;
        subject.fed(x.narrow(1, 0, prompt), state);
        held = counter.held_bytes();
      }
      CHECK(state.held_bytes() == held);
      CHECK(state.bytes() == each.batch * subject.state_bytes(prompt, width));
      for (int64_t t = prompt; t < std::min(each.length, prompt + 9); ++t) {
        subject.fed(x.narrow(1, t, 1), state);
        if (t == prompt) made = state.allocations(), held = state.held_bytes();
        CHECK(state.bytes() == each.batch * subject.state_bytes(t + 1, width));
      }
      CHECK(state.allocations() == made);
      CHECK(state.held_bytes() == held);
      int64_t saved = 0;
      for (const auto& [name, tensor] : state.tensors())
        if (tensor.is_floating_point()) saved += static_cast<int64_t>(tensor.nbytes());
      CHECK(saved == state.bytes());
    }
  }
}

TEST_CASE("gradients flow back across pieces as through one pass", "[state]") {
  const OneThread one_thread;
  for (const StateCase& each : all_cases()) {
    if (!each.gradients) continue;
    CAPTURE(each.text);
    const int64_t length = std::min<int64_t>(each.length, 24);
    std::vector<std::vector<at::Tensor>> gradients;
    for (const bool pieces : {false, true}) {
      Subject subject(each);
      subject.to(at::kDouble);
      at::Tensor x = subject.some(2, length);
      if (x.is_floating_point()) x.requires_grad_();
      SequenceState state;
      const at::Tensor y = pieces ? cut(subject, x, {5, 1, 1, 9, 2}, state) : subject.whole(x);
      (y * at::linspace(-1, 1, y.numel(), y.options().requires_grad(false)).view_as(y)).sum().backward();
      auto& all = gradients.emplace_back();
      if (x.is_floating_point()) all.push_back(x.grad());
      for (const at::Tensor& parameter : subject.module().parameters()) all.push_back(parameter.grad());
    }
    for (size_t i = 0; i < gradients[0].size(); ++i) {
      if (!gradients[0][i].defined()) continue;
      REQUIRE(gradients[1][i].defined());
      CHECK((gradients[1][i] - gradients[0][i]).abs().max().item<double>() <=
            1e-9 * std::max(1.0, gradients[0][i].abs().max().item<double>()));
    }
  }
}

TEST_CASE("with cross_window cutting is part of the function: a piece reads what the last one has left", "[state]") {
  const OneThread one_thread;
  const at::NoGradGuard no_gradient;
  for (const char* bypass : {"running_mean", "ema"}) {
    const StateCase each = net_case("wavelet_lm", {{"width", integer(8)},
                                                   {"block.levels", integer(3)},
                                                   {"block.bypass", part(bypass, {{"cross_window", Node(true)}})}});
    Subject subject(each);
    subject.to(at::kDouble);
    const at::Tensor x = subject.some(2, 30), y = subject.whole(x);
    SequenceState state, again, windows;
    const at::Tensor pieces = cut(subject, x, {12, 18}, state);
    CHECK(off(pieces.narrow(1, 0, 12), y.narrow(1, 0, 12)) < 1e-10);
    CHECK(off(pieces.narrow(1, 12, 18), y.narrow(1, 12, 18)) > 1e-4);
    CHECK(at::equal(cut(subject, x, {12, 18}, again), pieces));
    // In training every window begins anew but for that.
    subject.fed(x.narrow(1, 0, 12), windows);
    windows.next_window();
    CHECK(off(subject.fed(x.narrow(1, 12, 18), windows), pieces.narrow(1, 12, 18)) > 1e-4);
    CHECK(state.bytes() == 2 * subject.state_bytes(30, 8));
  }
}
