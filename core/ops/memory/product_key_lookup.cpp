#include "core/ops/memory/product_key_lookup.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "core/error.h"
#include "core/ops/memory/product_key_loops.h"
#include "core/ops/memory/product_keys_cuda.h"
#include "core/ops/op_choice.h"
#include "core/tensors/costs/recorded.h"
#include "core/tensors/device.h"
#include "core/tensors/expect.h"

namespace subband {

namespace product_key_paths {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr int64_t kColumnsPerThread = 64;

int64_t kept_of(const ProductKeyTables& tables, int64_t top_k) {
  const int64_t side = std::min(top_k, tables.keys_a_HSE.size(1));
  return std::min(top_k, side * side);
}

// Of one head: half 0 of the query, or half 1.  Shapes  [N,E], rows apart
at::Tensor half_of(const at::Tensor& q_NHE, int64_t head, int64_t half) {
  const int64_t width = q_NHE.size(2) / 2;
  return q_NHE.select(1, head).narrow(1, half * width, width);
}

struct Lookup {
  at::Tensor q_NHE;
  ProductKeyTables tables;
  at::Tensor rows_NHK, weights_NHK;  // int32, float

  int64_t count() const { return q_NHE.size(0); }
  int64_t heads() const { return q_NHE.size(1); }
  int64_t side() const { return tables.keys_a_HSE.size(1); }
  Extent extent() const { return {side(), rows_NHK.size(2), tables.values_VC.size(1)}; }
  // Where the rows and weights of position n and head h begin.
  int64_t place(int64_t n, int64_t head) const { return (n * heads() + head) * rows_NHK.size(2); }
};

at::Tensor look_up(Lookup& l) {
  const Extent e = l.extent();
  at::Tensor scores_a = at::empty({l.count(), l.side()}, l.q_NHE.options()),
             scores_b = at::empty_like(scores_a);
  at::Tensor y = at::zeros({l.count(), e.columns}, l.q_NHE.options());
  const float* const table = l.tables.values_VC.const_data_ptr<float>();
  auto* const rows = l.rows_NHK.mutable_data_ptr<int32_t>();
  float *const weights = l.weights_NHK.mutable_data_ptr<float>(), *const to = y.mutable_data_ptr<float>();
  for (int64_t head = 0; head < l.heads(); ++head) {
    at::mm_out(scores_a, half_of(l.q_NHE, head, 0), l.tables.keys_a_HSE.select(0, head).t());
    at::mm_out(scores_b, half_of(l.q_NHE, head, 1), l.tables.keys_b_HSE.select(0, head).t());
    const float *const a = scores_a.const_data_ptr<float>(), *const b = scores_b.const_data_ptr<float>();
    each_chunk(l.count(), e.kept * e.columns, [&](int64_t first, int64_t end, int64_t) {
      for (int64_t n = first; n < end; ++n) {
        const int64_t place = l.place(n, head);
        product_key_paths::choose_pairs(e, a + n * e.side, b + n * e.side, head * e.side * e.side,
                                        rows + place, weights + place);
        product_key_paths::read_rows(e, table, rows + place, weights + place, to + n * e.columns);
      }
    });
  }
  return y;
}

struct LookupGradients {
  at::Tensor q_NHE, keys_a_HSE, keys_b_HSE, values_VC;
};

LookupGradients look_back(const Lookup& l, const at::Tensor& g_NC) {
  const Extent e = l.extent();
  const auto options = g_NC.options();
  LookupGradients found{at::empty(l.q_NHE.sizes(), options), at::empty(l.tables.keys_a_HSE.sizes(), options),
                        at::empty(l.tables.keys_b_HSE.sizes(), options),
                        at::zeros(l.tables.values_VC.sizes(), options)};
  const float *const table = l.tables.values_VC.const_data_ptr<float>(), *const g =
                                                                             g_NC.const_data_ptr<float>();
  const auto* const rows = l.rows_NHK.const_data_ptr<int32_t>();
  const float* const weights = l.weights_NHK.const_data_ptr<float>();
  for (int64_t head = 0; head < l.heads(); ++head) {
    const at::Tensor scores = at::zeros({2, l.count(), l.side()}, options);
    const at::Tensor of_a = scores.select(0, 0), of_b = scores.select(0, 1);
    float *const a = of_a.mutable_data_ptr<float>(), *const b = of_b.mutable_data_ptr<float>();
    each_chunk(l.count(), e.kept * e.columns, [&](int64_t first, int64_t end, int64_t) {
      for (int64_t n = first; n < end; ++n) {
        const int64_t place = l.place(n, head);
        product_key_paths::choose_backward(e, table, head * e.side * e.side, rows + place, weights + place,
                                           g + n * e.columns, {a + n * e.side, b + n * e.side});
      }
    });
    at::Tensor q_a = half_of(found.q_NHE, head, 0), q_b = half_of(found.q_NHE, head, 1);
    q_a.copy_(at::mm(of_a, l.tables.keys_a_HSE.select(0, head)));
    q_b.copy_(at::mm(of_b, l.tables.keys_b_HSE.select(0, head)));
    at::Tensor keys_a = found.keys_a_HSE.select(0, head), keys_b = found.keys_b_HSE.select(0, head);
    at::mm_out(keys_a, of_a.t(), half_of(l.q_NHE, head, 0));
    at::mm_out(keys_b, of_b.t(), half_of(l.q_NHE, head, 1));
  }
  // Threads share the columns, so that every sum has its rows in one order.
  float* const to = found.values_VC.mutable_data_ptr<float>();
  const int64_t work = l.rows_NHK.numel() * e.columns,
                blocks = (e.columns + kColumnsPerThread - 1) / kColumnsPerThread;
  at::parallel_for(0, blocks, work < (1 << 18) ? blocks : 1, [&](int64_t begin, int64_t stop) {
    const int64_t first = begin * kColumnsPerThread, end = std::min(e.columns, stop * kColumnsPerThread);
    for (int64_t n = 0; n < l.count(); ++n)
      for (int64_t head = 0; head < l.heads(); ++head)
        product_key_paths::add_to_rows(e, first, end, rows + l.place(n, head), weights + l.place(n, head),
                                       g + n * e.columns, to);
  });
  return found;
}

SubbandProductKeys described(const Lookup& l, int64_t head) {
  const Extent e = l.extent();
  return {l.count(), e.side, e.kept, e.columns, l.heads() * e.kept, head, cuda_stream(l.q_NHE.device())};
}

at::Tensor look_up_on_cuda(Lookup& l) {
  auto* const rows = l.rows_NHK.mutable_data_ptr<int32_t>();
  float* const weights = l.weights_NHK.mutable_data_ptr<float>();
  for (int64_t head = 0; head < l.heads(); ++head) {
    const at::Tensor a = at::mm(half_of(l.q_NHE, head, 0), l.tables.keys_a_HSE.select(0, head).t());
    const at::Tensor b = at::mm(half_of(l.q_NHE, head, 1), l.tables.keys_b_HSE.select(0, head).t());
    const SubbandProductKeys keys = described(l, head);
    cuda_launch<decltype(subband_cuda_choose_pairs)>("product_key_lookup", "subband_cuda_choose_pairs", &keys,
                                                     a.const_data_ptr<float>(), b.const_data_ptr<float>(), rows,
                                                     weights);
  }
  at::Tensor y = at::empty({l.count(), l.extent().columns}, l.q_NHE.options());
  const SubbandProductKeys keys = described(l, 0);
  cuda_launch<decltype(subband_cuda_read_rows)>("product_key_lookup", "subband_cuda_read_rows", &keys,
                                                l.tables.values_VC.const_data_ptr<float>(), rows, weights,
                                                y.mutable_data_ptr<float>());
  return y;
}

// Slots sorted by row, equal ones in their order, so that every row adds up in one order.
void add_table_gradient(const Lookup& l, const at::Tensor& g_NC, at::Tensor& of_values_VC) {
  const auto [rows, slots] = l.rows_NHK.flatten().sort(/*stable=*/true, /*dim=*/0, /*descending=*/false);
  const SubbandProductKeys keys = described(l, 0);
  const SubbandSortedSlots sorted{rows.const_data_ptr<int32_t>(), slots.const_data_ptr<int64_t>()};
  cuda_launch<decltype(subband_cuda_table_backward)>("product_key_lookup", "subband_cuda_table_backward", &keys,
                                                     &sorted, l.weights_NHK.const_data_ptr<float>(),
                                                     g_NC.const_data_ptr<float>(),
                                                     of_values_VC.mutable_data_ptr<float>());
}

LookupGradients look_back_on_cuda(const Lookup& l, const at::Tensor& g_NC) {
  const auto options = g_NC.options();
  LookupGradients found{at::empty(l.q_NHE.sizes(), options), at::empty(l.tables.keys_a_HSE.sizes(), options),
                        at::empty(l.tables.keys_b_HSE.sizes(), options),
                        at::zeros(l.tables.values_VC.sizes(), options)};
  at::Tensor of_weights = at::empty_like(l.weights_NHK);
  const auto* const rows = l.rows_NHK.const_data_ptr<int32_t>();
  const SubbandProductKeys all = described(l, 0);
  cuda_launch<decltype(subband_cuda_weights_backward)>("product_key_lookup", "subband_cuda_weights_backward", &all,
                                                       l.tables.values_VC.const_data_ptr<float>(), rows,
                                                       g_NC.const_data_ptr<float>(),
                                                       of_weights.mutable_data_ptr<float>());
  const SubbandChoice choice{rows, l.weights_NHK.const_data_ptr<float>(), of_weights.const_data_ptr<float>()};
  for (int64_t head = 0; head < l.heads(); ++head) {
    at::Tensor of_a = at::empty({l.count(), l.side()}, options), of_b = at::empty_like(of_a);
    const SubbandProductKeys keys = described(l, head);
    cuda_launch<decltype(subband_cuda_scores_backward)>("product_key_lookup", "subband_cuda_scores_backward", &keys,
                                                        &choice, of_a.mutable_data_ptr<float>(),
                                                        of_b.mutable_data_ptr<float>());
    half_of(found.q_NHE, head, 0).copy_(at::mm(of_a, l.tables.keys_a_HSE.select(0, head)));
    half_of(found.q_NHE, head, 1).copy_(at::mm(of_b, l.tables.keys_b_HSE.select(0, head)));
    found.keys_a_HSE.select(0, head).copy_(at::mm(of_a.t(), half_of(l.q_NHE, head, 0)));
    found.keys_b_HSE.select(0, head).copy_(at::mm(of_b.t(), half_of(l.q_NHE, head, 1)));
  }
  add_table_gradient(l, g_NC, found.values_VC);
  return found;
}

struct ProductKeyLookup : torch::autograd::Function<ProductKeyLookup> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& q_NHE, const at::Tensor& keys_a,
                            const at::Tensor& keys_b, const at::Tensor& values, int64_t top_k) {
    const at::AutoDispatchBelowADInplaceOrView below;
    Lookup l{q_NHE.contiguous(), {keys_a.contiguous(), keys_b.contiguous(), values.contiguous()}, {}, {}};
    const std::vector<int64_t> shape = {l.count(), l.heads(), kept_of(l.tables, top_k)};
    l.rows_NHK = at::empty(shape, q_NHE.options().dtype(at::kInt));
    l.weights_NHK = at::empty(shape, q_NHE.options());
    at::Tensor y = l.q_NHE.is_cuda() ? look_up_on_cuda(l) : look_up(l);
    context->save_for_backward({q_NHE, keys_a, keys_b, values, l.rows_NHK, l.weights_NHK});
    context->saved_data["top_k"] = top_k;
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    if (c10::GradMode::is_enabled()) {
      const int64_t top_k = context->saved_data["top_k"].toInt();
      variable_list again = gradients_again(
          [top_k](const variable_list& in) {
            return product_key_paths::reference(in[0], {in[1], in[2], in[3]}, top_k);
          },
          {saved[0], saved[1], saved[2], saved[3]}, gradients[0]);
      again.emplace_back();
      return again;
    }
    const at::AutoDispatchBelowADInplaceOrView below;
    const Lookup l{saved[0].contiguous(),
                   {saved[1].contiguous(), saved[2].contiguous(), saved[3].contiguous()},
                   saved[4],
                   saved[5]};
    const at::Tensor g = gradients[0].contiguous();
    const LookupGradients found = g.is_cuda() ? look_back_on_cuda(l, g) : look_back(l, g);
    return {found.q_NHE, found.keys_a_HSE, found.keys_b_HSE, found.values_VC, at::Tensor()};
  }
};

}  // namespace
}  // namespace product_key_paths

at::Tensor product_key_lookup(const at::Tensor& q_NHE, const ProductKeyTables& tables, int64_t top_k,
                              std::string_view path) {
  using namespace product_key_paths;
  expect_shape("product_key_lookup", "q", q_NHE, {kAny, kAny, kAny});
  if (q_NHE.size(2) % 2 != 0)
    throw ShapeError("product_key_lookup",
                     "q: expected an even width, half for each side, got " + std::to_string(q_NHE.size(2)));
  const int64_t heads = q_NHE.size(1), side = tables.keys_a_HSE.size(1), half = q_NHE.size(2) / 2;
  expect_shape("product_key_lookup", "keys_a", tables.keys_a_HSE, {heads, side, half});
  expect_shape("product_key_lookup", "keys_b", tables.keys_b_HSE, {heads, side, half});
  expect_shape("product_key_lookup", "values", tables.values_VC, {heads * side * side, kAny});
  if (top_k < 1)
    throw ShapeError("product_key_lookup", "top_k = " + std::to_string(top_k) + ": must be 1 or more");
  const at::Tensor &a = tables.keys_a_HSE, &b = tables.keys_b_HSE, &values = tables.values_VC;
  RecordedOp op("subband::product_key_lookup", {q_NHE, a, b, values});
  const OpPath taken = taken_path("product_key_lookup", {q_NHE, a, b, values}, path, {.cuda = KernelTypes::fp32});
  if (taken == OpPath::reference)
    return op.gives(product_key_paths::reference(q_NHE, tables, top_k));
  return op.gives(ProductKeyLookup::apply(q_NHE, a, b, values, top_k));
}

product_key_paths::Choice product_key_paths::choose(const at::Tensor& q_NHE, const ProductKeyTables& tables,
                                                    int64_t top_k) {
  const int64_t heads = q_NHE.size(1), half = q_NHE.size(2) / 2, all = tables.keys_a_HSE.size(1);
  const at::Tensor q_HNE = q_NHE.transpose(0, 1);
  const auto scores = [&](int64_t start, const at::Tensor& keys) {
    return at::bmm(q_HNE.narrow(2, start, half), keys.transpose(1, 2)).topk(std::min(top_k, all), -1);
  };
  const auto [score_a, index_a] = scores(0, tables.keys_a_HSE);
  const auto [score_b, index_b] = scores(half, tables.keys_b_HSE);
  const int64_t side = score_a.size(-1), kept = std::min(top_k, side * side);
  const auto [best, place] = (score_a.unsqueeze(-1) + score_b.unsqueeze(-2)).flatten(2).topk(kept, -1);
  const at::Tensor weights = best.softmax(-1, best.element_size() < 4 ? at::kFloat : best.scalar_type());
  at::Tensor rows =
      index_a.gather(-1, place.floor_divide(side)) * all + index_b.gather(-1, place.remainder(side));
  if (heads > 1) rows = rows + at::arange(heads, rows.options()).view({heads, 1, 1}) * (all * all);
  return {rows.transpose(0, 1).flatten(1), weights.transpose(0, 1).flatten(1)};
}

// A row gathered costs about sixteen times a row multiplied in order.
bool product_key_paths::dense_is_cheaper(int64_t table_rows, int64_t read_rows) {
  return table_rows <= 16 * read_rows;
}

at::Tensor product_key_paths::read(const at::Tensor& values_VC, const Choice& choice) {
  return dense_is_cheaper(values_VC.size(0), choice.rows_NR.size(1)) ? dense(values_VC, choice)
                                                                     : gather(values_VC, choice);
}

at::Tensor product_key_paths::gather(const at::Tensor& values_VC, const Choice& choice) {
  const at::Tensor read = at::embedding(values_VC, choice.rows_NR);
  return at::bmm(choice.weights_NR.unsqueeze(1), read.to(choice.weights_NR.scalar_type())).squeeze(1);
}

at::Tensor product_key_paths::dense(const at::Tensor& values_VC, const Choice& choice) {
  const at::Tensor& weights = choice.weights_NR;
  const at::Tensor spread =
      at::zeros({weights.size(0), values_VC.size(0)}, weights.options()).scatter(1, choice.rows_NR, weights);
  return at::mm(spread, values_VC.to(weights.scalar_type()));
}

at::Tensor product_key_paths::reference(const at::Tensor& q_NHE, const ProductKeyTables& tables,
                                        int64_t top_k) {
  return read(tables.values_VC, choose(q_NHE, tables, top_k));
}

}  // namespace subband
