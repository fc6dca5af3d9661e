#include "runs/record/config_file.h"

#include "core/config/interpolation.h"
#include "runs/record/record_writer.h"

namespace subband {

std::string config_file_text(const RunStart& start, const config::Node& resolved) {
  return config::yaml_comment(start.recipe + ", seed " + std::to_string(start.seed)) + "\n" +
         config::yaml_comment("identity " + start.id) + "\n" +
         config::to_yaml_with_origins(config::literal(resolved));
}

}  // namespace subband
