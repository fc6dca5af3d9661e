#include "experiments/training/checkpoints/about_model.h"

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/json.h"
#include "experiments/recipe.h"
#include "experiments/tokenizers/inline_model.h"
#include "experiments/training/checkpoints/start_weights.h"
#include "models/module.h"

namespace subband {

using config::Node;

namespace {

constexpr const char* kModelField = "tokenizer.model";

const std::string* model_field(const Node& config) {
  const Node* field = config.at(kModelField);
  return field != nullptr && field->is(Node::Kind::string) ? &field->string() : nullptr;
}

// As a field takes it inline; empty where its file cannot be read.
std::string inline_model(const std::string& field) {
  try {
    return inline_tokenizer_model(read_tokenizer_model(field).bytes);
  } catch (const Error&) {
    return "";
  }
}

void add_tokenizer(AboutModel& about, const Recipe& recipe) {
  const std::string* field = model_field(recipe.resolved);
  const std::string model = field != nullptr ? inline_model(*field) : "";
  if (field != nullptr && model.empty()) return;
  about["tokenizer"] = make_tokenizer(recipe)->fingerprint();
  if (!model.empty()) about["tokenizer_model"] = model;
}

}  // namespace

Node kept_config(const Recipe& recipe) {
  Node config = recipe.resolved;
  if (recipe.trainer.weights)
    config.set_at("trainer.weights", Node(kWeightsByDigest + recipe.identity.at("trainer.weights")->string()));
  return config;
}

AboutModel about_model(const Recipe& recipe) {
  Json roles = Json::object();
  for (const Parameter& each : parameters_of(*make_meta_net(recipe))) roles[each.name] = name_of(each.purpose.role);
  AboutModel about = {{"roles", roles.dump()}};
  if (recipe.tokenizer) add_tokenizer(about, recipe);
  return about;
}

void take_own_tokenizer(Node& config, const AboutModel& about) {
  const auto own = about.find("tokenizer_model");
  const std::string* field = model_field(config);
  if (own == about.end() || field == nullptr || inline_model(*field) == own->second) return;
  config.set_at(kModelField, Node(own->second));
}

}  // namespace subband
