#include "experiments/data/corpus.h"

#include <algorithm>
#include <filesystem>

#include "core/config/compose.h"
#include "core/config/interpolation.h"
#include "core/files.h"
#include "core/slot.h"
#include "experiments/data/own_data.h"

namespace subband {

using config::Node;

std::vector<std::string> corpus_names(const Registry& registry, const Folders& folders) {
  config::SearchPath path(config::standard_folders(program_root(), registry.groups(), folders), nullptr);
  std::vector<std::string> names = path.all_options(Data::kKind);
  std::erase_if(names, [&](const std::string& name) { return registry.of<Data>().find(name) != nullptr; });
  return names;
}

std::shared_ptr<Data> open_corpus(const Registry& registry, const std::string& name,
                                  const std::vector<std::string>& overrides, const Folders& folders) {
  const auto places = config::standard_folders(program_root(), registry.groups(), folders);
  const std::vector<std::string> known = config::SearchPath(places, &registry).all_options(Data::kKind);
  config::Warnings splits;
  if (std::ranges::find(known, name) == known.end() && overrides.empty())
    if (const auto own = own_data_option(name, splits))
      return open_part_as_corpus(registry, config::Interpolator(*own).resolve());
  const auto composed =
      config::compose({.primary = name,
                       .overrides = overrides,
                       .folders = places,
                       .registry = &registry,
                       .group = Data::kKind,
                       .made_options = {{Data::kKind, own_data_option}}});
  return make_part<Data>(registry, composed.config, {program_root()});
}

std::shared_ptr<Data> open_part_as_corpus(const Registry& registry, Node spec) {
  return make_part<Data>(registry, std::move(spec), {program_root()});
}

std::shared_ptr<Data> open_file_as_corpus(const Registry& registry, const std::string& file) {
  const auto path = std::filesystem::absolute(file);
  Node node = Node::map();
  node.set("type", Node("text"));
  node.set("name", Node(path.filename().string()));
  node.set_at("splits.all.files", Node::list({Node(path.string())}));
  return open_part_as_corpus(registry, std::move(node));
}

std::shared_ptr<Tokenizer> open_tokenizer(const Registry& registry, const std::string& type) {
  return make_part<Tokenizer>(registry, Node(type));
}

}  // namespace subband
