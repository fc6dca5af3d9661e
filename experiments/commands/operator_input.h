// An operator's own inputs in place of x: q, k and v as a mixer's core takes them, behind its linear maps.
#pragma once
#include "experiments/commands/lone_part.h"

namespace subband {

/// Whether the file holds `q`, `k` and `v` and no `x`.
bool has_operator_input(const Tensors& input);

/// A mixer that takes `q` [B,H,L,K], `k` [B,G,L,K], `v` [B,G,L,V], perhaps `keep`, and gives `y` [B,H,L,V].
/// The three stand side by side in the channels of an x; the maps `q`, `k`, `v` pick them out, `out` puts the heads
/// first, and biases are 0, so that the core works on exactly these numbers. Width, heads, kv_heads and the widths of
/// heads (head_width and value_width, or expand_key and expand_value) follow from the shapes. What stands between such
/// a part's maps and its core (`rope`, `norm`, `gate` beside expand_key) is none unless `words` sets it.
/// ConfigError for another kind than mixer; ShapeError for shapes that do not belong together, or a mixer without maps
/// of these names.
LonePart make_lone_operator(const Registry& registry, LonePartWords words, const Tensors& input,
                            Initializer& initializer);

}  // namespace subband
