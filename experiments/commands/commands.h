// The commands of this folder's nouns. Each returns its exit code.
#pragma once
#include "core/program/command.h"

namespace subband {

int command_compose(Arguments arguments);       ///< the resolved config of a recipe; its origins
int command_data(Arguments arguments);          ///< corpora: list, prepare
int command_eval(Arguments arguments);          ///< a checkpoint under evaluation protocols
int command_export(Arguments arguments);        ///< a checkpoint for another program
int command_forward(Arguments arguments);       ///< the parity probe of a checkpoint, or of one part
int command_import(Arguments arguments);        ///< another program's weights as a checkpoint
int command_init(Arguments arguments);          ///< a checkpoint with freshly initialised weights
int command_list_metrics(Arguments arguments);  ///< what a run of a recipe reports
int command_params(Arguments arguments);        ///< a recipe's parameter table
int command_tokenize(Arguments arguments);      ///< counts and times the tokens of a corpus or a file

}  // namespace subband
