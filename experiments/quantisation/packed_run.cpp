#include "experiments/quantisation/packed_run.h"

#include <ATen/core/Tensor.h>

#include "core/error.h"
#include "experiments/data/corpus.h"
#include "experiments/quantisation/agreement.h"
#include "experiments/quantisation/packing.h"
#include "models/quantisation/sizes.h"

namespace subband {

namespace {

constexpr double kBytesOfMib = 1024 * 1024;

std::shared_ptr<Net> copy_of(const Net& net, const Recipe& recipe, at::Device device) {
  std::shared_ptr<Net> copy = make_net(recipe);
  copy->to(device);
  Tensors weights;
  for (const auto& [name, tensor] : model_tensors(net)) weights["model/" + name] = tensor;
  load_model(*copy, weights);
  return copy;
}

Metrics compared(Net& dense, Net& packed, const Recipe& recipe, const TaskUse& use) {
  const TokenFile text = open_tokens(*make_data(recipe), *make_tokenizer(recipe), "valid", use.cache);
  const Agreement found = agreement(dense, packed, text,
                                    {.length = recipe.trainer.length,
                                     .batch = use.batch,
                                     .device = use.device,
                                     .precision = use.precision,
                                     .most_tokens = use.most_tokens});
  return {{"valid.kl_to_dense", found.kl}, {"valid.same_top_as_dense", found.same_top}};
}

}  // namespace

void expect_packable(const Net& net, const Recipe& recipe) {
  if (recipe.quantisation.packs() && planned_forms(net, recipe.quantisation.plan()).empty())
    throw ConfigError("", "quantisation: this net has nothing that these tiers pack", "bad_value");
}

PackedMatrices trained_matrices(Net& net, const Recipe& recipe, OpenTask& open) {
  const EvaluationMode mode(net);
  const PackedForms forms = planned_forms(net, recipe.quantisation.plan());
  if (recipe.quantisation.method != "gptq") return packed_matrices(net, forms);
  const InputSums inputs(net, forms);
  show_batches(net, recipe, open, recipe.quantisation.calibration_tokens);
  return packed_matrices(net, forms, inputs.sums());
}

Metrics pack_trained(Net& net, const PackedMatrices& matrices, const Recipe& recipe, const TaskUse& use) {
  const bool is_text = make_task(recipe)->writes_text();
  const std::shared_ptr<Net> dense = is_text ? copy_of(net, recipe, use.device) : nullptr;
  PackedForms forms;
  for (const auto& [name, matrix] : matrices) forms[name] = matrix.form;
  const NetSize size = net_size(net, forms, Accounting::honest);
  pack_net(net, matrices, "quantisation");
  Metrics metrics = {{"model.packed_mib", size.bytes / kBytesOfMib}, {"model.dense_mib", size.dense_bytes / kBytesOfMib}};
  if (dense) metrics.merge(compared(*dense, net, recipe, use));
  return metrics;
}

std::vector<MetricInfo> packed_metrics(const Recipe& recipe) {
  if (!recipe.quantisation.packs()) return {};
  std::vector<MetricInfo> all = {{"model.packed_mib", "weights and buffers with few bits, MiB", "min"},
                                 {"model.dense_mib", "the same before they were packed, MiB", ""}};
  if (!recipe.task.make({})->writes_text()) return all;
  all.push_back({"valid.kl_to_dense", "mean KL divergence of the packed net from the dense one, nats per token", "min"});
  all.push_back({"valid.same_top_as_dense", "share of positions where both find the same token likeliest", "max"});
  return all;
}

}  // namespace subband
