// `transformers` as it goes on with a prompt: analysis/peers/generate.py.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "analysis/bench/own_folder.h"
#include "analysis/bench/peer_process.h"
#include "experiments/recipe.h"
#include "models/net.h"

namespace subband {

struct TransformersPeer {
  std::unique_ptr<OwnFolder> folder;
  std::unique_ptr<PeerProcess> process;  ///< writes a text for every line; null: there is none
  std::string name, lacking;             ///< with its version; why there is none
  std::vector<int32_t> first_text;       ///< prompt and tokens
};

/// Starts it on the folder that this program exports for it.
TransformersPeer start_transformers(const Recipe& recipe, Net& net, const std::vector<int32_t>& prompt, int64_t tokens);

}  // namespace subband
