// `config.json` and back.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/json.h"
#include "core/text.h"
#include "experiments/interchange/huggingface/decoder.h"
#include "experiments/interchange/huggingface/reader.h"

namespace subband::huggingface {

namespace {

struct NamedFamily {
  Family family;
  const char* name;
  const char* architecture;
};
constexpr std::array<NamedFamily, 3> kFamilies = {{{Family::gpt2, "gpt2", "GPT2LMHeadModel"},
                                                   {Family::llama, "llama", "LlamaForCausalLM"},
                                                   {Family::qwen2, "qwen2", "Qwen2ForCausalLM"}}};

// Their names of an activation, ours behind; the first of ours is the one that is written back.
constexpr std::array<std::pair<const char*, const char*>, 13> kActivationNames = {
    {{"gelu_new", "gelu_tanh"},
     {"gelu_pytorch_tanh", "gelu_tanh"},
     {"gelu_fast", "gelu_tanh"},
     {"gelu_accurate", "gelu_tanh"},
     {"gelu", "gelu"},
     {"gelu_python", "gelu"},
     {"quick_gelu", "quick_gelu"},
     {"relu", "relu"},
     {"relu2", "relu_squared"},
     {"silu", "silu"},
     {"swish", "silu"},
     {"sigmoid", "sigmoid"},
     {"tanh", "tanh"}}};

// What does not change the function: ids of special tokens, training, generation, housekeeping.
constexpr const char* kHarmlessKeys =
    "_attn_implementation_autoset _name_or_path architectures attn_implementation auto_map "
    "bad_words_ids begin_suppress_tokens bos_token_id chunk_size_feed_forward "
    "cross_attention_hidden_size decoder_start_token_id diversity_penalty do_sample dtype "
    "early_stopping encoder_no_repeat_ngram_size eos_token_id exponential_decay_length_penalty "
    "finetuning_task forced_bos_token_id forced_eos_token_id gradient_checkpointing id2label "
    "is_decoder is_encoder_decoder keys_to_ignore_at_inference label2id length_penalty max_length "
    "min_length model_type n_ctx name_or_path no_repeat_ngram_size num_beam_groups num_beams "
    "num_labels num_return_sequences output_attentions output_hidden_states output_past output_scores "
    "pad_token_id prefix pretraining_tp problem_type pruned_heads remove_invalid_values "
    "reorder_and_upcast_attn repetition_penalty return_dict return_dict_in_generate sep_token_id "
    "summary_activation summary_first_dropout summary_proj_to_labels summary_type summary_use_proj "
    "suppress_tokens task_specific_params temperature tf_legacy_loss tie_encoder_decoder "
    "tokenizer_class top_k top_p torch_dtype torchscript transformers_version typical_p use_bfloat16 "
    "use_cache";

std::string read_activation(JsonReader& in, std::string_view key, const std::string& standard) {
  const std::string theirs = in.text(key, standard);
  std::vector<std::string> known;
  for (const auto& [name, ours] : kActivationNames) {
    if (theirs == name) return ours;
    known.emplace_back(name);
  }
  in.complain(key, "unknown activation" + suggestion(theirs, known));
  return "gelu";
}

std::string written_activation(const std::string& ours) {
  for (const auto& [name, own] : kActivationNames) {
    if (ours == own) return name;
  }
  return ours;
}

// Dropout stands in one place here: after the embedding and every part.
void read_dropout(JsonReader& in, Decoder& d, std::string_view key, std::initializer_list<const char*> others,
                  double standard, std::vector<std::string>& remarks) {
  d.dropout = key.empty() ? 0 : in.number(key, standard);
  for (const char* other : others) {
    const double rate = in.number(other, standard);
    if (rate != d.dropout || std::string_view(other).starts_with("att")) {
      if (rate > 0)
        remarks.push_back(fmt::format("{} = {}: left out; it matters in training alone", other, rate));
    }
  }
}

void refuse_if(JsonReader& in, std::string_view key, bool broken, const char* rule) {
  if (broken) in.complain(key, rule);
}

void read_gpt2(JsonReader& in, Decoder& d, std::vector<std::string>& remarks) {
  d.length = in.count("n_positions");
  d.width = in.count("n_embd");
  d.layers = in.count("n_layer");
  d.heads = d.kv_heads = in.count("n_head");
  d.head_width = d.width / d.heads;
  refuse_if(in, "n_head", d.width % d.heads != 0, "must divide n_embd");
  d.hidden = in.count("n_inner", 4 * d.width);
  d.activation = read_activation(in, "activation_function", "gelu_new");
  d.epsilon = in.number("layer_norm_epsilon", 1e-5);
  d.tied = in.flag("tie_word_embeddings", true);
  d.scales_scores = in.flag("scale_attn_weights", true);
  d.scales_by_layer = in.flag("scale_attn_by_inverse_layer_idx", false);
  refuse_if(in, "add_cross_attention", in.flag("add_cross_attention", false),
            "must be false; there is no encoder here");
  read_dropout(in, d, "resid_pdrop", {"embd_pdrop", "attn_pdrop"}, 0.1, remarks);
}

// Either as a number, or as the ratio of two gains; nothing: by the factor alone.
std::optional<double> yarn_amplitude(JsonReader& rope, const RopeScaling& scaling) {
  const double own = rope.number("attention_factor", 0), above = rope.number("mscale", 0),
               below = rope.number("mscale_all_dim", 0);
  if (own > 0) return own;
  if (above <= 0 || below <= 0) return {};
  const double growth = scaling.factor <= 1 ? 0 : 0.1 * std::log(scaling.factor);
  return (above * growth + 1) / (below * growth + 1);
}

// One of the two spellings; an unknown key is refused, since a rate that is not understood makes every logit wrong.
void read_rope(JsonReader& in, Decoder& d, const std::string& file, std::vector<Problem>& problems) {
  const Json nested = in.take("rope_parameters"), scaling = in.take("rope_scaling");
  d.rope_base = in.number("rope_theta", 10000);
  refuse_if(in, "partial_rotary_factor", in.number("partial_rotary_factor", 1) != 1, "must be 1");
  const bool old = !scaling.is_null();
  const std::string place = old ? "rope_scaling" : "rope_parameters";
  if (nested.is_null() && !old) return;
  for (const Json& map : {nested, scaling})
    if (!map.is_null() && !map.is_object()) return in.complain(place, "expected a map");
  Json written = nested.is_null() ? Json::object() : nested;
  for (const auto& [key, value] : scaling.items()) {
    if (written.contains(key) && written[key] != value)
      return in.complain("rope_scaling", "differs from rope_parameters in " + key + "; remove one of them");
    written[key] = value;
  }
  JsonReader rope(written, file, problems, place + ".");
  if (rope.has("rope_theta")) {
    const double base = rope.number("rope_theta", d.rope_base);
    if (in.has("rope_theta") && base != d.rope_base)
      rope.complain("rope_theta", "differs from rope_theta outside");
    d.rope_base = base;
  }
  rope.take("type");
  const std::string type = rope.text("rope_type", rope.text("type", "default"));
  refuse_if(rope, "partial_rotary_factor", rope.number("partial_rotary_factor", 1) != 1, "must be 1");
  const auto length = [&] { return rope.count("original_max_position_embeddings", d.length); };
  if (type == "linear") {
    d.rope = {.type = "linear", .factor = rope.number("factor", 1)};
  } else if (type == "llama3") {
    d.rope = {.type = "llama3",
              .factor = rope.number("factor", 1),
              .length = length(),
              .low_frequency = rope.number("low_freq_factor", 1),
              .high_frequency = rope.number("high_freq_factor", 4)};
  } else if (type == "yarn") {
    d.rope = {.type = "yarn",
              .factor = rope.number("factor", static_cast<double>(d.length) / static_cast<double>(length())),
              .length = length(),
              .beta_slow = rope.number("beta_slow", 1),
              .beta_fast = rope.number("beta_fast", 32),
              .whole_pairs = rope.flag("truncate", true)};
    d.rope.amplitude = yarn_amplitude(rope, d.rope);
  } else if (type != "default") {
    rope.complain(rope.has("rope_type") ? "rope_type" : "type", "must be default, linear, llama3 or yarn");
    return;
  }
  for (const std::string& key : rope.unread({}))
    rope.complain(key, "is not understood for rotary type " + type);
}

// transformers 5 lists the kind of every layer; before, three keys decided it.
void check_windows(JsonReader& in, const Decoder& d) {
  const bool sliding = in.flag("use_sliding_window", d.family == Family::llama);
  const double first = in.number("max_window_layers", 28);
  const bool has_window = in.has("sliding_window");
  in.take("sliding_window");
  const Json kinds = in.take("layer_types");
  constexpr const char* kRule = "must be off; attention here sees the whole window";
  if (!kinds.is_null()) {
    for (const Json& kind : kinds) {
      if (kind != "full_attention") return in.complain("layer_types", kRule);
    }
  } else if (sliding && has_window && (d.family == Family::llama || first < static_cast<double>(d.layers))) {
    in.complain("sliding_window", kRule);
  }
}

void read_llama(JsonReader& in, Decoder& d, const std::string& file, std::vector<Problem>& problems,
                std::vector<std::string>& remarks) {
  d.length = in.count("max_position_embeddings", d.family == Family::llama ? 2048 : 32768);
  d.width = in.count("hidden_size");
  d.layers = in.count("num_hidden_layers");
  d.heads = in.count("num_attention_heads");
  d.kv_heads = in.count("num_key_value_heads", d.heads);
  refuse_if(in, "num_key_value_heads", d.heads % d.kv_heads != 0, "must divide num_attention_heads");
  refuse_if(in, "num_attention_heads", !in.has("head_dim") && d.width % d.heads != 0,
            "must divide hidden_size, or head_dim be given");
  d.head_width = in.count("head_dim", std::max<int64_t>(1, d.width / d.heads));
  d.hidden = in.count("intermediate_size");
  d.activation = read_activation(in, "hidden_act", "silu");
  d.epsilon = in.number("rms_norm_eps", 1e-6);
  d.tied = in.flag("tie_word_embeddings", false);
  const bool qwen = d.family == Family::qwen2;
  d.attention_bias = in.flag("attention_bias", qwen);
  d.feed_forward_bias = in.flag("mlp_bias", false);
  refuse_if(in, "attention_bias", qwen && !d.attention_bias, "must be true for qwen2");
  refuse_if(in, "mlp_bias", qwen && d.feed_forward_bias, "must be false for qwen2");
  check_windows(in, d);
  read_rope(in, d, file, problems);
  read_dropout(in, d, "", {"attention_dropout"}, 0, remarks);
}

Json rope_json(const Decoder& d) {
  const RopeScaling& rope = d.rope;
  Json json = {{"rope_theta", d.rope_base}, {"rope_type", rope.type == "none" ? "default" : rope.type}};
  if (rope.type != "none") json["factor"] = rope.factor;
  if (rope.type == "llama3" || rope.type == "yarn") json["original_max_position_embeddings"] = rope.length;
  if (rope.type == "llama3") {
    json["low_freq_factor"] = rope.low_frequency;
    json["high_freq_factor"] = rope.high_frequency;
  }
  if (rope.type == "yarn") {
    json["attention_factor"] = rope.gain();
    json["beta_fast"] = rope.beta_fast;
    json["beta_slow"] = rope.beta_slow;
    json["truncate"] = rope.whole_pairs;
  }
  return json;
}

void write_llama(const Decoder& d, Json& json) {
  json["hidden_size"] = d.width;
  json["num_hidden_layers"] = d.layers;
  json["num_attention_heads"] = d.heads;
  json["num_key_value_heads"] = d.kv_heads;
  json["head_dim"] = d.head_width;
  json["intermediate_size"] = d.hidden;
  json["hidden_act"] = written_activation(d.activation);
  json["max_position_embeddings"] = d.length;
  json["rms_norm_eps"] = d.epsilon;
  json["attention_dropout"] = 0.0;
  json["rope_theta"] = d.rope_base;
  json["rope_parameters"] = rope_json(d);
  json["rope_scaling"] = nullptr;
  if (d.rope.type != "none") json["rope_scaling"] = rope_json(d);
  if (d.family == Family::qwen2) {
    json["use_sliding_window"] = false;
  } else {
    json["attention_bias"] = d.attention_bias;
    json["mlp_bias"] = d.feed_forward_bias;
  }
}

void write_gpt2(const Decoder& d, Json& json) {
  json["n_embd"] = d.width;
  json["n_layer"] = d.layers;
  json["n_head"] = d.heads;
  json["n_inner"] = d.hidden;
  json["n_positions"] = d.length;
  json["activation_function"] = written_activation(d.activation);
  json["layer_norm_epsilon"] = d.epsilon;
  json["scale_attn_weights"] = d.scales_scores;
  json["scale_attn_by_inverse_layer_idx"] = d.scales_by_layer;
  json["reorder_and_upcast_attn"] = false;
  json["resid_pdrop"] = d.dropout;
  json["embd_pdrop"] = d.dropout;
  json["attn_pdrop"] = 0.0;
}

}  // namespace

const char* family_name(Family family) {
  for (const NamedFamily& each : kFamilies) {
    if (each.family == family) return each.name;
  }
  return "";
}

Decoder decoder_of_json(const Json& json, const std::string& file, std::vector<std::string>& remarks) {
  if (!json.is_object()) throw ConfigError(file, "expected a map", "bad_value");
  std::vector<Problem> problems;
  JsonReader in(json, file, problems);
  Decoder d;
  const std::string type = in.text("model_type", "");
  const auto family =
      std::ranges::find(kFamilies, type, [](const NamedFamily& each) { return std::string(each.name); });
  if (family == kFamilies.end()) {
    in.complain("model_type", "must be gpt2, llama or qwen2");
    throw ConfigError(problems);
  }
  d.family = family->family;
  d.vocabulary = in.count("vocab_size");
  d.deviation = in.number("initializer_range", 0.02);
  refuse_if(in, "quantization_config", in.has("quantization_config"),
            "must be absent; the weights must be floating-point");
  if (d.family == Family::gpt2)
    read_gpt2(in, d, remarks);
  else
    read_llama(in, d, file, problems, remarks);
  for (const std::string& key : in.unread(split(kHarmlessKeys, ' ')))
    remarks.push_back(key + " = " + json.at(key).dump() + ": not known of " + type + ", passed over");
  if (!problems.empty()) throw ConfigError(problems);
  return d;
}

Json json_of_decoder(const Decoder& d, const std::string& dtype) {
  const auto family = std::ranges::find(kFamilies, d.family, &NamedFamily::family);
  Json json = {
      {"architectures", {family->architecture}}, {"model_type", family->name}, {"vocab_size", d.vocabulary}};
  if (d.family == Family::gpt2)
    write_gpt2(d, json);
  else
    write_llama(d, json);
  json["tie_word_embeddings"] = d.tied;
  json["initializer_range"] = d.deviation;
  json["use_cache"] = true;
  for (const char* token : {"bos_token_id", "eos_token_id", "pad_token_id"}) json[token] = nullptr;
  json["torch_dtype"] = dtype;
  return json;
}

}  // namespace subband::huggingface
