// subband import waveletlm: a published checkpoint, or any state dictionary of the original, as one of ours.
#include <ATen/ATen.h>
#include <algorithm>
#include <optional>

#include "core/config/interpolation.h"
#include "core/config/override.h"
#include "core/error.h"
#include "core/files.h"
#include "core/program/warn.h"
#include "experiments/interchange/exchange.h"
#include "experiments/interchange/imported.h"
#include "experiments/interchange/torch_file.h"
#include "experiments/load_recipe.h"
#include "experiments/parts.h"
#include "experiments/training/checkpoints/checkpoint.h"
#include "models/wavelet/waveletlm_weights.h"

namespace subband {

namespace {

namespace fs = std::filesystem;

// Before the end of April a file was the dictionary itself; from then on it stands beside the tokeniser.
constexpr const char* kPieces = "sentencepiece_model";

struct Published {
  Tensors tensors;
  std::string pieces;                ///< a SentencePiece model, or empty
  std::vector<std::string> remarks;  ///< what of the file was passed over
};

Published read_published(const fs::path& file) {
  const std::string ending = file.extension().string();
  if (ending == ".safetensors") return {read_safetensors(file).tensors, {}, {}};
  if (ending != ".pt" && ending != ".pth" && ending != ".bin")
    throw ConfigError("command line", "--weights " + file.string() + ": must end in .pt or .safetensors",
                      "bad_value");
  TorchFile read = read_torch_file(file);
  StateDictionary state = state_dictionary(read, file.string());
  return {std::move(state.tensors), read.texts[kPieces], std::move(state.remarks)};
}

// V as the weights have it: rows of the embedding.
std::optional<int64_t> vocabulary_of(const Tensors& tensors) {
  for (const auto& [name, tensor] : tensors)
    if (name.ends_with("token_embedding.weight") && tensor.dim() == 2) return tensor.size(0);
  return {};
}

struct ImportWords {
  RecipeRequest recipe;
  fs::path weights, out;
  std::optional<int64_t> vocabulary;
};

// The tokeniser that came with the weights, as a file beside the checkpoint; gone again where the import fails.
class PiecesFile {
 public:
  PiecesFile(const fs::path& folder, const std::string& pieces)
      : file_(pieces.empty() ? fs::path() : fs::absolute(folder) / "sentencepiece.model") {
    if (file_.empty()) return;
    is_new_ = !fs::exists(file_);
    if (!is_new_ && read_file(file_) != pieces)
      throw Error(file_.string(), "is there already, of another tokeniser; give another --out");
    if (is_new_) write_file(file_, pieces);
  }
  PiecesFile(const PiecesFile&) = delete;
  PiecesFile& operator=(const PiecesFile&) = delete;
  ~PiecesFile() {
    std::error_code ignored;
    if (is_new_) fs::remove(file_, ignored);
  }
  const fs::path& file() const { return file_; }  ///< empty where none came
  void keep() { is_new_ = false; }

 private:
  fs::path file_;
  bool is_new_ = false;
};

Recipe recipe_for(const Registry& registry, ImportWords words, const Published& published,
                  const fs::path& pieces) {
  if (!pieces.empty()) {
    config::Node tokenizer = config::Node::map();
    tokenizer.set("type", config::Node("sentencepiece"));
    tokenizer.set("model", config::literal(config::Node(pieces.string())));
    words.recipe.overrides.push_back("tokenizer=" + config::override_text(tokenizer));
  }
  config::Warnings warnings;
  Recipe recipe = load_recipe(registry, words.recipe, &warnings);
  warn(warnings);
  const std::string& type = recipe.net.type();
  if (type != "wavelet_lm" && type != "multinodal")
    throw ConfigError(words.recipe.name, "net = " + type + ": must be wavelet_lm or multinodal", "bad_value");
  const auto held = vocabulary_of(published.tensors);
  if (words.vocabulary)
    recipe.vocabulary = *words.vocabulary;
  else if (held)
    take_vocabulary(recipe, *held, "the weights have");
  return recipe;
}

}  // namespace

int import_waveletlm(Arguments arguments) {
  CommandLine line(
      "import waveletlm", "A state dictionary of WaveletLM as a checkpoint; nothing in the file is executed.",
      "subband import waveletlm --config config.json --weights best_model_wikitext-103.pt --out best");
  ImportWords words;
  line.app()
      .add_option("--config", words.recipe.name, "the run's config.json, or a recipe of the same net")
      ->required();
  line.app()
      .add_option("--weights", words.weights, "a .pt of either published form, or .safetensors")
      ->required();
  line.app().add_option("--out", words.out, "folder for the checkpoint")->required();
  line.app()
      .add_option("--vocab", words.vocabulary, "V; without it: as many as the weights have")
      ->check(above_zero());
  return line.run(arguments, [&] {
    Registry registry;
    register_parts(registry);
    const fs::path file = first_checkpoint(words.out);
    const Published published = read_published(words.weights);
    for (const std::string& remark : published.remarks) warn(words.weights.string() + ": " + remark);
    PiecesFile pieces(words.out, published.pieces);
    const Recipe recipe = recipe_for(registry, words, published, pieces.file());
    const auto net = make_meta_net(recipe);
    Tensors model =
        values_from_waveletlm(named_tensors(*net), published.tensors, words.weights,
                              "the net is that of --config " + words.recipe.name +
                                  ", its vocabulary --vocab " + std::to_string(recipe.vocabulary));
    for (auto& [name, tensor] : model) tensor = tensor.to(at::kFloat);
    write_checkpoint(file, fresh_checkpoint(recipe, model));
    pieces.keep();
    say_imported({.checkpoint = file, .parameters = parameter_count(*net), .tensors = model.size()},
                 line.options());
    return 0;
  });
}

}  // namespace subband
