#include "experiments/quantisation/packing.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/error.h"
#include "core/tensors/prepare.h"
#include "experiments/data/corpus.h"
#include "models/layers/weight_matrix.h"

namespace subband {

Checkpoint packed_checkpoint(Checkpoint outline, const Net& net, const PackedMatrices& matrices, const std::string& how) {
  outline.tensors.clear();
  outline.machine.clear();
  for (const auto& [name, tensor] : model_tensors(net))
    if (!matrices.contains(name)) outline.tensors["model/" + name] = tensor;
  for (const auto& [name, matrix] : matrices) {
    outline.packed[name] = matrix.form;
    outline.tensors[packed_piece(name, "codes")] = matrix.codes;
    outline.tensors[packed_piece(name, "scales")] = matrix.scales;
    if (matrix.zeros.defined()) outline.tensors[packed_piece(name, "zeros")] = matrix.zeros;
  }
  outline.about["quantisation"] = how;
  return outline;
}

void show_batches(Net& net, const Recipe& recipe, OpenTask& open, int64_t tokens) {
  const std::shared_ptr<Task> task = make_task(recipe);
  const int64_t batches = std::max<int64_t>(1, tokens / (recipe.trainer.batch * recipe.trainer.length));
  for (int64_t i = 0; i < batches; ++i) task->loss(net, open.draw(static_cast<uint64_t>(i)));
}

Packing::Packing(const Registry& registry, Checkpoint checkpoint, std::filesystem::path cache)
    : registry_(registry),
      checkpoint_(std::move(checkpoint)),
      recipe_(bind_recipe(registry, checkpoint_.recipe, checkpoint_.config)),
      cache_(std::move(cache)) {
  if (!checkpoint_.packed.empty()) {
    const auto& [name, form] = *checkpoint_.packed.begin();
    throw Error("checkpoint",
                "packed '" + name + "' (" + form.text() + "): is packed already; pack what it was made of");
  }
  prepare_tensors(static_cast<int>(recipe_.trainer.threads));
  net_ = restore_net(registry_, checkpoint_);
}

void Packing::calibrate(const CalibrationText& text) {
  const EvaluationMode mode(*net_);
  const InputSums sums(*net_, planned_forms(*net_, QuantisationPlan::uniform(8)));
  if (text.file.empty())
    show_batches(*net_, recipe_, *make_task(recipe_)->open(task_use(recipe_, at::kCPU, cache_)), text.tokens);
  else
    show_file(text);
  hessians_ = sums.sums();
}

void Packing::show_file(const CalibrationText& text) {
  const std::shared_ptr<Tokenizer> tokenizer = make_tokenizer(recipe_);
  if (!tokenizer)
    throw ConfigError("command line",
                      "--calibration = " + text.file + ": the checkpoint's task reads no text", "bad_value");
  const TokenFile tokens = open_tokens(*open_file_as_corpus(registry_, text.file), *tokenizer, "all", cache_);
  const int64_t length = recipe_.trainer.length, offsets = tokens.window_starts(length);
  const int64_t windows = std::max<int64_t>(1, std::min(text.tokens / length, (offsets - 1) / length + 1));
  for (int64_t i = 0; i < windows; ++i) {
    const at::Tensor ids = at::empty({1, length}, at::TensorOptions(at::kLong));
    tokens.copy(i * ((offsets - 1) / windows),
                {ids.mutable_data_ptr<int64_t>(), static_cast<size_t>(length)});
    net_->forward(ids);
  }
}

PackedMatrices Packing::pack(const QuantisationPlan& plan, bool feedback) const {
  return packed_matrices(*net_, planned_forms(*net_, plan), feedback ? hessians_ : Hessians());
}

std::vector<std::string> Packing::without_feedback(const QuantisationPlan& plan) const {
  std::vector<std::string> names;
  for (const auto& [name, form] : planned_forms(*net_, plan))
    if (!hessians_.contains(name)) names.push_back(name);
  return names;
}

Checkpoint Packing::checkpoint_with(const PackedMatrices& matrices, const std::string& how) const {
  Checkpoint outline = checkpoint_;
  outline.about = about_model(recipe_);
  return packed_checkpoint(std::move(outline), *net_, matrices, how);
}

void Packing::open_text(const ComparisonText& text) {
  const std::shared_ptr<Data> data = make_data(recipe_);
  const std::shared_ptr<Tokenizer> tokenizer = make_tokenizer(recipe_);
  if (!data || !tokenizer || !make_task(recipe_)->writes_text())
    throw ConfigError("command line",
                      "comparison: the checkpoint's task writes no text; subband eval measures it",
                      "bad_value");
  about_text_ = text;
  text_ = open_tokens(*data, *tokenizer, text.split, cache_);
}

EvaluationOptions Packing::evaluation() const {
  return {.length = recipe_.trainer.length,
          .batch = recipe_.trainer.batch,
          .most_tokens = about_text_.most_tokens};
}

std::shared_ptr<Net> Packing::packed_net(const PackedMatrices& matrices) const {
  std::shared_ptr<Net> net = make_net(recipe_);
  load_weights(*net, checkpoint_with(matrices, ""));
  return net;
}

Agreement Packing::compare(const PackedMatrices& matrices) const {
  return agreement(*net_, *packed_net(matrices), *text_, evaluation());
}

double Packing::bits_per_byte(double loss) const {
  const Metrics metrics = loss_metrics(about_text_.split, "blocks", loss, *text_);
  return metrics.at(about_text_.split + ".bpb");
}

}  // namespace subband
