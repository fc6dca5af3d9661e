// A decoding strategy: what stands between a net's logits and the next token of a text, or is done to whole texts. Several
// work together, in the order of their stages, whatever the order in which a spec names them.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/registry.h"

namespace subband {

struct SamplingContext {};

/// In this order.
enum class SamplingStage { net, penalty, temperature, coherence, top_k, nucleus, min_p, choice, attempts, text };

/// One token of one text, before it is drawn.
struct SamplingStep {
  std::span<const int32_t> ids;   ///< the prompt and what was drawn since
  int64_t prompt = 0;             ///< of them the prompt's
  std::vector<double> logits;     ///< V; a token that is excluded has -infinity
  double entropy = 0;             ///< nats, behind the penalty and before the temperature
  double top_p_off = 0;           ///< what coherence takes off the nucleus
  std::optional<double> drift{};  ///< 1 - cosine between the prompt's and the last tokens' fingerprints, where it was taken
  at::Tensor embedding_VC = {};   ///< the vectors of the ids; undefined where the net has none
  int64_t drawn() const { return std::ssize(ids) - prompt; }
};

/// The net behind continuations of a text that are only tried out, several at once.
class Rollout {
 public:
  virtual ~Rollout() = default;
  virtual int64_t most() const = 0;             ///< continuations that are read together
  virtual void restart(int64_t continuations) = 0;  ///< so many, each behind the text as it is
  /// The net's own logits behind one token more of each.
  virtual std::vector<std::vector<double>> after(std::span<const int32_t> tokens) = 0;
};

class Sampling {
 public:
  static const char* const kKind;  ///< kKind = "sampling"; not seen through, or g++ 12 warns of a copy that is none
  using Context = SamplingContext;
  virtual ~Sampling() = default;

  virtual SamplingStage stage() const = 0;
  /// Changes the logits of a step, or what later stages read.
  virtual void apply(SamplingStep&) const {}
  /// The token, instead of a draw.
  virtual std::optional<int32_t> choose(const SamplingStep&, Rollout&) const { return {}; }
  /// Texts that are drawn, of which the likeliest is kept.
  virtual int64_t attempts() const { return 1; }
  /// The finished text as it is shown.
  virtual std::string finished(const std::string& text) const { return text; }
  /// Changes the resolved recipe whose net will draw. ConfigError where the net has no use for it.
  virtual void adapt(config::Node& /*recipe*/) const {}
};

using SamplingParts = std::vector<std::shared_ptr<Sampling>>;
using SamplingRegistry = KindRegistry<Sampling>;

}  // namespace subband
