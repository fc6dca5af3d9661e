// WaveletLM's state dictionaries. A tensor that they list several times (a shared or tied lifting under every block and
// again under each reconstruction, a tied head) is stored once here; the names are translated by waveletlm_names.
#pragma once
#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <map>
#include <string>

namespace subband {

/// What a state dictionary of WaveletLM says of each of `ours`, the tensors of a `wavelet_lm` or a
/// `multinodal` (on the meta device: only names and shapes are looked at). Wrappers' prefixes
/// (core/tensors/foreign_names.h) are dropped; of a tensor that has several names one is enough. The values have the shapes of `ours` and their
/// own types.
/// Error at `place` that lists in one go every name that is unknown or missing, every shape or type that does
/// not fit, and every repetition that differs from the tensor it should repeat; last, the hint.
std::map<std::string, at::Tensor> values_from_waveletlm(const std::map<std::string, at::Tensor>& ours,
                                                        const std::map<std::string, at::Tensor>& theirs,
                                                        const std::string& place, const std::string& hint = "");

/// Copies them into a net, or nothing where values_from_waveletlm complains.
void load_waveletlm(torch::nn::Module& net, const std::map<std::string, at::Tensor>& theirs);

/// The state dictionary that the original would write: each of `ours` under every name that it has there.
std::map<std::string, at::Tensor> values_for_waveletlm(const std::map<std::string, at::Tensor>& ours);

/// The tensors of `net` that are stored under these names: parameters and buffers.
std::map<std::string, at::Tensor> named_tensors(const torch::nn::Module& net);

/// Every name of the original's dictionary, and which of ours it stands for.
std::map<std::string, std::string> waveletlm_names(const std::map<std::string, at::Tensor>& ours);

/// Our tensor that a key of theirs is or repeats; the key itself, without the compiler's prefix, where it is neither.
std::string waveletlm_place(const std::string& key, const std::map<std::string, at::Tensor>& ours);

}  // namespace subband
