// The table from WaveletLM's flat keys to ours: every key that its model, trainer or generator knows, the
// default that its code takes where the key is missing, and the field of a recipe that it becomes.
// Source  WaveletLM (github.com/ramongougis/WaveletLM), training script and model of April and May 2026
#include "experiments/interchange/waveletlm/flat_config.h"

namespace subband::waveletlm {

using config::Node;

namespace {

constexpr const char* kNothingReadsIt = "read by nothing in WaveletLM, and by nothing here";
constexpr const char* kNothingToDo = "nothing to do here";
constexpr const char* kCutOutside = "how the original cuts its subset of the corpus; here the files are read as they lie there";

Node one_entry(const char* key, const Node& value) {
  Node map = Node::map();
  map.set(key, value);
  map.place = value.place;
  return map;
}

// --- run and data

const char* data_of(const std::string& dataset) {
  if (dataset == "wikitext-103") return "wikitext_103";
  if (dataset == "wikitext-2") return "wikitext_2_raw";
  if (dataset == "pile") return "pile";
  return dataset == "pg19" ? "pg19" : nullptr;
}

void dataset(FlatConfig& flat, const Node& value) {
  const char* data = data_of(value.string());
  if (data == nullptr)
    return flat.complain("dataset",
                         "must be wikitext-103, wikitext-2, pg19 or pile; other texts need a .yaml recipe");
  Node group = one_entry("/data", Node(data)), self = Node("_self_");
  group.place = group.find("/data")->place = self.place = value.place;
  flat.put("defaults", Node::list({group, self}), value);
}

void tokenizer(FlatConfig& flat, const Node& value) {
  const std::string& name = value.string();
  const bool pieces = name == "auto" ? flat.text("dataset") == "pg19" : name == "sentencepiece-pg19-32k";
  if (name != "auto" && name != "gpt2" && !pieces)
    return flat.complain("tokenizer", "must be auto, gpt2 or sentencepiece-pg19-32k");
  if (!pieces) return flat.put("tokenizer", Node("gpt2"), value);
  Node map = one_entry("type", Node("sentencepiece"));
  map.set("model", Node("pg19/sentencepiece-32k.model"));
  map.set("pieces", Node(int64_t{32000}));
  flat.put("tokenizer", map, value);
}

void evaluation_interval(FlatConfig& flat, const Node& value) {
  flat.put("trainer.evaluate_every", value);
  flat.put("trainer.evaluate_batches", value);
  flat.put("trainer.evaluate_train", Node(true), value);
}

// The original always benchmarks the weights of its best estimate.
void best_weights(FlatConfig& flat, const Node& value) {
  flat.put("trainer.save_best", Node(true), value);
  flat.put("trainer.save_best_after_warmup", value);
}

void precision(FlatConfig& flat, const Node& value) {
  flat.put("trainer.device", Node("auto"), value);
  if (value.boolean()) {
    const bool is_half = flat.text("amp_dtype") == "fp16";
    flat.put("trainer.precision", Node(is_half ? "fp16" : "bf16"),
             flat.is_written("amp_dtype") ? flat.value("amp_dtype") : value);
  } else {
    flat.put("trainer.precision", Node(flat.is_on("allow_tf32") ? "tf32" : "fp32"), value);
  }
}

// --- optimiser and schedule

void optimizer(FlatConfig& flat, const Node& value) {
  const std::string& name = value.string();
  if (name != "Adagrad" && name != "AdamW") return flat.complain("optimizer", "must be Adagrad or AdamW");
  flat.put("optimizer.type", Node(name == "Adagrad" ? "adagrad" : "adamw"), value);
  if (!flat.is_written("optimizer_eps"))
    flat.put("optimizer.eps", Node(name == "Adagrad" ? 2e-13 : 1e-8), value);
}

void warmup(FlatConfig& flat, const Node& value) {
  if (value.number() < 0 || value.number() >= 1)
    flat.complain("warmup_fraction", "must be at least 0 and below 1, a fraction of the run");
  flat.put("schedule.type", Node("cosine"), value);
  flat.put("schedule.warmup", value);
}

// --- net

void width(FlatConfig& flat, const Node& value) {
  if (!flat.is_on("multinodal_enabled")) flat.put("net.width", value);
}

bool is_haar(const FlatConfig& flat) { return flat.text("wavelet_mode") != "lifting"; }

// Whatever is no word of its own leaves a linear as the framework draws it.
Node first_values(const Node& word) {
  const std::string text = word.is(Node::Kind::string) ? word.string() : config::brief(word);
  const bool is_known = text == "haar" || text == "zero" || text == "random";
  Node value(is_known ? text : "uniform");
  value.place = word.place;
  return value;
}

Node bases(const Node& words) {
  Node list = Node::list();
  list.place = words.place;
  for (const Node& word : words.items()) list.items().push_back(first_values(word));
  return list;
}

void lifting(FlatConfig& flat, const Node& value) {
  const std::string path = "net.block.lifting.";
  if (is_haar(flat)) return flat.put(path + "type", Node("haar"), value);
  const Node& linear = flat.value("lifting_linear_only");
  if (flat.is_on("multi_basis_lifting")) {
    // Null or an empty list is the default there.
    const Node& words = flat.value("multi_basis_inits");
    const bool is_empty = words.is(Node::Kind::null) || words.size() == 0;
    if (flat.is_on("shared_lifting_weights"))
      flat.complain("multi_basis_lifting", "needs shared_lifting_weights = false");
    flat.put(path + "type", Node("multi_basis"), flat.value("multi_basis_lifting"));
    flat.put(path + "bases", is_empty ? bases(Node::list({Node("haar"), Node("random")})) : bases(words));
    if (linear.boolean()) flat.put(path + "linear", linear);
  } else {
    flat.put(path + "type", Node(linear.boolean() ? "linear" : "learned"), linear.boolean() ? linear : value);
    flat.put(path + "init", first_values(flat.value("lifting_init")));
  }
  if (const Node& untied = flat.value("untied_reconstruction"); untied.boolean()) {
    flat.put(path + "untied_reconstruction", untied);
    flat.put(path + "idle_predictions", untied);  // the original has predictions there that nothing reads
  }
  if (linear.boolean()) return;
  flat.put(path + "hidden_multiplier", flat.value("lifting_hidden_mult"));
  flat.put(path + "dropout", flat.value("lifting_dropout"));
}

void dilation(FlatConfig& flat, const Node& value) {
  // The fixed Haar looks back by powers of two whatever the flag says.
  const bool crawls = value.boolean() && !is_haar(flat);
  flat.put("net.block.dilation.type", Node(crawls ? "crawl" : "dyadic"), value);
  if (crawls) flat.put("net.block.dilation.taps", flat.value("wavelet_crawl_k"));
}

void transform(FlatConfig& flat, const Node& value) {
  flat.put("net.block.transform", Node(value.string() == "learned_butterfly" ? "butterfly" : value.string()),
           value);
}

void gate(FlatConfig& flat, const Node& value) {
  flat.put("net.block.scale_mixer.type", Node("gated"), value);
  if (value.boolean())
    flat.put("net.block.scale_mixer.gate", flat.value("mixer_gate_activation"));
  else
    flat.put("net.block.scale_mixer.gate", Node("none"), value);
}

void widths(FlatConfig& flat, const Node& value) {
  if (value.is(Node::Kind::null)) return;
  if (flat.count("mixer_depth") > 1)
    return flat.remark("per_scale_mixer_widths", "without effect where mixer_depth is above 1");
  flat.put("net.block.scale_mixer.widths", value);
}

void mixer_depth(FlatConfig& flat, const Node& value) {
  if (value.integer() == 1) return;
  flat.put("net.block.scale_mixer.depth", value);
  flat.put("net.block.scale_mixer.depth_stabilizers", flat.value("mixer_depth_stabilizers"));
  flat.put("net.block.scale_mixer.depth_residuals", flat.value("mixer_depth_residuals"));
}

void bypass(FlatConfig& flat, const Node& value) {
  if (!value.boolean()) return flat.put("net.block.bypass.type", Node("none"), value);
  const Node& ema = flat.value("decompose_bypass_ema");
  flat.put("net.block.bypass.type", Node(ema.boolean() ? "ema" : "running_mean"),
           ema.boolean() ? ema : value);
  flat.put("net.block.bypass.cross_window", flat.value("decompose_bypass_cross_window"));
}

// The first of the three that stand side by side; no label is no such part.
void mlp(FlatConfig& flat, const Node& value) {
  flat.put("net.block.channel_mixers", Node::map(), value);
  if (value.integer() == 0) return;
  if (value.integer() < 0) return flat.complain("mlp_expansion", "must be at least 0; 0 is no MLP");
  flat.put("net.block.channel_mixers.mlp.expansion", value);
  flat.put("net.block.channel_mixers.mlp.layers", flat.value("mlp_layers"));
}

void memory(FlatConfig& flat, const Node& value, const std::string& prefix, const std::string& part) {
  if (!value.boolean()) return;
  const std::string path = "net.block.channel_mixers." + part;
  flat.put(path + ".keys", flat.value(prefix + "_num_keys"));
  flat.put(path + ".top_k", flat.value(prefix + "_top_k"));
  flat.put(path + ".heads", flat.value(prefix + "_heads"));
}

void product_keys(FlatConfig& flat, const Node& value) { memory(flat, value, "pkm", "product_key_memory"); }
void fast_weights(FlatConfig& flat, const Node& value) { memory(flat, value, "fwpkm", "fast_weight_memory"); }

void looped(FlatConfig& flat, const Node& value) {
  if (!value.boolean()) return flat.put("net.loop_block", Node(int64_t{0}), value);
  // 0 would stand for stacked blocks.
  if (flat.count("looped_blocks_count") < 1)
    return flat.complain("looped_blocks_count", "must be at least 1");
  flat.put("net.loop_block", flat.value("looped_blocks_count"));
}

void stochastic_depth(FlatConfig& flat, const Node& value) {
  if (!flat.is_on("looped_blocks") || value.number() == 0) return flat.put("net.stochastic_depth", value);
  flat.remark("stochastic_depth_rate", "without effect where looped_blocks is true");
}

void stabilize(FlatConfig& flat, const Node& value) {
  static constexpr std::pair<const char*, const char*> kWords[] = {
      {"stab_spectral_norm", "spectral_norm"},     {"stab_ff_scaling", "feed_forward"},
      {"stab_embed_scaling", "embedding"},         {"stab_proj_out_scaling", "projection"},
      {"stab_mixer_eps_scaling", "mixer_epsilon"}, {"stab_lifting_level_scaling", "lifting_level"}};
  Node words = Node::list();
  words.place = value.place;
  if (value.boolean()) words.items().emplace_back("all");
  for (const auto& [key, word] : kWords) {
    if (value.boolean() || !flat.is_on(key)) continue;
    words.items().emplace_back(word);
    words.place = flat.value(key).place;
  }
  for (Node& word : words.items()) word.place = words.place;
  if (words.size() > 0) flat.put("net.stabilize", words);
}

void checkpointing(FlatConfig& flat, const Node& value) {
  if (value.boolean()) flat.put("trainer.checkpoint_activations", value);
}

void if_on(FlatConfig& flat, const Node& value, const char* path) {
  if (value.boolean()) flat.put(path, value);
}
void norm_coefficients(FlatConfig& flat, const Node& value) {
  if_on(flat, value, "net.block.norm_coefficients");
}
void norm_synthesis(FlatConfig& flat, const Node& value) { if_on(flat, value, "net.block.norm_synthesis"); }

// --- several nets side by side

void cells(FlatConfig& flat, const Node& value) {
  if (!value.boolean()) {
    Node type("wavelet_lm");
    type.place = value.place;
    return flat.put_net("type", type);
  }
  Node type("multinodal"), combination(flat.text("multinodal_combination") == "average" ? "average" : "sum");
  type.place = value.place;
  combination.place = flat.value("multinodal_combination").place;
  Node lockstep("bare"), scale_loss(true);  // as the original has it; ours are sounder
  lockstep.place = scale_loss.place = value.place;
  flat.put_net("type", type);
  flat.put_net("cells", flat.value("multinodal_num_cells"));
  flat.put_net("width", flat.value("multinodal_cell_dim"));
  flat.put_net("seeds", flat.value("multinodal_seeds"));
  flat.put_net("combination", combination);
  flat.put_net("gating", flat.value("multinodal_cross_cell_gating"));
  flat.put_net("gate_interval", flat.value("multinodal_cross_cell_gate_interval"));
  flat.put_net("lockstep", lockstep);
  flat.put_net("scale_loss", scale_loss);
  flat.put_net("features", flat.value("multinodal_features_per_cell"));
  flat.put_net("bagged_epsilon", flat.value("multinodal_bagged_eps"));
}

// Text that looks like an interpolation is none.
void prompt(FlatConfig& flat, const Node& value) {
  std::string text = value.string();
  for (size_t at = text.find("${"); at != std::string::npos; at = text.find("${", at + 3))
    text.insert(at, "\\");
  flat.put("samples.prompt", Node(text), value);
}

void quantize(FlatConfig& flat, const Node& value) {
  if (value.boolean()) flat.remark("quantize_enabled", "quantisation is no part of training here; left out");
}

// Read by the converter of another key.
void by_another(FlatConfig&, const Node&) {}

}  // namespace

const std::vector<FlatKey>& flat_keys() {
  using enum FlatType;
  static const std::vector<FlatKey> table = {
      {"dataset", text, "wikitext-103", "data", dataset},
      {"dataset_max_tokens", integer, "", "", nullptr, kCutOutside},
      {"pile_val_docs", integer, "", "", nullptr, kCutOutside},
      {"pile_test_docs", integer, "", "", nullptr, kCutOutside},
      {"pile_holdout_stride", integer, "", "", nullptr, kCutOutside},
      {"tokenizer", text, "auto", "tokenizer", tokenizer},
      {"seed", integer, nullptr, "seed"},
      {"out_dir", text, "", "", nullptr, "the store of runs is --store DIR"},
      {"compile", boolean, "", "", nullptr, kNothingToDo},
      {"compile_mode", text, "", "", nullptr, kNothingToDo},
      {"benchmark_only", boolean, "", "", nullptr, "nothing to do here; subband eval measures a checkpoint"},
      {"benchmark_run_dir", text, "", "", nullptr, "nothing to do here; subband eval measures a checkpoint"},

      {"epochs", integer, nullptr, "trainer.epochs"},
      {"micro_batch_size", integer, nullptr, "trainer.batch"},
      {"grad_accum", integer, "1", "trainer.accumulate"},
      {"block_size", integer, nullptr, "trainer.length"},
      {"eval_interval", integer, nullptr, "trainer.evaluate_every", evaluation_interval},
      {"checkpoint_interval_steps", integer, "", "trainer.checkpoint_every"},
      {"skip_warmup_saves", boolean, "true", "trainer.save_best_after_warmup", best_weights},
      {"grad_clip", number, "1.0", "trainer.clip_norm"},
      {"use_amp", boolean, "true", "trainer.precision", precision},
      {"amp_dtype", text, "fp16", "trainer.precision", by_another},
      {"allow_tf32", boolean, "true", "trainer.precision", by_another},
      {"gradient_checkpointing", boolean, "false", "trainer.checkpoint_activations", checkpointing},

      {"optimizer", text, "Adagrad", "optimizer.type", optimizer},
      {"lr", number, nullptr, "optimizer.lr"},
      {"optimizer_eps", number, "", "optimizer.eps"},
      {"weight_decay", number, "0.0", "optimizer.weight_decay"},
      {"min_lr", number, nullptr, "schedule.min_lr"},
      {"warmup_fraction", number, "0.3", "schedule.warmup", warmup},

      {"multinodal_enabled", boolean, "false", "net.type", cells},
      {"multinodal_num_cells", integer, "2", "net.cells", by_another},
      {"multinodal_cell_dim", integer, "512", "net.width", by_another},
      {"multinodal_seeds", list, "[42, 137]", "net.seeds", by_another},
      {"multinodal_combination", text, "average", "net.combination", by_another},
      {"multinodal_cross_cell_gating", boolean, "false", "net.gating", by_another},
      {"multinodal_cross_cell_gate_interval", integer, "1", "net.gate_interval", by_another},
      {"multinodal_features_per_cell", integer, "-1", "net.features", by_another},
      {"multinodal_bagged_eps", number, "1e-6", "net.bagged_epsilon", by_another},

      {"C", integer, nullptr, "net.width", width},
      {"layers", integer, nullptr, "net.layers"},
      {"levels", integer, nullptr, "net.block.levels"},
      {"shared_lifting_weights", boolean, "true", "net.share_lifting"},
      {"wavelet_mode", text, "lifting", "net.block.lifting", lifting},
      {"lifting_linear_only", boolean, "true", "net.block.lifting", by_another},
      {"multi_basis_lifting", boolean, "false", "net.block.lifting", by_another},
      {"multi_basis_inits", list, "[haar, random]", "net.block.lifting.bases", by_another},
      {"lifting_init", text, "haar", "net.block.lifting.init", by_another},
      {"lifting_hidden_mult", integer, "1", "net.block.lifting.hidden_multiplier", by_another},
      {"lifting_dropout", number, "0.0", "net.block.lifting.dropout", by_another},
      {"untied_reconstruction", boolean, "false", "net.block.lifting.untied_reconstruction", by_another},
      {"wavelet_crawl", boolean, "false", "net.block.dilation", dilation},
      {"wavelet_crawl_k", integer, "3", "net.block.dilation.taps", by_another},
      {"mixer_transform", text, "fwht", "net.block.transform", transform},
      {"wavelet_decomp_norm", boolean, "false", "net.block.norm_coefficients", norm_coefficients},
      {"wavelet_recon_norm", boolean, "false", "net.block.norm_synthesis", norm_synthesis},
      {"use_mixer_gate", boolean, "true", "net.block.scale_mixer.gate", gate},
      {"mixer_gate_activation", text, "silu", "net.block.scale_mixer.gate", by_another},
      {"low_rank", integer, "0", "net.block.scale_mixer.low_rank"},
      {"per_scale_mixer_widths", list, "null", "net.block.scale_mixer.widths", widths},
      {"cross_scale_gating", boolean, "false", "net.block.scale_mixer.routing"},
      {"mixer_depth", integer, "1", "net.block.scale_mixer.depth", mixer_depth},
      {"mixer_depth_stabilizers", boolean, "false", "net.block.scale_mixer.depth_stabilizers", by_another},
      {"mixer_depth_residuals", boolean, "false", "net.block.scale_mixer.depth_residuals", by_another},
      {"decompose_bypass", boolean, "true", "net.block.bypass", bypass},
      {"decompose_bypass_cross_window", boolean, "true", "net.block.bypass.cross_window", by_another},
      {"decompose_bypass_ema", boolean, "false", "net.block.bypass", by_another},
      {"mlp_expansion", integer, "10", "net.block.channel_mixers.mlp.expansion", mlp},
      {"mlp_layers", integer, "2", "net.block.channel_mixers.mlp.layers", by_another},
      {"pkm_enabled", boolean, "false", "net.block.channel_mixers.product_key_memory", product_keys},
      {"pkm_num_keys", integer, "529", "net.block.channel_mixers.product_key_memory.keys", by_another},
      {"pkm_top_k", integer, "32", "net.block.channel_mixers.product_key_memory.top_k", by_another},
      {"pkm_heads", integer, "1", "net.block.channel_mixers.product_key_memory.heads", by_another},
      {"fwpkm_enabled", boolean, "false", "net.block.channel_mixers.fast_weight_memory", fast_weights},
      {"fwpkm_num_keys", integer, "529", "net.block.channel_mixers.fast_weight_memory.keys", by_another},
      {"fwpkm_top_k", integer, "32", "net.block.channel_mixers.fast_weight_memory.top_k", by_another},
      {"fwpkm_heads", integer, "1", "net.block.channel_mixers.fast_weight_memory.heads", by_another},
      {"fwpkm_inference_updates", boolean, "", "", nullptr, kNothingReadsIt},
      {"fwpkm_update_lr", number, "", "", nullptr, kNothingReadsIt},
      {"fwpkm_chunk_size", integer, "", "", nullptr, kNothingReadsIt},
      {"learned_residual", boolean, "true", "net.block.learned_residual"},
      {"skip_proj_out", boolean, "true", "net.block.skip_projection"},
      {"per_layer_embedding", boolean, "false", "net.block.per_layer_embedding"},
      {"tie_embedding_to_lm_head", boolean, "false", "net.tie_embedding"},
      {"looped_blocks", boolean, "false", "net.loop_block", looped},
      {"looped_blocks_count", integer, "8", "net.loop_block", by_another},
      {"loop_iterations", integer, "1", "net.loop_iterations"},
      {"stochastic_depth_rate", number, "0.0", "net.stochastic_depth", stochastic_depth},
      {"dropout_embedding", number, "0.0", "net.dropout.embedding"},
      {"dropout_projection", number, "0.0", "net.dropout.projection"},
      {"dropout_mixer", number, "0.0", "net.dropout.mixer"},
      {"dropout_mlp", number, "0.0", "net.dropout.mlp"},
      {"dropout_lm_head", number, "0.0", "net.dropout.lm_head"},
      {"stable_parametrization", boolean, "false", "net.stabilize", stabilize},
      {"stab_spectral_norm", boolean, "false", "net.stabilize", by_another},
      {"stab_ff_scaling", boolean, "false", "net.stabilize", by_another},
      {"stab_embed_scaling", boolean, "false", "net.stabilize", by_another},
      {"stab_proj_out_scaling", boolean, "false", "net.stabilize", by_another},
      {"stab_mixer_eps_scaling", boolean, "false", "net.stabilize", by_another},
      {"stab_lifting_level_scaling", boolean, "false", "net.stabilize", by_another},
      {"exp_parametrization", boolean, "", "", nullptr, kNothingReadsIt},

      {"generation_prompt", text, "The history of", "samples.prompt", prompt},
      {"temperature", number, "1.0", "samples.temperature"},
      {"num_new_tokens", integer, "512", "samples.tokens"},
      {"generation_max_context", integer, "", "", nullptr, kNothingToDo},
      {"top_p", number, "", "", nullptr, kNothingReadsIt},
      {"repetition_penalty", number, "", "", nullptr, kNothingReadsIt},

      {"quantize_enabled", boolean, "false", "", quantize},
      {"quantize_mixer_coarse_bits", integer, "8", "", by_another},
      {"quantize_mixer_mid_bits", integer, "4", "", by_another},
      {"quantize_mixer_fine_bits", integer, "2", "", by_another},
      {"quantize_mlp_bits", integer, "4", "", by_another},
      {"quantize_lifting_bits", integer, "16", "", by_another},
      {"quantize_embedding_bits", integer, "8", "", by_another},
  };
  return table;
}

}  // namespace subband::waveletlm
