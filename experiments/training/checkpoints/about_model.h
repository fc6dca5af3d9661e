// What a checkpoint says of its model beside recipe and weights, so that one file is all that a command needs.
//   roles            what each parameter is for, JSON
//   tokenizer        the tokeniser's fingerprint
//   tokenizer_model  what it has learnt, inline as its field `model` takes it, where it has that field
//   quantisation     how the file's weights were packed
#pragma once
#include <map>
#include <string>

#include "core/config/node.h"

namespace subband {

struct Recipe;

using AboutModel = std::map<std::string, std::string>;  ///< by their names in the file's metadata

/// The resolved recipe as a checkpoint keeps it: the weights that it began with by their digest, not by where they lie.
config::Node kept_config(const Recipe& recipe);

/// Of the recipe's net and tokeniser. A tokeniser whose file cannot be read is left out: a net is made without it where the
/// vocabulary is given.
AboutModel about_model(const Recipe& recipe);

/// Makes `config` take the tokeniser's model that came along, where the file that it names is not here or is another one.
void take_own_tokenizer(config::Node& config, const AboutModel& about);

}  // namespace subband
