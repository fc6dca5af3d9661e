// subband import hf: a Hugging Face folder of a GPT-2, Llama or Qwen2 decoder as a checkpoint.
#include <ATen/core/Tensor.h>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/files.h"
#include "core/json.h"
#include "core/program/warn.h"
#include "experiments/interchange/exchange.h"
#include "experiments/interchange/huggingface/weights.h"
#include "experiments/interchange/imported.h"
#include "experiments/load_recipe.h"
#include "experiments/parts.h"
#include "experiments/training/checkpoints/checkpoint.h"

namespace subband {

namespace {

namespace fs = std::filesystem;

struct ImportHfWords {
  fs::path folder, out;
  RecipeRequest recipe{.name = "huggingface"};
};

huggingface::Decoder read_decoder(const fs::path& folder) {
  const fs::path file = folder / "config.json";
  const Json json = read_json(read_file(file), file.string(), {.non_finite = true, .is_spec = true});
  if (!json.is_object())
    throw ConfigError(file.string(), json_brief(json) + ": must be a JSON object", "bad_value");
  std::vector<std::string> remarks;
  huggingface::Decoder decoder = huggingface::decoder_of_json(json, file.string(), remarks);
  for (const std::string& remark : remarks) warn(file.string() + ": " + remark);
  return decoder;
}

// The decoder in the frame of a recipe, which brings data, tokeniser and optimiser for what may follow.
Recipe recipe_around(const Registry& registry, const RecipeRequest& request,
                     const huggingface::Decoder& decoder) {
  config::Composition composed = compose_recipe(registry, request);
  composed.config.set("net", huggingface::net_of_decoder(decoder));
  composed.config.set_at("trainer.length", config::Node(decoder.length));
  Recipe recipe = bind_recipe(registry, request.name, composed.config);
  take_vocabulary(recipe, decoder.vocabulary, "the folder has");
  return recipe;
}

}  // namespace

int import_hf(Arguments arguments) {
  CommandLine line("import hf", "A Hugging Face folder of a GPT-2, Llama or Qwen2 decoder as a checkpoint.",
                   "subband import hf Qwen2-0.5B --out qwen2");
  ImportHfWords words;
  line.app()
      .add_option(
          "FOLDER", words.folder,
          "with config.json and model.safetensors or pytorch_model.bin, or its shards and their index")
      ->required();
  line.app().add_option("--out", words.out, "folder for the checkpoint")->required();
  line.app()
      .add_option("--recipe", words.recipe.name, "brings data, tokeniser and optimiser; its net is replaced")
      ->capture_default_str();
  return line.run(arguments, [&] {
    Registry registry;
    register_parts(registry);
    const huggingface::Decoder decoder = read_decoder(words.folder);
    const Recipe recipe = recipe_around(registry, words.recipe, decoder);
    const auto net = make_meta_net(recipe);
    const Tensors model = huggingface::weights_from(decoder, huggingface::read_folder(words.folder),
                                                    model_tensors(*net), words.folder.string());
    const fs::path file = first_checkpoint(words.out);
    write_checkpoint(file, fresh_checkpoint(recipe, model));
    say_imported({.checkpoint = file,
                  .model_type = huggingface::family_name(decoder.family),
                  .parameters = parameter_count(*net),
                  .tensors = model.size()},
                 line.options());
    return 0;
  });
}

}  // namespace subband
