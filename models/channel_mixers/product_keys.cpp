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

at::Tensor ProductKeys::queries(const at::Tensor& x_BLC) const {
  return query_->forward(x_BLC).view({-1, config_.heads, 2 * keys_a_.size(2)});
}

ProductKeys::Choice ProductKeys::choose(const at::Tensor& x_BLC) const {
  return product_key_paths::choose(queries(x_BLC), {keys_a_, keys_b_, values_}, config_.top_k);
}

at::Tensor ProductKeys::look_up(const at::Tensor& x_BLC) const {
  return product_key_lookup(queries(x_BLC), {keys_a_, keys_b_, values_}, config_.top_k);
}

double ProductKeys::flops(int64_t length) const {
  const int64_t kept_per_side = std::min(config_.top_k, side_);
  const int64_t rows = config_.heads * std::min(config_.top_k, kept_per_side * kept_per_side);
  const int64_t read = product_key_paths::dense_is_cheaper(values_.size(0), rows) ? values_.size(0) : rows;
  const double scores = 2.0 * static_cast<double>(length * (keys_a_.numel() + keys_b_.numel()));
  return query_->flops(length) + scores + 2.0 * static_cast<double>(length * read * values_.size(1));
}

}  // namespace subband::channel_mixers
