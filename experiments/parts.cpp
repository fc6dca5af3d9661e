#include "experiments/parts.h"

#include "experiments/training/procedure.h"

namespace subband {

// Generated from the folders' CMakeLists.txt.
void register_models_parts(Registry& registry);
void register_corpora_parts(Registry& registry);
void register_experiments_parts(Registry& registry);

void register_parts(Registry& registry) {
  register_models_parts(registry);
  register_corpora_parts(registry);
  register_experiments_parts(registry);
  register_procedures(registry);
}

}  // namespace subband
