// WaveletLM's state dictionaries. Our names are theirs, except that a tensor that they list several times (a shared or
// tied lifting under every block and again under each reconstruction, a tied head) is stored once here.
#pragma once
#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <map>
#include <string>

namespace subband {

/// Copies a state dictionary of WaveletLM into a `wavelet_lm`. A compiler prefix `_orig_mod.` is dropped.
/// Error that lists in one go every name that is unknown or missing, every shape that does not fit, and every
/// repetition that differs from the tensor it should repeat. Nothing is copied then.
void load_waveletlm(torch::nn::Module& net, const std::map<std::string, at::Tensor>& theirs);

/// The tensors of `net` that are stored under these names: parameters and buffers.
std::map<std::string, at::Tensor> named_tensors(const torch::nn::Module& net);

/// What our tensor a key of theirs repeats or is: the key itself, or the first place of a shared tensor.
std::string waveletlm_place(const std::string& key, const std::map<std::string, at::Tensor>& ours);

}  // namespace subband
