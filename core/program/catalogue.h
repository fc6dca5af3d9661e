// What exists: kinds, parts, their fields, and those of recipes and sweeps, collected from the same `bind` functions
// that read specs. The build writes it beside the program, so that commands which only look things up need no parts.
#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/program/command.h"
#include "core/registry.h"

namespace subband {

struct CataloguePart {
  PartInfo info;
  std::string probe = {};         ///< digest of its stored probes; empty: none are stored
  std::string code = {};          ///< digest of its sources; empty: not known
  std::vector<FieldInfo> fields;  ///< nested ones too, by dotted path
  config::Node defaults;          ///< the whole config with every default, `type` first
  const FieldInfo* field(std::string_view path) const;
};

struct CatalogueCommand {
  std::string name, summary;
  std::vector<std::string> words;  ///< as in Command
  std::map<std::string, std::vector<std::string>>
      options;  ///< its `--options`; of a first word, by that word
};

struct Catalogue {
  std::map<std::string, std::map<std::string, CataloguePart>> kinds;
  ConfigGroups groups;
  std::map<std::string, std::vector<FieldInfo>> documents;  ///< what a `recipe`, a `sweep` may say
  std::vector<CatalogueCommand> commands;

  /// ConfigError (`unknown_option`) with the nearest name.
  const std::map<std::string, CataloguePart>& kind(const std::string& name) const;
  const CataloguePart& part(const std::string& kind_name, const std::string& name) const;
};

/// The kinds and groups of a registry; documents and commands are for the folders that own them.
Catalogue catalogue_of(const Registry& registry);

std::string catalogue_json(const Catalogue& catalogue);
Catalogue read_catalogue(const std::string& json);
/// The catalogue beside the program, unless it is damaged or `newest` (what it was made from) is newer.
std::optional<Catalogue> installed_catalogue(const std::filesystem::path& file,
                                         const std::filesystem::path& newest);

/// Notes the stored probes (core/testing/probe_book.h) of a file; a file that is not there has none.
void add_probes(Catalogue& catalogue, const std::filesystem::path& file);

int command_list(Arguments arguments, const Catalogue& catalogue);
int command_describe(Arguments arguments, const Catalogue& catalogue);

/// A part's reference page: commented YAML that is itself a valid config with every default written out.
std::string reference_page(const std::string& kind, const CataloguePart& part);
/// A Markdown table of a kind's parts, generated for the folders' pages.
std::string parts_table(const Catalogue& catalogue, const std::string& kind);
/// `page` with every table between `<!-- parts: KIND -->` and `<!-- end -->` written anew.
std::string with_parts_tables(const Catalogue& catalogue, const std::string& page);

}  // namespace subband
