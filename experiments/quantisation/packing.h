// A trained checkpoint on its way to a file of few bits a weight.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "experiments/quantisation/agreement.h"
#include "experiments/training/checkpoints/checkpoint.h"
#include "models/quantisation/plan.h"
#include "models/quantisation/sizes.h"

namespace subband {

/// The inputs that error feedback is made for.
struct CalibrationText {
  std::string file;        ///< a text of the user's; empty: batches of the recipe's training data
  int64_t tokens = 16384;  ///< about so many input positions
};

/// The text on which packed nets are compared with the dense one.
struct ComparisonText {
  std::string split = "valid";
  std::optional<int64_t> most_tokens = {};
};

/// `outline` with the weights of a dense net, these matrices in the place of its own; `how`: `nearest`, `gptq`, for the
/// file's metadata.
Checkpoint packed_checkpoint(Checkpoint outline, const Net& net, const PackedMatrices& matrices, const std::string& how);

/// About so many tokens of training batches, shown to a net; nothing is learned.
void show_batches(Net& net, const Recipe& recipe, OpenTask& open, int64_t tokens);

class Packing {
 public:
  /// Restores the checkpoint's net on the CPU. `registry` must outlive this. Error where it is packed already.
  Packing(const Registry& registry, Checkpoint checkpoint, std::filesystem::path cache);

  const Recipe& recipe() const { return recipe_; }
  const Net& net() const { return *net_; }

  /// Shows the net the text once, so that `pack` can feed errors back. ConfigError where the recipe reads no text and a
  /// file is given, or the text is shorter than a window.
  void calibrate(const CalibrationText& text);
  PackedMatrices pack(const QuantisationPlan& plan, bool feedback) const;
  /// What `pack` rounds although errors could be fed back: matrices that multiplied nothing in calibration, or are too wide.
  std::vector<std::string> without_feedback(const QuantisationPlan& plan) const;

  /// The checkpoint with these in place of the dense matrices; as packed_checkpoint.
  Checkpoint checkpoint_with(const PackedMatrices& matrices, const std::string& how) const;

  /// Opens the text for `compare`. ConfigError where the recipe has none, or no such split.
  void open_text(const ComparisonText& text);
  Agreement compare(const PackedMatrices& matrices) const;
  double bits_per_byte(double loss) const;  ///< of the text that is open

 private:
  std::shared_ptr<Net> packed_net(const PackedMatrices& matrices) const;
  EvaluationOptions evaluation() const;
  void show_file(const CalibrationText& text);

  const Registry& registry_;
  Checkpoint checkpoint_;
  Recipe recipe_;
  std::filesystem::path cache_;
  std::shared_ptr<Net> net_;
  Hessians hessians_;
  ComparisonText about_text_;
  std::optional<TokenFile> text_;
};

}  // namespace subband
