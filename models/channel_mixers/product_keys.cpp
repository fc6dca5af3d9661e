#include "models/channel_mixers/product_keys.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <string>

namespace subband::channel_mixers {

namespace {
constexpr double kDeviation = 0.02;  // of keys and values

int64_t whole_root(int64_t square) {
  return static_cast<int64_t>(std::llround(std::sqrt(static_cast<double>(square))));
}

// A row gathered costs about sixteen times a row multiplied in order.
bool dense_is_cheaper(const at::Tensor& table, int64_t rows) { return table.size(0) <= 16 * rows; }
}  // namespace

void ProductKeysConfig::bind(Binder& b, const BlockContext& c) {
  b.field("keys", keys, {1, 1 << 26}, "rows of the value table per head; a square number");
  b.field("top_k", top_k, {1, 4096}, "rows that a position reads");
  b.field("heads", heads, {1, 256}, "H, independent lookups; divides the width");
  b.check(whole_root(keys) * whole_root(keys) == keys, "keys", "must be a square number");
  b.check(c.width % heads == 0, "heads", "must divide width = " + std::to_string(c.width));
  b.check(c.width % heads != 0 || c.width / heads % 2 == 0, "heads",
          "must leave an even width per head, width = " + std::to_string(c.width));
}

ProductKeys::ProductKeys(Module& owner, const ProductKeysConfig& config, const BlockContext& context)
    : config_(config), side_(whole_root(config.keys)) {
  Initializer& initializer = *context.initializer;
  const int64_t width = context.width, half = width / config.heads / 2;
  const ProjectionPlan query{
      .purpose = {.role = Role::input_projection}, .in = width, .out = width, .bias = false};
  query_ = owner.register_module("query_proj", std::make_shared<Projection>(initializer, query));
  const auto keys = [&](const char* name) {
    return owner.add_parameter(name, initializer.normal({config.heads, side_, half}, 0, kDeviation),
                               {.role = Role::memory_key});
  };
  keys_a_ = keys("keys_a");
  keys_b_ = keys("keys_b");
  const auto table = owner.register_module("values", std::make_shared<Module>("values"));
  at::Tensor values = initializer.normal({config.keys * config.heads, width}, 0, 1);
  initializer.normal_(values, 0, kDeviation);
  values_ = table->add_parameter("weight", values, {.role = Role::memory_value});
}

ProductKeys::Choice ProductKeys::choose(const at::Tensor& x_BLC) const {
  const int64_t heads = config_.heads, half = keys_a_.size(2), count = x_BLC.numel() / x_BLC.size(-1);
  const at::Tensor q_HNE = query_->forward(x_BLC).view({count, heads, 2 * half}).transpose(0, 1);
  const auto scores = [&](int64_t start, const at::Tensor& keys) {
    return at::bmm(q_HNE.narrow(2, start, half), keys.transpose(1, 2))
        .topk(std::min(config_.top_k, side_), -1);
  };
  const auto [score_a, index_a] = scores(0, keys_a_);
  const auto [score_b, index_b] = scores(half, keys_b_);
  const int64_t side = score_a.size(-1), kept = std::min(config_.top_k, side * side);
  const auto [best, place] = (score_a.unsqueeze(-1) + score_b.unsqueeze(-2)).flatten(2).topk(kept, -1);
  const at::Tensor weights = best.softmax(-1, best.element_size() < 4 ? at::kFloat : best.scalar_type());
  at::Tensor rows =
      index_a.gather(-1, place.floor_divide(side)) * side_ + index_b.gather(-1, place.remainder(side));
  if (heads > 1) rows = rows + at::arange(heads, rows.options()).view({heads, 1, 1}) * config_.keys;
  return {rows.transpose(0, 1).flatten(1), weights.transpose(0, 1).flatten(1)};
}

double ProductKeys::flops(int64_t length) const {
  const int64_t kept_per_side = std::min(config_.top_k, side_);
  const int64_t rows = config_.heads * std::min(config_.top_k, kept_per_side * kept_per_side);
  const int64_t read = dense_is_cheaper(values_, rows) ? values_.size(0) : rows;
  const double scores = 2.0 * static_cast<double>(length * (keys_a_.numel() + keys_b_.numel()));
  return query_->flops(length) + scores + 2.0 * static_cast<double>(length * read * values_.size(1));
}

at::Tensor read_rows(const at::Tensor& table, const ProductKeys::Choice& choice) {
  return dense_is_cheaper(table, choice.rows_NR.size(1)) ? read_rows_paths::dense(table, choice)
                                                         : read_rows_paths::gather(table, choice);
}

at::Tensor read_rows_paths::gather(const at::Tensor& table, const ProductKeys::Choice& choice) {
  const at::Tensor read = at::embedding(table, choice.rows_NR);
  return at::bmm(choice.weights_NR.unsqueeze(1), read.to(choice.weights_NR.scalar_type())).squeeze(1);
}

at::Tensor read_rows_paths::dense(const at::Tensor& table, const ProductKeys::Choice& choice) {
  const at::Tensor& weights = choice.weights_NR;
  const at::Tensor spread =
      at::zeros({weights.size(0), table.size(0)}, weights.options()).scatter(1, choice.rows_NR, weights);
  return at::mm(spread, table.to(weights.scalar_type()));
}

}  // namespace subband::channel_mixers
