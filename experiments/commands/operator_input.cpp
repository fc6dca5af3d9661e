#include "experiments/commands/operator_input.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "core/registry.h"
#include "core/tensors/expect.h"

namespace subband {

namespace {

struct OperatorSizes {
  int64_t heads, groups, key_width, value_width;

  int64_t queries() const { return heads * key_width; }
  int64_t keys() const { return groups * key_width; }
  int64_t values() const { return groups * value_width; }
  int64_t width() const { return queries() + keys() + values(); }
};

OperatorSizes sizes_of(const Tensors& input) {
  const at::Tensor &q = input.at("q"), &k = input.at("k"), &v = input.at("v");
  for (const char* name : {"q", "k", "v"})
    expect_shape("operator", name, input.at(name), {kAny, kAny, kAny, kAny});
  expect_shape("operator", "k", k, {q.size(0), kAny, q.size(2), q.size(3)});
  expect_shape("operator", "v", v, {q.size(0), k.size(1), q.size(2), kAny});
  return {q.size(1), k.size(1), q.size(3), v.size(3)};
}

// Sets a field unless the user did.
void set_field(LonePartWords& words, const std::string& key, const std::string& value) {
  const bool written = std::ranges::any_of(
      words.fields, [&](const std::string& field) { return field.starts_with(key + "="); });
  if (!written) words.fields.push_back(key + "=" + value);
}

// The part's fields with their standard values; empty for an unknown part.
config::Node fields_of(const Registry& registry, const std::string& part) {
  config::Node fields = config::Node::map();
  const Kind* kind = registry.find("mixer");
  if (kind == nullptr || kind->info(part) == nullptr) return fields;
  BindSession session{.registry = &registry};
  const config::Node nothing = config::Node::map();
  Binder binder(session, nothing, fields);
  kind->describe(part, binder);
  return fields;
}

// The fields that the shapes decide. Those that say the usual are left to the part, which may not have them.
void set_sizes(LonePartWords& words, const OperatorSizes& sizes, const config::Node& fields) {
  set_field(words, "heads", std::to_string(sizes.heads));
  if (sizes.groups != sizes.heads) set_field(words, "kv_heads", std::to_string(sizes.groups));
  if (fields.find("expand_key") == nullptr) {
    set_field(words, "head_width", std::to_string(sizes.key_width));
    if (sizes.value_width != sizes.key_width)
      set_field(words, "value_width", std::to_string(sizes.value_width));
    return;
  }
  const auto share = [&](int64_t width_of_head) {
    return fmt::format("{}",
                       static_cast<double>(sizes.heads * width_of_head) / static_cast<double>(sizes.width()));
  };
  set_field(words, "expand_key", share(sizes.key_width));
  set_field(words, "expand_value", share(sizes.value_width));
  for (const char* around : {"rope", "norm", "gate"})
    if (fields.find(around) != nullptr) set_field(words, around, "none");
}

// Rows `first` to `first + rows` of the identity.
void select_channels(const std::string& part, torch::nn::Module& module, const std::string& map,
                     int64_t first, int64_t rows) {
  auto parameters = module.named_parameters();
  at::Tensor* weight = parameters.find(map + ".weight");
  if (weight == nullptr) throw ShapeError(part, "q, k, v: this mixer has no map '" + map + "'; feed x");
  const int64_t width = map == "out" ? weight->size(0) : weight->size(1);
  const at::Tensor identity = at::eye(width, weight->options().requires_grad(false));
  const at::Tensor chosen = identity.narrow(map == "out" ? 1 : 0, first, rows);
  expect_shape(part, map + ".weight", *weight, {chosen.size(0), chosen.size(1)});
  weight->copy_(chosen);
  if (at::Tensor* bias = parameters.find(map + ".bias")) bias->zero_();
}

at::Tensor beside(const at::Tensor& x_BHLK) { return x_BHLK.transpose(1, 2).flatten(2); }

}  // namespace

bool has_operator_input(const Tensors& input) {
  return !input.contains("x") && input.contains("q") && input.contains("k") && input.contains("v");
}

LonePart make_lone_operator(const Registry& registry, LonePartWords words, const Tensors& input,
                            Initializer& initializer) {
  if (!words.part.starts_with("mixer:"))
    throw ConfigError("command line", "--part " + words.part + ": q, k and v are fed to a mixer alone",
                      "bad_value");
  const OperatorSizes sizes = sizes_of(input);
  words.width = sizes.width();
  const std::string name = words.part.substr(words.part.find(':') + 1);
  const config::Node fields = fields_of(registry, name);
  if (fields.size() > 0 && fields.find("heads") == nullptr)
    throw ShapeError(name, "q, k, v: this mixer has no heads to take them; feed x");
  set_sizes(words, sizes, fields);
  LonePart part = make_lone_part(registry, words, initializer);
  const c10::NoGradGuard no_gradient;
  select_channels(part.name, *part.module, "q", 0, sizes.queries());
  select_channels(part.name, *part.module, "k", sizes.queries(), sizes.keys());
  select_channels(part.name, *part.module, "v", sizes.queries() + sizes.keys(), sizes.values());
  select_channels(part.name, *part.module, "out", 0, sizes.heads * sizes.value_width);
  part.inputs = {"q", "k", "v", "keep"};
  part.forward = [inner = part.forward, sizes](const Tensors& in, const Pass& pass) -> Tensors {
    Tensors fed = {{"x", at::cat({beside(in.at("q")), beside(in.at("k")), beside(in.at("v"))}, 2)}};
    if (const auto keep = in.find("keep"); keep != in.end()) fed["keep"] = keep->second;
    const at::Tensor y_BLD = inner(fed, pass).at("y");
    const at::Tensor heads = y_BLD.narrow(2, 0, sizes.heads * sizes.value_width);
    return {{"y", heads.unflatten(2, {sizes.heads, sizes.value_width}).transpose(1, 2).contiguous()}};
  };
  return part;
}

}  // namespace subband
