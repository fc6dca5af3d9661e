#include "core/ops/recurrence/chunk_state.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/ops/op_choice.h"
#include "core/ops/op_paths.h"
#include "core/ops/recurrence/chunk_state_cuda.h"
#include "core/ops/recurrence/chunk_state_loops.h"
#include "core/tensors/costs/recorded.h"
#include "core/tensors/device.h"
#include "core/tensors/expect.h"

namespace subband {

namespace chunk_state_paths {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr double kNsPerThread = 50e3;
constexpr int64_t kCachedValues = 1 << 17;  // of states

// Rows that stand side by side, wherever tokens, heads and sequences begin.
at::Tensor with_whole_rows(const at::Tensor& x) {
  return !x.defined() || x.size(-1) < 2 || x.stride(-1) == 1 ? x : x.contiguous();
}

// What the fast paths work on: fp32, one device, g for a head.
struct Tensors {
  at::Tensor q, k, v, log_decay, state;  // the last two may be undefined
  bool with_weights;

  int64_t batch() const { return q.size(0); }
  int64_t length() const { return q.size(1); }
  int64_t heads() const { return q.size(2); }
  int64_t groups() const { return k.size(2); }
  int64_t repeats() const { return heads() / groups(); }
  int64_t key_width() const { return q.size(3); }
  int64_t value_width() const { return v.size(3) + (with_weights ? 1 : 0); }
  std::vector<int64_t> state_shape() const { return {batch(), groups(), key_width(), value_width()}; }
  std::vector<int64_t> y_shape() const { return {batch(), length(), heads(), value_width()}; }
  at::Tensor fresh_state() const {
    return state.defined() ? state.contiguous().clone() : at::zeros(state_shape(), q.options());
  }
  Tensors usable() const {
    return {with_whole_rows(q), with_whole_rows(k), with_whole_rows(v), log_decay, state, with_weights};
  }
};

ChunkStateInputs as_inputs(const Tensors& t) {
  ChunkStateInputs in{.q_BLHK = t.q, .k_BLGK = t.k, .v_BLGV = t.v};
  in.log_decay = t.log_decay, in.state_BGKV = t.state, in.with_weights = t.with_weights;
  return in;
}

const float* head_of(const at::Tensor& x, int64_t sequence, int64_t head) {
  return x.const_data_ptr<float>() + sequence * x.stride(0) + head * x.stride(2);
}

Rows rows_of(const at::Tensor& x, int64_t sequence, int64_t head, bool with_one = false) {
  if (!x.defined()) return {nullptr, 0, 0};
  return {head_of(x, sequence, head), x.stride(1), x.size(3), with_one};
}

RowsOut rows_out(at::Tensor& x, int64_t sequence, int64_t head, bool adds) {
  if (!x.defined()) return {nullptr, 0, 0};
  float* const data = x.mutable_data_ptr<float>() + sequence * x.stride(0) + head * x.stride(2);
  return {data, x.stride(1), x.dim() == 3 ? 1 : x.size(3), adds};
}

HeadInputs head_inputs(const Tensors& t, int64_t sequence, int64_t head) {
  const int64_t group = head / t.repeats();
  HeadInputs in{t.length(), rows_of(t.q, sequence, head), rows_of(t.k, sequence, group),
                rows_of(t.v, sequence, group, t.with_weights), {nullptr, 0}};
  if (t.log_decay.defined()) in.log_decay = {head_of(t.log_decay, sequence, group), t.log_decay.stride(1)};
  return in;
}

// Groups of one sequence whose states stay in the cache together, [first, end).
struct Some {
  int64_t sequence, first, end;
};

// body(groups): a thread's. A group's heads stay together, so that sums over them have one order.
template <class Body>
void each_some(const Tensors& t, double times, const Body& body) {
  const int64_t count = t.batch() * t.groups();
  if (count == 0) return;
  const double ns = times * static_cast<double>(t.repeats()) * loops_ns(head_inputs(t, 0, 0));
  const int64_t grain = static_cast<int64_t>(kNsPerThread / std::max(ns, 1.0)) + 1;
  const int64_t values = std::max<int64_t>(1, t.key_width() * t.value_width() * t.repeats());
  const int64_t most = std::max<int64_t>(1, kCachedValues / values);
  at::parallel_for(0, count, grain, [&](int64_t first, int64_t end) {
    for (int64_t i = first; i < end;) {
      const int64_t group = i % t.groups();
      const Some some{i / t.groups(), group, std::min({group + most, t.groups(), group + end - i})};
      body(some);
      i += some.end - some.first;
    }
  });
}

ChunkStateOutputs loops_forward(const Tensors& t) {
  at::Tensor y = at::empty(t.y_shape(), t.q.options()), state = t.fresh_state();
  const auto values = static_cast<size_t>(t.key_width() * t.value_width());
  float* const states = state.mutable_data_ptr<float>();
  each_some(t, 1, [&](const Some& some) {
    const int64_t repeats = t.repeats();
    std::vector<HeadForward> heads;
    std::vector<float> others(values * static_cast<size_t>((some.end - some.first) * (repeats - 1)));
    float* next = others.data();
    for (int64_t group = some.first; group < some.end; ++group) {
      float* const own = states + static_cast<size_t>(some.sequence * t.groups() + group) * values;
      for (int64_t head = group * repeats; head < (group + 1) * repeats; ++head) {
        float* const place = head % repeats == 0 ? own : std::exchange(next, next + values);
        if (place != own) std::copy_n(own, values, place);
        heads.push_back({head_inputs(t, some.sequence, head), place, rows_out(y, some.sequence, head, false)});
      }
    }
    forward(heads);
  });
  return {y, state};
}

// Of q, k, v, g and the state; undefined where nobody asks.
struct Gradients {
  at::Tensor q, k, v, log_decay, state;
};

// `state`: holds that of the last state; becomes the first one's.
void loops_backward(const Tensors& t, const at::Tensor& of_y, Gradients& to) {
  const auto values = static_cast<size_t>(t.key_width() * t.value_width());
  const at::Tensor start = t.state.defined() ? t.state.contiguous() : at::zeros(t.state_shape(), t.q.options());
  const float* const starts = start.const_data_ptr<float>();
  float* const states = to.state.mutable_data_ptr<float>();
  each_some(t, 3, [&](const Some& some) {
    const int64_t repeats = t.repeats(), n = some.sequence;
    std::vector<HeadBackward> heads;
    // The last state is that of a group's first head.
    std::vector<float> others(values * static_cast<size_t>((some.end - some.first) * (repeats - 1)), 0.0f);
    float* next = others.data();
    for (int64_t group = some.first; group < some.end; ++group) {
      const size_t place = static_cast<size_t>(n * t.groups() + group) * values;
      for (int64_t head = group * repeats; head < (group + 1) * repeats; ++head) {
        const bool adds = head % repeats != 0;
        heads.push_back({head_inputs(t, n, head), starts + place, rows_of(of_y, n, head),
                         adds ? std::exchange(next, next + values) : states + place, rows_out(to.q, n, head, false),
                         rows_out(to.k, n, group, adds), rows_out(to.v, n, group, adds),
                         rows_out(to.log_decay, n, group, adds)});
      }
    }
    backward(heads);
    next = others.data();
    for (int64_t group = some.first; group < some.end; ++group)
      for (int64_t r = 1; r < repeats; ++r, next += values)
        std::transform(next, next + values, states + static_cast<size_t>(n * t.groups() + group) * values,
                       states + static_cast<size_t>(n * t.groups() + group) * values, std::plus<float>());
  });
}

SubbandRows cuda_rows(const at::Tensor& x, int64_t heads, bool with_one = false) {
  if (!x.defined()) return {nullptr, 0, 0, 0, 1, 0, false};
  return {x.const_data_ptr<float>(), x.stride(0), x.stride(1), x.stride(2), heads / x.size(2),
          x.dim() == 3 ? 1 : x.size(3), with_one};
}

struct CudaWalk {
  const char* what;  // y, or the gradient of q, k or v
  const at::Tensor &state_in, &state_out, &out;
};

void cuda_walk(const Tensors& t, const at::Tensor& of_y, const CudaWalk& to) {
  const SubbandRows q = cuda_rows(t.q, t.heads()), k = cuda_rows(t.k, t.heads()),
                    v = cuda_rows(t.v, t.heads(), t.with_weights), g = cuda_rows(of_y, t.heads());
  const int64_t K = t.key_width(), V = t.value_width();
  SubbandChunkWalk w{};
  w.sequences = t.batch(), w.length = t.length(), w.heads = t.heads(), w.groups = t.groups();
  w.log_decay = cuda_rows(t.log_decay, t.heads());
  const bool keys_out = to.what[0] == 'q' || to.what[0] == 'k';
  w.rows = keys_out ? V : K, w.columns = keys_out ? K : V;
  w.row_stride = keys_out ? 1 : V, w.column_stride = keys_out ? V : 1;
  w.back = w.per_group = to.what[0] == 'k' || to.what[0] == 'v';
  if (to.what[0] == 'y') w.a = k, w.b = v, w.c = q;
  if (to.what[0] == 'q') w.a = v, w.b = k, w.c = g;
  if (to.what[0] == 'v') w.a = q, w.b = g, w.c = k;
  if (to.what[0] == 'k') w.a = g, w.b = q, w.c = v;
  w.state_in = to.state_in.defined() ? to.state_in.const_data_ptr<float>() : nullptr;
  w.state_out = to.state_out.defined() ? to.state_out.mutable_data_ptr<float>() : nullptr;
  w.out = to.out.mutable_data_ptr<float>(), w.out_width = to.out.size(3);
  w.stream = cuda_stream(t.q.device());
  cuda_launch<decltype(subband_cuda_chunk_walk)>("chunk_state", "subband_cuda_chunk_walk", &w);
}

ChunkStateOutputs cuda_forward(const Tensors& t) {
  at::Tensor y = at::empty(t.y_shape(), t.q.options()), state = at::zeros(t.state_shape(), t.q.options());
  const at::Tensor start = t.state.defined() ? t.state.contiguous() : t.state;
  cuda_walk(t, {}, {"y", start, state, y});
  return {y, state};
}

void cuda_backward(const Tensors& t, const at::Tensor& of_y_given, Gradients& to) {
  const at::Tensor none, start = t.state.defined() ? t.state.contiguous() : t.state;
  const at::Tensor of_y = of_y_given.defined() ? of_y_given : at::zeros(t.y_shape(), t.q.options());
  const at::Tensor last = to.state, of_q = to.q.defined() ? to.q : at::empty(t.q.sizes(), t.q.options());
  const at::Tensor of_k = to.k.defined() ? to.k : at::empty(t.k.sizes(), t.q.options());
  const at::Tensor of_v = to.v.defined() ? to.v : at::empty(t.v.sizes(), t.q.options());
  to.state = at::zeros(t.state_shape(), t.q.options());
  cuda_walk(t, of_y, {"q", start, none, of_q});
  cuda_walk(t, of_y, {"v", last, to.state, of_v});
  cuda_walk(t, of_y, {"k", last, none, of_k});
  if (!to.log_decay.defined()) return;
  // ∂g_t = sum over s >= t of q ∂q - k ∂k, and the last state's own product: long sums, so in fp64
  const at::Tensor own = (t.q * of_q).sum(-1, false, at::kDouble).unflatten(2, {t.groups(), t.repeats()}).sum(-1) -
                         (t.k * of_k).sum(-1, false, at::kDouble);
  const at::Tensor of_last = (cuda_forward(t).state_BGKV * last).sum({2, 3}, false, at::kDouble).unsqueeze(1);
  to.log_decay.copy_(own.flip(1).cumsum(1).flip(1) + of_last);
}

using Optional = std::optional<at::Tensor>;

Optional maybe(const at::Tensor& x) { return x.defined() ? Optional(x) : Optional(); }

struct ChunkState : torch::autograd::Function<ChunkState> {
  static variable_list forward(AutogradContext* context, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                               const Optional& given_decay, const Optional& given_state, bool with_weights) {
    const at::Tensor log_decay = given_decay.value_or(at::Tensor()), state = given_state.value_or(at::Tensor());
    context->save_for_backward({q, k, v, log_decay, state});
    context->saved_data["with_weights"] = with_weights;
    context->set_materialize_grads(false);
    const Tensors t = Tensors{q, k, v, log_decay, state, with_weights}.usable();
    const ChunkStateOutputs out = q.is_cuda() ? cuda_forward(t) : loops_forward(t);
    return {out.y_BLHV, out.state_BGKV};
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const bool with_weights = context->saved_data["with_weights"].toBool();
    if (c10::GradMode::is_enabled()) return again(saved, with_weights, gradients);
    const auto asked = [&](size_t i) { return saved[i].defined() && saved[i].requires_grad(); };
    const Tensors t = Tensors{saved[0], saved[1], saved[2], saved[3], saved[4], with_weights}.usable();
    const auto fresh = [&](size_t i) { return asked(i) ? at::empty(saved[i].sizes(), t.q.options()) : at::Tensor(); };
    Gradients to{fresh(0), fresh(1), fresh(2), fresh(3), {}};
    to.state = gradients[1].defined() ? gradients[1].contiguous().clone() : at::zeros(t.state_shape(), t.q.options());
    const at::Tensor of_y = with_whole_rows(gradients[0]);
    const bool on_cuda = t.q.is_cuda();
    count_op("chunk_state backward", on_cuda ? "cuda" : "loops", "");
    if (on_cuda)
      cuda_backward(t, of_y, to);
    else
      loops_backward(t, of_y, to);
    return {to.q, to.k, to.v, to.log_decay, asked(4) ? to.state : at::Tensor(), at::Tensor()};
  }

  // Where the gradients are to be differentiated again; of y and state as one tensor.
  static variable_list again(const variable_list& saved, bool with_weights, const variable_list& gradients) {
    count_op("chunk_state backward", "reference", "the gradient is differentiated again");
    const Tensors shape{saved[0], saved[1], saved[2], saved[3], saved[4], with_weights};
    const auto flat = [&](const at::Tensor& x, const std::vector<int64_t>& like) {
      return (x.defined() ? x : at::zeros(like, saved[0].options())).reshape({-1});
    };
    variable_list found = gradients_again(
        [&](const variable_list& in) {
          const ChunkStateOutputs out = reference(as_inputs({in[0], in[1], in[2], in[3], in[4], with_weights}));
          return at::cat({out.y_BLHV.reshape({-1}), out.state_BGKV.reshape({-1})});
        },
        saved, at::cat({flat(gradients[0], shape.y_shape()), flat(gradients[1], shape.state_shape())}));
    found.emplace_back();
    return found;
  }
};

void expect_inputs(const ChunkStateInputs& in) {
  const char* place = "chunk_state";
  expect_shape(place, "q", in.q_BLHK, {kAny, kAny, kAny, kAny});
  const int64_t B = in.q_BLHK.size(0), L = in.q_BLHK.size(1), H = in.q_BLHK.size(2), K = in.q_BLHK.size(3);
  expect_shape(place, "k", in.k_BLGK, {B, L, kAny, K});
  const int64_t G = in.k_BLGK.size(2);
  if (G < 1 || H % G != 0)
    throw ShapeError(place, "k: groups = " + std::to_string(G) + ": must divide heads = " + std::to_string(H));
  expect_shape(place, "v", in.v_BLGV, {B, L, G, kAny});
  if (in.log_decay.defined() && in.log_decay.dim() == 4) expect_shape(place, "log decay", in.log_decay, {B, L, G, K});
  if (in.log_decay.defined() && in.log_decay.dim() != 4) expect_shape(place, "log decay", in.log_decay, {B, L, G});
  if (in.a_BLGK.defined() != in.b_BLGK.defined()) throw ShapeError(place, "a, b: expected both or none");
  if (in.a_BLGK.defined()) expect_shape(place, "a", in.a_BLGK, {B, L, G, K});
  if (in.b_BLGK.defined()) expect_shape(place, "b", in.b_BLGK, {B, L, G, K});
  const int64_t V = in.v_BLGV.size(3) + (in.with_weights ? 1 : 0);
  if (in.state_BGKV.defined()) expect_shape(place, "state", in.state_BGKV, {B, G, K, V});
  if (in.chunk < 1) throw ShapeError(place, "chunk = " + std::to_string(in.chunk) + ": must be 1 or more");
}

// Empty where loops and kernel have the form that is asked for.
std::string why_only_reference(const ChunkStateInputs& in) {
  if (in.a_BLGK.defined()) return "a term of rank 1";
  if (in.log_decay.defined() && in.log_decay.dim() == 4) return "a decay for every channel";
  const int64_t widest = std::max(in.q_BLHK.size(3), in.v_BLGV.size(3) + (in.with_weights ? 1 : 0));
  if (in.q_BLHK.is_cuda() && widest > kMostCudaRows)
    return "heads of " + std::to_string(widest) + ": the kernel takes at most " + std::to_string(kMostCudaRows);
  return "";
}

bool takes_fast_path(const ChunkStateInputs& in, std::string_view path) {
  const std::string why = why_only_reference(in), asked = op_path("chunk_state", path);
  if (why.empty() || asked == "reference") {
    const std::vector<at::Tensor> all = {in.q_BLHK, in.k_BLGK, in.v_BLGV, in.log_decay, in.state_BGKV};
    return taken_path("chunk_state", all, path, {.cuda = KernelTypes::fp32}) != OpPath::reference;
  }
  if (asked != "auto") throw ShapeError("chunk_state", "path = " + asked + ": must be auto or reference for " + why);
  count_op("chunk_state", "reference", why);
  return false;
}

}  // namespace
}  // namespace chunk_state_paths

ChunkStateOutputs chunk_state(const ChunkStateInputs& in, std::string_view path) {
  chunk_state_paths::expect_inputs(in);
  RecordedOp op("subband::chunk_state", {in.q_BLHK, in.k_BLGK, in.v_BLGV});
  ChunkStateOutputs out;
  if (chunk_state_paths::takes_fast_path(in, path)) {
    using chunk_state_paths::maybe;
    const auto both = chunk_state_paths::ChunkState::apply(in.q_BLHK, in.k_BLGK, in.v_BLGV, maybe(in.log_decay),
                                                           maybe(in.state_BGKV), in.with_weights);
    out = {both[0], both[1]};
  } else {
    out = chunk_state_paths::reference(in);
  }
  op.gives(out.y_BLHV);
  return out;
}

}  // namespace subband
