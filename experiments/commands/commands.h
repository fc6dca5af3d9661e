// The commands of this folder's nouns. Each returns its exit code.
#pragma once
#include "core/command.h"

namespace subband {

int command_data(Arguments arguments);      ///< corpora: list, prepare
int command_eval(Arguments arguments);      ///< a checkpoint under evaluation protocols
int command_forward(Arguments arguments);   ///< logits, losses and gradients of a checkpoint, or of one part
int command_init(Arguments arguments);      ///< a checkpoint with freshly initialised weights
int command_params(Arguments arguments);    ///< the parameter table of a recipe, or of one part
int command_tokenize(Arguments arguments);  ///< counts and times the tokens of a corpus or a file

}  // namespace subband
