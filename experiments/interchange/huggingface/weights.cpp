#include "experiments/interchange/huggingface/weights.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <c10/util/StringUtil.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "core/error.h"
#include "core/files.h"
#include "core/json.h"
#include "core/program/warn.h"
#include "core/tensors/foreign_names.h"
#include "experiments/interchange/torch_file.h"

namespace subband::huggingface {

namespace {

namespace fs = std::filesystem;

// Where one of our tensors stands: whole, or as part of a map that holds several; `[in, out]` where turned.
struct Placement {
  std::string ours, theirs;
  bool turned = false;
  int64_t part = 0, parts = 1;
};

// What stands before every name but the head's. A folder of the bare model lacks it.
std::string prefix_of(const Decoder& d) { return d.family == Family::gpt2 ? "transformer." : "model."; }

void place_pair(std::vector<Placement>& all, Placement weight, bool with_bias) {
  Placement bias = weight;
  bias.turned = false;
  weight.ours += ".weight", weight.theirs += ".weight";
  bias.ours += ".bias", bias.theirs += ".bias";
  all.push_back(std::move(weight));
  if (with_bias) all.push_back(std::move(bias));
}

void place_gpt2_block(std::vector<Placement>& all, const std::string& ours, const std::string& theirs,
                      const std::string& label) {
  const std::string channel = ours + "channel_mixers." + label;
  place_pair(all, {ours + "mixer_norm", theirs + "ln_1"}, true);
  place_pair(all, {ours + "channel_norm", theirs + "ln_2"}, true);
  int64_t part = 0;
  for (const char* map : {"q", "k", "v"})
    place_pair(all, {ours + "mixer." + map, theirs + "attn.c_attn", true, part++, 3}, true);
  place_pair(all, {ours + "mixer.out", theirs + "attn.c_proj", true}, true);
  place_pair(all, {channel + ".net.0", theirs + "mlp.c_fc", true}, true);
  place_pair(all, {channel + ".net.2", theirs + "mlp.c_proj", true}, true);
}

void place_llama_block(std::vector<Placement>& all, const std::string& ours, const std::string& theirs,
                       const Decoder& d) {
  const std::string channel = ours + "channel_mixers." + (d.label.empty() ? "swiglu" : d.label) + ".";
  all.push_back({ours + "mixer_norm.weight", theirs + "input_layernorm.weight"});
  all.push_back({ours + "channel_norm.weight", theirs + "post_attention_layernorm.weight"});
  for (const char* map : {"q", "k", "v"})
    place_pair(all, {ours + "mixer." + map, theirs + "self_attn." + map + "_proj"}, d.attention_bias);
  place_pair(all, {ours + "mixer.out", theirs + "self_attn.o_proj"},
             d.attention_bias && d.family == Family::llama);
  for (const char* map : {"gate", "up", "down"})
    place_pair(all, {channel + map, theirs + "mlp." + map + "_proj"}, d.feed_forward_bias);
}

// Their names without prefix.
std::vector<Placement> placements(const Decoder& d) {
  const bool gpt2 = d.family == Family::gpt2;
  std::vector<Placement> all = {{"embedding.weight", gpt2 ? "wte.weight" : "embed_tokens.weight"}};
  if (gpt2) all.push_back({"positions.weight", "wpe.weight"});
  for (int64_t layer = 0; layer < d.layers; ++layer) {
    const std::string ours = fmt::format("blocks.{}.", layer);
    if (gpt2)
      place_gpt2_block(all, ours, fmt::format("h.{}.", layer), d.label.empty() ? "mlp" : d.label);
    else
      place_llama_block(all, ours, fmt::format("layers.{}.", layer), d);
  }
  if (gpt2)
    place_pair(all, {"norm", "ln_f"}, true);
  else
    all.push_back({"norm.weight", "norm.weight"});
  if (!d.tied) all.push_back({"head.weight", "lm_head.weight"});
  return all;
}

bool holds_no_weights(const std::string& name) {
  return name.ends_with(".attn.bias") || name.ends_with(".attn.masked_bias") ||
         name.ends_with("rotary_emb.inv_freq");
}

std::string shape_text(std::vector<int64_t> sizes) { return fmt::format("[{}]", fmt::join(sizes, ", ")); }

// The shape that their tensor must have for ours to come out of it.
std::vector<int64_t> shape_of(const Placement& place, at::IntArrayRef ours) {
  std::vector<int64_t> sizes = ours.vec();
  sizes[0] *= place.parts;
  if (place.turned) std::swap(sizes[0], sizes[1]);
  return sizes;
}

at::Tensor taken_out(const Placement& place, const at::Tensor& theirs) {
  const at::Tensor turned = place.turned ? theirs.t() : theirs;
  const int64_t rows = turned.size(0) / place.parts;
  return turned.narrow(0, place.part * rows, rows).to(at::kFloat).contiguous();
}

// Reads names, and says what is wrong with them.
class Intake {
 public:
  Intake(const std::vector<Placement>& places, const Tensors& theirs, std::string file)
      : file_(std::move(file)) {
    std::set<std::string> known = {"lm_head.weight"};
    for (const Placement& place : places) known.insert(place.theirs);
    Tensors weights;
    for (const auto& [name, tensor] : theirs)
      if (!holds_no_weights(name)) weights.emplace(name, tensor);
    PlainNames plain =
        plain_names(weights, file_, [&](const std::string& name) { return known.contains(name); });
    theirs_ = std::move(plain.tensors);
    shown_ = std::move(plain.shown);
    problems_ = std::move(plain.problems);
    for (const auto& [name, shown] : shown_)
      if (name != "lm_head.weight" && shown.ends_with(name) && shown != name)
        prefix_ = shown.substr(0, shown.size() - name.size());
  }
  std::optional<at::Tensor> take(const Placement& place, at::IntArrayRef ours) {
    const auto found = theirs_.find(place.theirs);
    if (found == theirs_.end()) {
      if (seen_.insert(place.theirs).second) complain(place.theirs, "missing");
      return {};
    }
    const bool first = seen_.insert(place.theirs).second;
    const at::Tensor& tensor = found->second;
    const std::vector<int64_t> expected = shape_of(place, ours);
    if (tensor.sizes() != expected) {
      if (first)
        complain(place.theirs,
                 "expected " + shape_text(expected) + ", got " + shape_text(tensor.sizes().vec()));
      return {};
    }
    if (!tensor.is_floating_point()) {
      if (first)
        complain(place.theirs,
                 std::string("dtype ") + c10::toString(tensor.scalar_type()) + ": must be floating-point");
      return {};
    }
    return taken_out(place, tensor);
  }
  // A tied head may be written all the same.
  void check_tied_head(const std::string& embedding) {
    const auto head = theirs_.find("lm_head.weight"), table = theirs_.find(embedding);
    if (head == theirs_.end()) return;
    seen_.insert("lm_head.weight");
    if (table != theirs_.end() && !head->second.equal(table->second))
      complain("lm_head.weight",
               "differs from the embedding that config.json ties it to; set tie_word_embeddings to false");
  }
  void finish() {
    for (const auto& [name, tensor] : theirs_) {
      if (!seen_.contains(name)) complain(name, "unknown to this net");
    }
    throw_complaints(problems_, file_, "the net is that of config.json in this folder");
  }

 private:
  void complain(const std::string& name, const std::string& rule) {
    const auto shown = shown_.find(name);
    const std::string missing = name == "lm_head.weight" ? name : prefix_ + name;
    problems_.push_back(
        {file_, "tensor '" + (shown == shown_.end() ? missing : shown->second) + "': " + rule, "bad_value"});
  }

  std::string file_, prefix_;                 // and what stands before the names of its tensors
  Tensors theirs_;                            // without prefix
  std::map<std::string, std::string> shown_;  // their names as the file has them
  std::set<std::string> seen_;
  std::vector<Problem> problems_;
};

Tensors read_weights(const fs::path& file) {
  if (file.extension() != ".bin") return read_safetensors(file).tensors;
  StateDictionary state = state_dictionary(read_torch_file(file), file.string());
  for (const std::string& remark : state.remarks) warn(file.string() + ": " + remark);
  return std::move(state.tensors);
}

Tensors read_shards(const fs::path& folder, const fs::path& index) {
  const Json json = read_json(read_file(index), index.string(), {.non_finite = true});
  if (!json.is_object() || !json.contains("weight_map") || !json["weight_map"].is_object())
    throw Error(index.string(), "expected JSON with a map 'weight_map'");
  std::map<std::string, Tensors> shards;
  Tensors all;
  std::vector<Problem> problems;
  std::set<std::string> broken;
  for (const auto& [name, shard] : json["weight_map"].items()) {
    if (!shard.is_string() || fs::path(shard.get<std::string>()).filename() != shard.get<std::string>()) {
      problems.push_back({index.string(),
                          name + " = " + json_brief(shard) + ": expected the name of a file beside it",
                          "bad_value"});
      continue;
    }
    const std::string file = shard.get<std::string>();
    if (broken.contains(file)) continue;
    try {
      if (!shards.contains(file)) shards[file] = read_weights(folder / file);
    } catch (const Error& error) {
      problems.insert(problems.end(), error.problems().begin(), error.problems().end());
      broken.insert(file);
      continue;
    }
    const auto found = shards[file].find(name);
    if (found == shards[file].end())
      problems.push_back({(folder / file).string(),
                          "tensor '" + name + "': missing, though the index names it", "bad_value"});
    else
      all.emplace(name, found->second);
  }
  throw_complaints(problems, index.string(), "");
  return all;
}

}  // namespace

Tensors read_folder(const fs::path& folder) {
  for (const char* name : {"model.safetensors", "pytorch_model.bin"}) {
    const fs::path whole = folder / name, index = folder / (std::string(name) + ".index.json");
    if (lies_there(whole)) return read_weights(whole);
    if (lies_there(index)) return read_shards(folder, index);
  }
  throw Error(folder.string(),
              "has no model.safetensors and no pytorch_model.bin, nor shards with the index of either");
}

Decoder decoder_of_checkpoint(const Checkpoint& checkpoint) {
  const config::Node* net = checkpoint.config.find("net");
  const config::Node* length = checkpoint.config.at("trainer.length");
  if (net == nullptr || length == nullptr || !length->is(config::Node::Kind::integer))
    throw Error("checkpoint", "config: has no net or no trainer.length");
  return decoder_of_net(*net, checkpoint.vocabulary, length->integer());
}

Tensors weights_from(const Decoder& decoder, const Tensors& theirs, const Tensors& shapes,
                     const std::string& file) {
  const std::vector<Placement> places = placements(decoder);
  Intake intake(places, theirs, file);
  Tensors ours;
  for (const Placement& place : places) {
    if (const auto taken = intake.take(place, shapes.at(place.ours).sizes())) ours[place.ours] = *taken;
  }
  if (decoder.tied) intake.check_tied_head(places.front().theirs);
  intake.finish();
  return ours;
}

Tensors weights_for(const Decoder& decoder, const Tensors& ours) {
  std::map<std::string, std::vector<at::Tensor>>
      parts;  // in the order of the parts, which is that of the table
  std::set<std::string> turned;
  for (const Placement& place : placements(decoder)) {
    const std::string name =
        place.theirs == "lm_head.weight" ? place.theirs : prefix_of(decoder) + place.theirs;
    parts[name].push_back(ours.at(place.ours));
    if (place.turned) turned.insert(name);
  }
  Tensors theirs;
  for (const auto& [name, pieces] : parts) {
    const at::Tensor whole = pieces.size() == 1 ? pieces[0] : at::cat(pieces);
    theirs[name] = (turned.contains(name) ? whole.t() : whole).contiguous();
  }
  return theirs;
}

}  // namespace subband::huggingface
