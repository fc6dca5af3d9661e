#include "experiments/interchange/waveletlm/config.h"

#include <nlohmann/json.hpp>

#include "core/config/binder.h"
#include "core/error.h"
#include "core/files.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "experiments/interchange/waveletlm/flat_config.h"
#include "experiments/load_recipe.h"
#include "experiments/parts.h"

namespace waveletlm_config_test {
using namespace subband;
using config::Node;

// The keys that the original demands; every other one has a default.
const std::string kRequired =
    R"("seed": 1, "epochs": 2, "micro_batch_size": 4, "block_size": 64, "eval_interval": 50, "C": 16, )"
    R"("layers": 2, "levels": 3, "lr": 0.01, "min_lr": 0.001)";

Node converted(const std::string& more = "", config::Warnings* warnings = nullptr) {
  config::Warnings own;
  return waveletlm::recipe_of_flat_config("{" + kRequired + (more.empty() ? "" : ", " + more) + "}", "C.json",
                                          warnings ? *warnings : own);
}

std::string at(const Node& recipe, const std::string& path) {
  const Node* found = recipe.at(path);
  return found == nullptr ? "absent" : nlohmann::ordered_json::parse(config::to_json(*found)).dump();
}

std::string refusal(const std::string& text) {
  config::Warnings warnings;
  try {
    waveletlm::recipe_of_flat_config(text, "C.json", warnings);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "accepted";
}

TEST_CASE("a key that is missing takes the original's default, not ours", "[waveletlm_config]") {
  const Node recipe = converted();
  const std::pair<const char*, const char*> expected[] = {
      {"data", "absent"},
      {"tokenizer", R"("gpt2")"},
      {"trainer.epochs", "2"},
      {"trainer.accumulate", "1"},
      {"trainer.evaluate_every", "50"},
      {"trainer.evaluate_batches", "50"},
      {"trainer.evaluate_train", "true"},
      {"trainer.save_best", "true"},
      {"trainer.save_best_after_warmup", "true"},
      {"trainer.clip_norm", "1.0"},
      {"trainer.precision", R"("fp16")"},
      {"optimizer", R"({"type":"adagrad","eps":2e-13,"lr":0.01,"weight_decay":0.0})"},
      {"schedule", R"({"min_lr":0.001,"type":"cosine","warmup":0.3})"},
      {"net.type", R"("wavelet_lm")"},
      {"net.share_lifting", "true"},
      {"net.loop_block", "0"},
      {"net.stabilize", "absent"},
      {"net.block.lifting", R"({"type":"linear","init":"haar"})"},
      {"net.block.dilation", R"({"type":"dyadic"})"},
      {"net.block.transform", R"("fwht")"},
      {"net.block.scale_mixer", R"({"type":"gated","gate":"silu","low_rank":0,"routing":false})"},
      {"net.block.bypass", R"({"type":"running_mean","cross_window":true})"},
      {"net.block.channel_mixers", R"({"mlp":{"expansion":10,"layers":2}})"},
      {"net.block.learned_residual", "true"},
      {"net.block.skip_projection", "true"},
      {"net.block.per_layer_embedding", "false"},
      {"samples", R"({"prompt":"The history of","temperature":1.0,"tokens":512})"}};
  for (const auto& [path, value] : expected) {
    INFO(path);
    CHECK(at(recipe, path) == value);
  }
  CHECK(at(recipe, "defaults") == R"([{"/data":"wikitext_103"},"_self_"])");
}

struct KeyCase {
  const char* written;
  const char* path;
  const char* value;
};

TEST_CASE("every key goes where the table says", "[waveletlm_config]") {
  const KeyCase cases[] = {
      {R"("dataset": "pg19")", "tokenizer.type", R"("sentencepiece")"},
      {R"("dataset": "pg19", "tokenizer": "gpt2")", "tokenizer", R"("gpt2")"},
      {R"("dataset": "wikitext-2")", "defaults.0", R"({"/data":"wikitext_2_raw"})"},
      {R"("use_amp": false)", "trainer.precision", R"("tf32")"},
      {R"("use_amp": false, "allow_tf32": false)", "trainer.precision", R"("fp32")"},
      {R"("amp_dtype": "bfloat16")", "trainer.precision", R"("bf16")"},
      {R"("optimizer": "AdamW", "weight_decay": 0.1)", "optimizer",
       R"({"type":"adamw","eps":1e-08,"lr":0.01,"weight_decay":0.1})"},
      {R"("optimizer_eps": 1e-6)", "optimizer.eps", "1e-06"},
      {R"("warmup_fraction": 0)", "schedule.warmup", "0"},
      {R"("wavelet_mode": "haar", "wavelet_crawl": true)", "net.block.lifting", R"({"type":"haar"})"},
      {R"("wavelet_mode": "haar", "wavelet_crawl": true)", "net.block.dilation", R"({"type":"dyadic"})"},
      {R"("wavelet_mode": "something else")", "net.block.lifting.type", R"("haar")"},
      {R"("lifting_linear_only": false, "lifting_hidden_mult": 2, "lifting_init": "zero", "lifting_dropout": 0.1)",
       "net.block.lifting", R"({"type":"learned","init":"zero","hidden_multiplier":2,"dropout":0.1})"},
      {R"("multi_basis_lifting": true, "shared_lifting_weights": false, "multi_basis_inits": ["zero", "x"])",
       "net.block.lifting", R"({"type":"multi_basis","bases":["zero","uniform"],"linear":true})"},
      {R"("multi_basis_lifting": true, "shared_lifting_weights": false, "multi_basis_inits": null)",
       "net.block.lifting.bases", R"(["haar","random"])"},
      {R"("multi_basis_lifting": true, "shared_lifting_weights": false, "multi_basis_inits": [])",
       "net.block.lifting.bases", R"(["haar","random"])"},
      {R"("lifting_init": "as the framework does", "untied_reconstruction": true)", "net.block.lifting",
       R"({"type":"linear","init":"uniform","untied_reconstruction":true,"idle_predictions":true})"},
      {R"("shared_lifting_weights": false)", "net.share_lifting", "false"},
      {R"("wavelet_crawl": true, "wavelet_crawl_k": 5)", "net.block.dilation",
       R"({"type":"crawl","taps":5})"},
      {R"("mixer_transform": "learned_butterfly")", "net.block.transform", R"("butterfly")"},
      {R"("wavelet_decomp_norm": true)", "net.block.norm_coefficients", "true"},
      {R"("wavelet_recon_norm": true)", "net.block.norm_synthesis", "true"},
      {R"("use_mixer_gate": false)", "net.block.scale_mixer.gate", R"("none")"},
      {R"("mixer_gate_activation": "relu")", "net.block.scale_mixer.gate", R"("relu")"},
      {R"("low_rank": 4, "cross_scale_gating": true, "per_scale_mixer_widths": [1, 1, 0.5, 0.5])",
       "net.block.scale_mixer",
       R"({"type":"gated","gate":"silu","low_rank":4,"widths":[1,1,0.5,0.5],"routing":true})"},
      {R"("mixer_depth": 3, "mixer_depth_residuals": true)", "net.block.scale_mixer.depth", "3"},
      {R"("mixer_depth": 3, "mixer_depth_residuals": true)", "net.block.scale_mixer.depth_residuals", "true"},
      {R"("mixer_depth": 3, "mixer_depth_stabilizers": true)", "net.block.scale_mixer.depth_stabilizers",
       "true"},
      {R"("mixer_depth": 2, "per_scale_mixer_widths": [1, 1, 1, 0.5])", "net.block.scale_mixer.widths",
       "absent"},
      {R"("decompose_bypass": false)", "net.block.bypass", R"({"type":"none"})"},
      {R"("semantic_feedback": false)", "net.block.bypass", R"({"type":"none"})"},
      {R"("decompose_bypass_ema": true, "decompose_bypass_cross_window": false)", "net.block.bypass",
       R"({"type":"ema","cross_window":false})"},
      {R"("mlp_expansion": 0)", "net.block.channel_mixers", "{}"},
      {R"("mlp_expansion": 3, "mlp_layers": 1)", "net.block.channel_mixers",
       R"({"mlp":{"expansion":3,"layers":1}})"},
      {R"("mlp_expansion": 0, "pkm_enabled": true, "pkm_num_keys": 16, "pkm_heads": 2)",
       "net.block.channel_mixers", R"({"product_key_memory":{"keys":16,"top_k":32,"heads":2}})"},
      {R"("mlp_expansion": 0, "fwpkm_enabled": true, "fwpkm_top_k": 4)", "net.block.channel_mixers",
       R"({"fast_weight_memory":{"keys":529,"top_k":4,"heads":1}})"},
      {R"("learned_residual": false)", "net.block.learned_residual", "false"},
      {R"("skip_proj_out": false)", "net.block.skip_projection", "false"},
      {R"("per_layer_embedding": true)", "net.block.per_layer_embedding", "true"},
      {R"("tie_embedding_to_lm_head": true)", "net.tie_embedding", "true"},
      {R"("looped_blocks": true)", "net.loop_block", "8"},
      {R"("looped_blocks": true, "stochastic_depth_rate": 0.1)", "net.stochastic_depth", "absent"},
      {R"("loop_iterations": 2)", "net.loop_iterations", "2"},
      {R"("stochastic_depth_rate": 0.1)", "net.stochastic_depth", "0.1"},
      {R"("dropout_lm_head": 0.24)", "net.dropout.lm_head", "0.24"},
      {R"("stable_parametrization": true)", "net.stabilize", R"(["all"])"},
      {R"("stab_spectral_norm": true, "stab_mixer_eps_scaling": true)", "net.stabilize",
       R"(["spectral_norm","mixer_epsilon"])"},
      {R"("grad_clip": 0.5)", "trainer.clip_norm", "0.5"},
      {R"("skip_warmup_saves": false)", "trainer.save_best_after_warmup", "false"},
      {R"("skip_warmup_saves": false)", "trainer.save_best", "true"},
      {R"("gradient_checkpointing": true)", "trainer.checkpoint_activations", "true"},
      {R"("generation_prompt": "${x}")", "samples.prompt", R"("\\${x}")"},
      {R"("multinodal_enabled": true, "multinodal_cell_dim": 32)", "net.width", "32"},
      {R"("multinodal_enabled": true)", "net.seeds", "[42,137]"},
      {R"("multinodal_enabled": true)", "net.lockstep", R"("bare")"},
      {R"("multinodal_enabled": true)", "net.scale_loss", "true"},
      {R"("multinodal_enabled": true)", "net.cell.layers", "2"},
      {R"("multinodal_enabled": true)", "net.cell.width", "absent"},
      {R"("gradient_checkpointing": true)", "trainer.checkpoint_activations", "true"},
      {R"("multinodal_enabled": true, "multinodal_combination": "any other")", "net.combination", R"("sum")"},
  };
  for (const KeyCase& each : cases) {
    INFO(each.written << " -> " << each.path);
    CHECK(at(converted(each.written), each.path) == each.value);
  }
}

TEST_CASE("what the original reads by nothing is accepted with a remark at its place", "[waveletlm_config]") {
  config::Warnings warnings;
  converted(
      "\n \"exp_parametrization\": true, \"top_p\": 0.9,\n\t\"compile\": false, \"iterative_refinement\": "
      "false",
      &warnings);
  CHECK(warnings ==
        config::Warnings{
            "C.json:2:2: exp_parametrization: read by nothing in WaveletLM, and by nothing here",
            "C.json:2:31: top_p: read by nothing in WaveletLM, and by nothing here",
            "C.json:3:2: compile: nothing to do here",
            "C.json:3:20: iterative_refinement: of a feature that WaveletLM has removed; it is off"});
}

// What the configurations of July 2026 have beside the keys of May, all of it off.
constexpr const char* kNewer = R"("wavelet_basis": "real", "complex_construction": "direct",
 "complex_collapse": "per_level", "complex_mixer_activation": "split", "complex_gate_activation": "softplus",
 "complex_mixer": false, "cross_layer_dense_skips": false, "lifting_diaglowrank": false,
 "lifting_level_sharing": false, "lifting_offdiag_structure": "none", "lifting_block_size": 64,
 "lifting_band_width": 64, "lifting_monarch_blocks": 32, "lifting_offdiag_density": 0.0,
 "lifting_offdiag_mask_seed": 1337, "lifting_offdiag_mask_checkpoint": "", "mlp_offdiag_structure": "none",
 "mlp_block_size": 64, "mlp_band_width": 64, "mlp_pq_density": 0.1, "mlp_pq_mode": "structural",
 "sparse_pq_embedding_enabled": false, "sparse_pq_embedding_density": 0.1,
 "sparse_pq_embedding_mode": "structural", "sparse_pq_embedding_epsilon": 1e-06,
 "sparse_encoder_decoder_embedding": false, "sparse_encoder_decoder_embedding_C": 512,
 "mixer_recurrence_steps": 1, "mixer_recurrence_distinct_mixer_count": 1, "mixer_recurrence_residuals": true,
 "mixer_recurrence_cache_gate": false, "mixer_recurrence_dense": false,
 "mixer_recurrence_dense_normalize": false, "decompose_bypass_ssm": false, "decompose_bypass_ssm_poles": 4,
 "decompose_bypass_ssm_cross_window": false, "decompose_bypass_bptt": false, "decompose_bypass_bptt_span": 0,
 "wavelet_2d_mode": "off", "wavelet_2d_b_levels": -1, "wavelet_2d_init_zero": true,
 "wavelet_2d_state_passing": false, "bbce_enabled": false, "block_size_compressed": 65536,
 "bbce_compressed_grad": true)";

TEST_CASE("the newest published configurations are read, with a remark on every feature that is off",
          "[waveletlm_config]") {
  const std::string others = R"(, "generation_max_context": 16777216, "checkpoint_interval_steps": 2000)";
  for (const std::string data : {R"("dataset": "pg19")", R"("dataset": "pile", "dataset_max_tokens": 4788859560,
      "pile_val_docs": 500, "pile_test_docs": 1000, "pile_holdout_stride": 6000)"}) {
    config::Warnings warnings;
    const Node recipe = converted(data + ", " + kNewer + others, &warnings);
    CHECK(at(recipe, "trainer.checkpoint_every") == "2000");
    CHECK(std::ranges::count_if(warnings, [](const std::string& line) {
            return line.ends_with(": of a feature of newer WaveletLM that is not here; it is off");
          }) == 45);
  }
}

TEST_CASE("a feature that is on and that there is nothing for is refused by name, its settings with it",
          "[waveletlm_config]") {
  const auto refused = [](const std::string& written) { return refusal("{" + kRequired + ",\n" + written + "}"); };
  const std::string rest = ": turns on a feature of newer WaveletLM that is not here; only ";
  CHECK(refused(R"("bbce_enabled": true, "bbce_compressed_grad": true)") ==
        "C.json:2:1: bbce_enabled = true" + rest + "false can be read");
  CHECK(refused(R"("wavelet_2d_mode": "internal", "mixer_recurrence_steps": 2)") ==
        "C.json:2:1: wavelet_2d_mode = internal" + rest + "off can be read\nC.json:2:32: mixer_recurrence_steps = 2" +
            rest + "1 can be read");
  CHECK(refused(R"("lifting_offdiag_structure": "monarch", "complex_mixer": true)") ==
        "C.json:2:1: lifting_offdiag_structure = monarch" + rest + "none can be read\nC.json:2:41: complex_mixer = true" +
            rest + "false can be read");
  CHECK(refused(R"("newest_thing_enabled": true, "newest_thing_dim": 3)") ==
        "C.json:2:1: newest_thing_enabled = true" + rest + "false can be read");
  CHECK(refused(R"("newest_thing_enabled": false, "newest_thing_dim": 3, "other_thing": "none")") == "accepted");
  CHECK(refused(R"("wavelet_crawll": false)") == "C.json:2:1: wavelet_crawll: unknown key; did you mean 'wavelet_crawl'?");
  CHECK(refused(R"("a_new_number": 3)") == "C.json:2:1: a_new_number: unknown key; WaveletLM has none of this name");
}

TEST_CASE("a number that Python wrote as Infinity is one", "[waveletlm_config]") {
  CHECK(at(converted(R"("weight_decay": Infinity, "temperature": 2)"), "optimizer.weight_decay") == R"(".inf")");
  CHECK(refusal("{" + kRequired + ", \"C\": 3}").find("\"C\": is given twice") != std::string::npos);
}

TEST_CASE("the settings of a removed feature are accepted where its switch is off", "[waveletlm_config]") {
  CHECK(refusal("{" + kRequired + R"(, "cross_time_feedback_gain": 0.5, "cross_time_feedback": false})") ==
        "accepted");
  CHECK(refusal("{" + kRequired + ",\n\"iterative_refinement\": false, \"cross_time_feedback_gain\": 0.5}") ==
        "C.json:2:32: cross_time_feedback_gain = 0.5: of a feature that WaveletLM has removed; only false "
        "can be read");
}

TEST_CASE("mistakes of a flat config are reported together, each at its place", "[waveletlm_config]") {
  CHECK(refusal("{" + kRequired +
                ",\n\"mlp_expension\": 3,\n\"low_rank\": \"four\",\n \"iterative_refinement_passes\": 2,\n"
                "\"semantic_feedback\": true, \"decompose_bypass\": true,\n\"optimizer\": \"SGD\"}") ==
        "C.json:2:1: mlp_expension: unknown key; did you mean 'mlp_expansion'?\n"
        "C.json:4:2: iterative_refinement_passes = 2: of a feature that WaveletLM has removed; only false "
        "can be "
        "read\n"
        "C.json:5:28: decompose_bypass: is given twice, once by its earlier name\n"
        "C.json:3:13: low_rank = four: expected a whole number\n"
        "C.json:6:14: optimizer = SGD: must be Adagrad or AdamW");
  CHECK(
      refusal(R"({"seed": 1, "zzz": 2})").find("C.json: layers: missing; WaveletLM has no default for it") !=
      std::string::npos);
  CHECK(refusal("{" + kRequired +
                ",\n\"looped_blocks\": true, \"looped_blocks_count\": 0,\n\"mlp_expansion\": -1}") ==
        "C.json:3:18: mlp_expansion = -1: must be at least 0; 0 is no MLP\n"
        "C.json:2:47: looped_blocks_count = 0: must be at least 1");
  CHECK(refusal("{\"C\": 1,\n \"layers\" 2}") == "C.json:2:11: is no JSON from here on");
  CHECK(refusal("[1]") == "C.json: expected the keys of a WaveletLM config.json, got a list");
}

TEST_CASE("a flat config loads as a recipe, with overrides, and a wrong value names its line",
          "[waveletlm_config]") {
  const TestFolder folder;
  Registry registry;
  register_parts(registry);
  const auto file = folder / "small.json";
  write_file(file, "{" + kRequired + "}");
  const Recipe recipe =
      load_recipe(registry, {.name = file.string(), .overrides = {"net.width=32", "net.block.lifting=haar"}});
  CHECK(recipe.name == "small");
  CHECK(recipe.resolved.at("net.width")->integer() == 32);
  CHECK(recipe.resolved.at("net.block.lifting.type")->string() == "haar");
  CHECK(recipe.resolved.at("data.name")->string() == "wikitext_103");
  CHECK(recipe.resolved.at("net.block.levels")->place.text() == file.string() + ":1:120");
  write_file(file, "{" + kRequired + ",\n \"use_mixer_gate\": true, \"mixer_gate_activation\": \"silo\"}");
  CHECK_THROWS_WITH(load_recipe(registry, {.name = file.string()}),
                    Catch::ContainsSubstring(file.string() + ":2:51: net.block.scale_mixer.gate = silo"));
}

TEST_CASE("a key of the table sets a field, is read with another key, or says why it does nothing",
          "[waveletlm_config]") {
  for (const waveletlm::FlatKey& row : waveletlm::flat_keys()) {
    INFO(row.key);
    CHECK((*row.ours != '\0' || row.convert != nullptr || row.remark != nullptr));
    if (row.remark != nullptr) CHECK(std::string(row.standard).empty());
  }
}

}  // namespace waveletlm_config_test
