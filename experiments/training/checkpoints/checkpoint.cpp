#include "experiments/training/checkpoints/checkpoint.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <c10/util/StringUtil.h>
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "core/files.h"
#include "core/hash.h"
#include "core/json.h"
#include "core/program/run_name.h"
#include "core/program/warn.h"
#include "core/tensors/digest.h"
#include "core/text.h"
#include "experiments/training/checkpoints/former_names.h"
#include "experiments/training/checkpoints/named_checkpoint.h"

namespace subband {

using config::Node;
namespace fs = std::filesystem;

namespace {

Node node_of(const nlohmann::ordered_json& json) {
  if (json.is_boolean()) return Node(json.get<bool>());
  if (json.is_number_integer()) return Node(json.get<int64_t>());
  if (json.is_number()) return Node(json.get<double>());
  if (json.is_string()) return Node(json.get<std::string>());
  if (json.is_array()) {
    Node list = Node::list();
    for (const auto& item : json) list.items().push_back(node_of(item));
    return list;
  }
  if (!json.is_object()) return Node();
  Node map = Node::map();
  for (const auto& [key, value] : json.items()) map.set(key, node_of(value));
  return map;
}

[[noreturn]] void refuse(const fs::path& file, const std::string& rule) {
  throw Error(file.string(), "checkpoint: " + rule);
}

using Metadata = std::map<std::string, std::string>;

const std::string& metadata_of(const fs::path& file, const Metadata& metadata, std::string_view key) {
  const auto found = metadata.find(std::string(key));
  if (found == metadata.end())
    refuse(file, fmt::format("metadata '{}' is missing; not a checkpoint of this program", key));
  return found->second;
}

int64_t count_of(const fs::path& file, const Metadata& metadata, const std::string& key) {
  const std::string& text = metadata_of(file, metadata, key);
  const auto value = parse_integer(text);
  if (!value || *value < 0) refuse(file, "metadata '" + key + "' = " + text + ": expected a count");
  return *value;
}

std::vector<SafetensorsEntry> entries_of(const Tensors& tensors) {
  static const std::map<at::ScalarType, std::string> kNames = {
      {at::kByte, "U8"}, {at::kChar, "I8"}, {at::kHalf, "F16"}, {at::kFloat, "F32"}};
  std::vector<SafetensorsEntry> entries;
  for (const auto& [name, tensor] : tensors) {
    const auto type = kNames.find(tensor.scalar_type());
    entries.push_back({.name = name,
                       .type = type == kNames.end() ? c10::toString(tensor.scalar_type()) : type->second,
                       .shape = tensor.sizes().vec()});
  }
  return entries;
}

PackedForms packed_forms_of(const fs::path& file, const Safetensors& read) {
  const auto packed = read.metadata.find("packed");
  return read_packed_forms(packed == read.metadata.end() ? "{}" : packed->second, file.string(), entries_of(read.tensors));
}

AboutModel about_model_of(const Metadata& metadata) {
  AboutModel about;
  for (const char* key : {"roles", "tokenizer", "tokenizer_model", "quantisation"})
    if (const auto found = metadata.find(key); found != metadata.end()) about[key] = found->second;
  return about;
}

Node config_of(const fs::path& file, const Metadata& metadata) {
  const Json json = read_json(metadata_of(file, metadata, "config"), file.string() + ": metadata 'config'");
  if (!json.is_object()) refuse(file, "metadata 'config': expected a JSON object");
  Node config = node_of(json);
  take_own_tokenizer(config, about_model_of(metadata));
  return config;
}

Checkpoint read_one(const fs::path& file) {
  Safetensors read = read_safetensors(file);
  Checkpoint checkpoint;
  checkpoint.config = config_of(file, read.metadata);
  checkpoint.recipe = metadata_of(file, read.metadata, "recipe");
  checkpoint.trajectory = metadata_of(file, read.metadata, "trajectory");
  checkpoint.vocabulary = count_of(file, read.metadata, "vocabulary");
  checkpoint.step = count_of(file, read.metadata, "step");
  checkpoint.tokens = count_of(file, read.metadata, "tokens");
  checkpoint.seconds = parse_number(metadata_of(file, read.metadata, "seconds")).value_or(0);
  if (const auto found = read.metadata.find("machine"); found != read.metadata.end())
    checkpoint.machine = found->second;
  const std::string& written = metadata_of(file, read.metadata, "digest");
  const std::string found = digest(read.tensors);
  if (found != written) {
    refuse(file, fmt::format("digest = {}: the tensors have {}; the file is damaged", written.substr(0, 12),
                             found.substr(0, 12)));
  }
  checkpoint.packed = packed_forms_of(file, read);
  checkpoint.about = about_model_of(read.metadata);
  const Node* type = checkpoint.config.at("net.type");
  checkpoint.tensors =
      with_present_names(read.tensors, type && type->is(Node::Kind::string) ? type->string() : "");
  return checkpoint;
}

// Newest first.
std::vector<fs::path> checkpoint_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("step-") && name.ends_with(".safetensors")) files.push_back(entry.path());
  }
  std::ranges::sort(files, std::greater<>());
  return files;
}

}  // namespace

std::string trajectory_id(const Recipe& recipe) {
  std::string text =
      config::to_json(recipe.identity, /*sorted=*/true) + "\nseed " + std::to_string(recipe.seed);
  for (const auto& [part, version] : recipe.parts) text += "\n" + part + " " + std::to_string(version);
  return sha256_hex(text);
}

std::string checkpoint_name(int64_t step) { return fmt::format("step-{:012}.safetensors", step); }

fs::path first_checkpoint(const fs::path& folder) {
  std::vector<fs::path> files = checkpoint_files(folder);
  for (const char* kept : {kBestCheckpoint, kPackedCheckpoint})
    if (lies_there(folder / kept)) files.insert(files.begin(), folder / kept);
  const fs::path first = folder / checkpoint_name(0);
  if (files.empty() || files.front() == first) return first;
  throw Error(folder.string(), "holds " + files.front().filename().string() +
                                   ", which would be taken in place of what is written here; give another --out");
}

Checkpoint fresh_checkpoint(const Recipe& recipe, const Tensors& model) {
  Checkpoint checkpoint{.config = kept_config(recipe),
                        .recipe = recipe.name,
                        .trajectory = trajectory_id(recipe),
                        .vocabulary = recipe.vocabulary,
                        .about = about_model(recipe)};
  for (const auto& [name, tensor] : model) checkpoint.tensors["model/" + name] = tensor;
  return checkpoint;
}

void write_checkpoint(const fs::path& file, const Checkpoint& checkpoint) {
  std::map<std::string, std::string> metadata = {
      {"config", config::to_json(checkpoint.config)}, {"recipe", checkpoint.recipe},
      {"trajectory", checkpoint.trajectory},          {"vocabulary", std::to_string(checkpoint.vocabulary)},
      {"step", std::to_string(checkpoint.step)},      {"tokens", std::to_string(checkpoint.tokens)},
      {"seconds", number_text(checkpoint.seconds)},   {"digest", digest(checkpoint.tensors)},
  };
  if (!checkpoint.machine.empty()) metadata["machine"] = checkpoint.machine;
  if (!checkpoint.packed.empty()) metadata["packed"] = packed_forms_text(checkpoint.packed);
  metadata.insert(checkpoint.about.begin(), checkpoint.about.end());
  write_safetensors(file, checkpoint.tensors, metadata);
}

std::optional<fs::path> newest_checkpoint(const fs::path& folder,
                                          const std::function<void(const std::string&)>& say) {
  for (const fs::path& file : checkpoint_files(folder)) {
    try {
      read_one(file);
      return file;
    } catch (const Error& error) {
      if (say) say("passed over: " + std::string(error.what()));
    }
  }
  return {};
}

Node checkpoint_config(const fs::path& file) { return config_of(file, read_safetensors(file).metadata); }

Checkpoint read_checkpoint(const fs::path& path) { return read_one(checkpoint_file(path)); }

Checkpoint read_named_checkpoint(const fs::path& store, const std::string& word) {
  return read_one(
      checkpoint_file(named_checkpoint(store, word), [](const std::string& line) { warn(line); }));
}

fs::path named_checkpoint(const fs::path& store, const std::string& word) {
  if (lies_there(word) || word.find('/') != std::string::npos || word.find('.') != std::string::npos) return word;
  return named_run(store, word);
}

fs::path checkpoint_file(const fs::path& path, const std::function<void(const std::string&)>& say) {
  std::error_code none;
  if (!fs::is_directory(path, none)) return path;
  const fs::path inside = path / "checkpoints";
  std::vector<std::string> passed_over;
  const auto pass_over = [&](const std::string& line) { passed_over.push_back(line); };
  for (const fs::path& folder : {path, inside}) {
    for (const char* kept : {kPackedCheckpoint, kBestCheckpoint})
      if (lies_there(folder / kept)) return folder / kept;
    const auto newest = newest_checkpoint(folder, pass_over);
    if (!newest) continue;
    for (const std::string& line : passed_over)
      if (say) say(line);
    return *newest;
  }
  throw Error(path.string(),
              "has no intact checkpoint; " + (passed_over.empty()
                                                  ? "expected step-*.safetensors in it or in its checkpoints/"
                                                  : passed_over.front()));
}

void prune_checkpoints(const fs::path& folder, size_t keep) {
  const std::vector<fs::path> files = checkpoint_files(folder);
  std::error_code none;  // a file that will not go is no reason to stop training
  for (size_t i = keep; i < files.size(); ++i) fs::remove(files[i], none);
}

Tensors model_tensors(const torch::nn::Module& net) {
  Tensors tensors;
  for (const auto& item : net.named_parameters()) tensors[item.key()] = item.value().detach();
  for (const auto& item : net.named_buffers()) tensors[item.key()] = item.value().detach();
  return tensors;
}

void load_model(torch::nn::Module& net, const Tensors& tensors, const WeightWords& words) {
  std::vector<Problem> problems;
  const auto complain = [&](const std::string& name, const std::string& rule) {
    problems.push_back({words.place, "tensor '" + words.prefix + name + "': " + rule});
  };
  const Tensors own = model_tensors(net);
  for (const auto& [name, tensor] : own) {
    const auto found = tensors.find("model/" + name);
    if (found == tensors.end())
      complain(name, "missing");
    else if (found->second.sizes() != tensor.sizes()) {
      const bool follows_length = words.length && tensor.dim() > 1 && tensor.size(0) == *words.length;
      complain(name, c10::str("expected ", tensor.sizes(), ", got ", found->second.sizes(),
                              follows_length ? "; --length says how long the input may be" : ""));
    }
  }
  for (const auto& [name, tensor] : tensors) {
    if (name.starts_with("model/") && !own.contains(name.substr(6)))
      complain(name.substr(6), "unknown to this " + words.owner);
  }
  if (!problems.empty()) throw Error(problems);
  const c10::NoGradGuard no_gradients;
  for (const auto& [name, tensor] : own) tensor.copy_(tensors.at("model/" + name));
}

PackedMatrices packed_weights(const Checkpoint& checkpoint) {
  PackedMatrices all;
  for (const auto& [name, form] : checkpoint.packed) {
    // Copies: tensors of a file are views of it, and a net may outlive what lies there now.
    const auto piece = [&, &name = name](const char* word) { return checkpoint.tensors.at(packed_piece(name, word)).clone(); };
    all.emplace(name, PackedMatrix{form, piece("codes"), piece("scales"), form.symmetric ? at::Tensor() : piece("zeros")});
  }
  return all;
}

void load_weights(torch::nn::Module& net, const Checkpoint& checkpoint) {
  pack_net(net, packed_weights(checkpoint), "checkpoint");
  load_model(net, checkpoint.tensors);
}

void refuse_packed(const Checkpoint& checkpoint, const std::string& place) {
  if (checkpoint.packed.empty()) return;
  const auto& [name, form] = *checkpoint.packed.begin();
  throw Error(place, fmt::format("packed '{}' ({}): packed weights are not trained; go on from the checkpoint that they "
                                 "were made of",
                                 name, form.text()));
}

// Ids of another tokeniser of the same size would mean other text.
static void check_tokenizer(const Recipe& recipe, const Checkpoint& checkpoint) {
  const auto written = checkpoint.about.find("tokenizer");
  if (written == checkpoint.about.end() || !recipe.tokenizer) return;
  const std::string found = make_tokenizer(recipe)->fingerprint();
  if (found != written->second)
    throw Error("checkpoint", fmt::format("tokenizer = {}: the one at hand is {}; the weights were made for another",
                                          written->second.substr(0, 12), found.substr(0, 12)));
}

std::shared_ptr<Net> restore_net(const Registry& registry, const Checkpoint& checkpoint) {
  const Recipe recipe = bind_recipe(registry, checkpoint.recipe, checkpoint.config);
  if (recipe.vocabulary != checkpoint.vocabulary) {
    throw Error("checkpoint", fmt::format("vocabulary = {}: the recipe's {} has {}", checkpoint.vocabulary,
                                          recipe.tokenizer ? "tokeniser" : "task", recipe.vocabulary));
  }
  check_tokenizer(recipe, checkpoint);
  std::shared_ptr<Net> net = make_net(recipe);
  load_weights(*net, checkpoint);
  return net;
}

}  // namespace subband
