#include "core/testing/kernel_orders.h"
// What it gives a meaning to
#include "core/ops/recurrence/chunk_state.cuh"

#include <cmath>

namespace recurrence_kernels_test {

using namespace kernel_grid;
namespace kernel = subband::chunk_state_kernel;

// Heads of queries read groups of keys and values; the values have a one behind them.
struct Form {
  int64_t batch, length, heads, groups, keys, values;
  int64_t columns() const { return values + 1; }
  int64_t repeats() const { return heads / groups; }
};

static size_t whole(int64_t count) { return static_cast<size_t>(count); }

static SubbandRows rows(const Floats& data, const Form& f, int64_t heads, int64_t width, bool with_one = false) {
  return {data.data(), f.length * heads * width, heads * width, width, f.heads / heads, width, with_one};
}

struct Data {
  Floats q, k, v, g, of_y, state, of_state;
};

static Data data_of(const Form& f) {
  const int64_t tokens = f.batch * f.length;
  Data d{drawn(whole(tokens * f.heads * f.keys), 1),
         drawn(whole(tokens * f.groups * f.keys), 2),
         drawn(whole(tokens * f.groups * f.values), 3),
         drawn(whole(tokens * f.groups), 4),
         drawn(whole(tokens * f.heads * f.columns()), 5),
         drawn(whole(f.batch * f.groups * f.keys * f.columns()), 6),
         drawn(whole(f.batch * f.groups * f.keys * f.columns()), 7)};
  for (float& g : d.g) g = -std::abs(g);
  return d;
}

// One walk: what it writes, and its last state behind that.
static Floats walked(const Form& f, SubbandChunkWalk w, const Floats& state_in, bool transposed, int64_t out_width) {
  w.sequences = f.batch, w.length = f.length, w.heads = f.heads, w.groups = f.groups;
  const int64_t K = f.keys, V = f.columns(), outs = w.per_group ? f.groups : f.heads;
  w.rows = transposed ? V : K, w.columns = transposed ? K : V;
  w.row_stride = transposed ? 1 : V, w.column_stride = transposed ? V : 1;
  w.state_in = state_in.data(), w.out_width = out_width;
  const int64_t count = f.batch * f.length * outs * out_width, states = f.batch * f.groups * K * V;
  const unsigned warps = static_cast<unsigned>(w.rows < kernel::kMostWarps ? w.rows : kernel::kMostWarps);
  const Launch launch{.blocks = {static_cast<unsigned>(f.batch * outs), static_cast<unsigned>((w.columns + 31) / 32), 1},
                      .threads = 32 * warps,
                      .shared_bytes = warps * kernel::kStep * 32 * sizeof(float)};
  return in_every_order(whole(count + states), launch, [&](float* out, void* shared) {
    w.out = out, w.state_out = out + count;
    kernel::walk_body(w, static_cast<float*>(shared));
  });
}

using Wide = std::vector<double>;
struct Wanted {
  Wide y, of_q, of_k, of_v;  // each with the state behind it that its walk ends with
};

// By the recurrence and its adjoint, one number after the other.
static Wanted by_definition(const Form& f, const Data& d) {
  const int64_t K = f.keys, V = f.columns(), tokens = f.batch * f.length, states = f.batch * f.groups * K * V;
  Wanted w{Wide(whole(tokens * f.heads * V + states)), Wide(whole(tokens * f.heads * K + states)),
           Wide(whole(tokens * f.groups * K + states)), Wide(whole(tokens * f.groups * f.values + states))};
  const auto at = [](const Floats& x, int64_t i) { return static_cast<double>(x[whole(i)]); };
  for (int64_t n = 0; n < f.batch; ++n)
    for (int64_t h = 0; h < f.heads; ++h) {
      const int64_t group = h / f.repeats(), place = n * f.groups + group;
      const auto row = [&](int64_t t) { return (n * f.length + t) * f.heads + h; };
      const auto of_group = [&](int64_t t) { return (n * f.length + t) * f.groups + group; };
      const auto v = [&](int64_t t, int64_t x) { return x < f.values ? at(d.v, of_group(t) * f.values + x) : 1.0; };
      std::vector<Wide> S(whole(f.length + 1), Wide(whole(K * V)));
      for (int64_t i = 0; i < K * V; ++i) S[0][whole(i)] = at(d.state, place * K * V + i);
      for (int64_t t = 0; t < f.length; ++t)
        for (int64_t r = 0; r < K; ++r)
          for (int64_t x = 0; x < V; ++x) {
            double& s = S[whole(t + 1)][whole(r * V + x)];
            s = std::exp(at(d.g, of_group(t))) * S[whole(t)][whole(r * V + x)] + at(d.k, of_group(t) * K + r) * v(t, x);
            w.y[whole(row(t) * V + x)] += s * at(d.q, row(t) * K + r);
            w.of_q[whole(row(t) * K + r)] += s * at(d.of_y, row(t) * V + x);
          }
      Wide G(whole(K * V));
      if (h % f.repeats() == 0)
        for (int64_t i = 0; i < K * V; ++i) {
          G[whole(i)] = at(d.of_state, place * K * V + i);
          w.y[whole(tokens * f.heads * V + place * K * V + i)] = S[whole(f.length)][whole(i)];
        }
      for (int64_t t = f.length - 1; t >= 0; --t)
        for (int64_t r = 0; r < K; ++r)
          for (int64_t x = 0; x < V; ++x) {
            double& g = G[whole(r * V + x)];
            g += at(d.q, row(t) * K + r) * at(d.of_y, row(t) * V + x);
            w.of_k[whole(of_group(t) * K + r)] += g * v(t, x);
            if (x < f.values) w.of_v[whole(of_group(t) * f.values + x)] += g * at(d.k, of_group(t) * K + r);
            g *= std::exp(at(d.g, of_group(t)));
          }
      for (int64_t i = 0; i < K * V; ++i) {
        w.of_k[whole(tokens * f.groups * K + place * K * V + i)] += G[whole(i)];
        w.of_v[whole(tokens * f.groups * f.values + place * K * V + i)] += G[whole(i)];
      }
    }
  return w;
}

TEST_CASE("the body of the kernel for a matrix state is the recurrence, forward and backward", "[kernels]") {
  for (const Form& f : {Form{1, 1, 1, 1, 1, 1}, {2, 19, 2, 2, 3, 4}, {1, 70, 4, 2, 9, 33}}) {
    CAPTURE(f.length, f.heads, f.keys, f.values);
    const Data d = data_of(f);
    const Wanted wanted = by_definition(f, d);
    const SubbandRows q = rows(d.q, f, f.heads, f.keys), k = rows(d.k, f, f.groups, f.keys),
                      v = rows(d.v, f, f.groups, f.values, true), g = rows(d.of_y, f, f.heads, f.columns());
    SubbandChunkWalk w{};
    w.log_decay = rows(d.g, f, f.groups, 1);
    w.a = k, w.b = v, w.c = q;
    check_near(walked(f, w, d.state, false, f.columns()), wanted.y, 1e-4);
    w.a = v, w.b = k, w.c = g;
    Floats of_q = walked(f, w, d.state, true, f.keys);
    of_q.resize(whole(f.batch * f.length * f.heads * f.keys));
    check_near(of_q, Wide(wanted.of_q.begin(), wanted.of_q.begin() + static_cast<std::ptrdiff_t>(of_q.size())), 1e-4);
    w.back = w.per_group = true;
    w.a = q, w.b = g, w.c = k;
    check_near(walked(f, w, d.of_state, false, f.values), wanted.of_v, 1e-4);
    w.a = g, w.b = q, w.c = v;
    check_near(walked(f, w, d.of_state, true, f.keys), wanted.of_k, 1e-4);
  }
}

}  // namespace recurrence_kernels_test
