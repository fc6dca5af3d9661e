// Feeds recorded inputs to a net or a part and collects what comes out.
#pragma once
#include <string>
#include <string_view>

#include "core/tensors/safetensors.h"
#include "experiments/commands/lone_part.h"
#include "models/net.h"

namespace subband {

/// The tensors of an input file, with the file's name for messages.
struct ProbeInput {
  std::string file;
  Tensors tensors;

  bool has(const std::string& name) const { return tensors.contains(name); }
  const at::Tensor& get(std::string_view name) const;  ///< Error where it is missing
};

/// What is asked of a net.
struct NetProbe {
  int64_t vocabulary = 0;
  bool hidden = false;  ///< also `hidden_0`, `hidden_1`, …: embeddings, and every block's output
};

/// `ids` (or `ids.0`, `ids.1`, … in order) -> `logits`, and `loss` where `targets` stand beside; numbered alike, as are
/// `keep` or `attention_mask`, false or 0 at padding. The state is forgotten first and handed on from one to the next.
/// `gradients`: of the first loss, by name. A target of -100, or at padding, is not scored.
Tensors probe_net(Net& net, const NetProbe& probe, const ProbeInput& input, Tensors* gradients);

/// What a part makes of the tensors that it takes, in floating `type`. `gradients`: of sum(y c): `gx` (of another input
/// `gx/NAME`) and every parameter by name. Tensors of the file that the part does not take are passed over.
Tensors probe_part(const LonePart& part, at::ScalarType type, const ProbeInput& input, Tensors* gradients);

}  // namespace subband
