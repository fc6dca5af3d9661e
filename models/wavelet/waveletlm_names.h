// The names that WaveletLM gives to the tensors of its state dictionaries. They stand here and nowhere else; parts have
// names of their own. Checkpoints of this program bore the original's names too, before it had its own.
#pragma once
#include <cstdint>
#include <string>
#include <utility>

namespace subband {

/// Of a `wavelet_lm` or a `multinodal`, both ways: `blocks.0.lifting.predict.0.first.weight` is theirs
/// `layers.0.lifting_wavelet.predict_nets.0.0.weight`. A name that is in no rule stays.
std::string name_in_waveletlm(const std::string& ours);
std::string name_from_waveletlm(const std::string& theirs);

/// Of any other net, in which a mixer `wavelet` may stand: what it was called while such a mixer bore theirs.
std::string former_name_from_mixer(const std::string& former);

/// The block or mixer that holds a tensor, `blocks.0.` or `blocks.0.mixer.`, and the place of the tensor's part among
/// those that the original registers there.
std::pair<std::string, int64_t> place_in_waveletlm(const std::string& ours);

}  // namespace subband
