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
  SequenceState* state = nullptr;  ///< what is fed goes on from there as one sequence; null: windows
};

/// `ids` (or `ids.0`, `ids.1`, … in order) -> `logits`, and `loss` where `targets` stand beside; numbered alike, as are
/// `keep` or `attention_mask`, false or 0 at padding. Without a state they are windows, which hand on to the next what
/// training windows of the net hand on.
/// `gradients`: of the first loss, by name. A target of -100, or at padding, is not scored.
Tensors probe_net(Net& net, const NetProbe& probe, const ProbeInput& input, Tensors* gradients);

/// What a part makes of the tensors that it takes, in floating `type`. `gradients`: of sum(y c): `gx` (of another input
/// `gx/NAME`) and every parameter by name. Tensors of the file that the part does not take are passed over.
Tensors probe_part(const LonePart& part, at::ScalarType type, const ProbeInput& input, Tensors* gradients);
/// The same of `x.0`, `x.1`, …, one sequence that goes on from `state`: `y.0`, `y.1`, …, other tensors numbered alike.
Tensors probe_pieces(const LonePart& part, at::ScalarType type, const ProbeInput& input, SequenceState& state);

}  // namespace subband
