// Feeds recorded inputs to a net or a part and collects what comes out.
#pragma once
#include <functional>
#include <string>

#include "core/tensors/safetensors.h"
#include "models/net.h"

namespace subband {

/// The tensors of an input file, with the file's name for messages.
struct ProbeInput {
  std::string file;
  Tensors tensors;

  bool has(const std::string& name) const { return tensors.contains(name); }
  const at::Tensor& get(const std::string& name) const;  ///< Error where it is missing
};

/// `ids` (or `ids.0`, `ids.1`, … in order) -> `logits`, and `loss` where `targets` stand beside; numbered
/// alike. The state is forgotten first and handed on from one to the next. `gradients`: of the first loss, by
/// name.
Tensors probe_net(Net& net, int64_t vocabulary, const ProbeInput& input, Tensors* gradients);

/// What a part is fed; `keep` and `memory` [B,M,D], the inputs before x, may be undefined.
struct PartInput {
  at::Tensor x_BLD, keep_BL, memory_BMD;
};
/// `x`, `keep`, `memory` -> `y`. `gradients`: of sum(y c), `x`, `memory` and every parameter by name.
using PartForward = std::function<at::Tensor(const PartInput&)>;
Tensors probe_module(torch::nn::Module& module, const PartForward& forward, at::ScalarType type,
                     const ProbeInput& input, Tensors* gradients);

}  // namespace subband
