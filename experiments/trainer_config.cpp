#include "experiments/trainer_config.h"

namespace subband {

void TrainerConfig::bind(Binder& b) {
  b.field("steps", steps, {0, 1e12}, "optimiser steps; this or epochs; 0: the weights are only measured");
  b.field("epochs", epochs, {0.0, 1e6, true}, "passes over the training tokens; this or steps");
  b.check(steps.has_value() != epochs.has_value(), steps ? "epochs" : "steps",
          steps ? "only one of steps and epochs can be given" : "one of steps and epochs must be given");
  b.field("weights", weights,
          "a checkpoint, or a folder of them or of a run, whose weights the run begins with, its optimiser anew; its digest "
          "counts for the identity, not its place. null: initial weights drawn from the seed")
      .since(config::Node());
  b.check(steps != 0 || weights.has_value(), "steps", "must be above 0 where trainer.weights names no checkpoint");
  b.field("batch", batch, {1, 1e6}, "B, windows per forward pass");
  b.field("accumulate", accumulate, {1, 1e6},
          "forward passes per optimiser step; their gradients are averaged");
  b.field("split", split, {1, 1e6},
          "parts in which the windows of each pass are computed, one after another: less memory for the same gradients, to "
          "rounding; dropout draws other masks")
      .since(int64_t{1});
  b.check(split <= batch, "split", "must be at most batch = " + std::to_string(batch));
  b.field("length", length, {1, 1e7}, "L, window length in tokens");
  b.field("clip_norm", clip_norm, {0.0, 1e9},
          "the gradient's global L2 norm is scaled down to this; 0: never");
  b.field("diverged_above", diverged_above, {0.0, 1e9},
          "a step's loss above this multiple of what an untrained answer costs (ln V of a text) ends the run as "
          "diverged; 0: never");
  b.choice("device", device, {"cpu", "cuda", "auto"}, "where to compute; auto: cuda where there is one");
  b.choice("precision", precision, {"fp32", "tf32", "fp16", "bf16"},
           "fp16, bf16: autocast over fp32 weights; tf32: fp32 with short products; on CUDA only (original: "
           "use_amp, amp_dtype, allow_tf32)");
  b.check(precision == "fp32" || device != "cpu", "precision",
          "needs trainer.device = cuda or auto; the CPU computes in fp32");
  b.field("threads", threads, {1, 1024}, "CPU threads of LibTorch; the last bits of sums depend on it");
  b.field("evaluate_every", evaluate_every, {0, 1e12},
          "steps between validation estimates; 0: only at the end");
  b.field("evaluate_batches", evaluate_batches, {1, 1e6},
          "random validation batches per estimate, always the same");
  b.field("evaluate_train", evaluate_train,
          "estimates read as many random training batches too (as the original does)");
  bind_best(b);
  b.field(
      "evaluate_tokens", evaluate_tokens, {1, 1e15},
      "tokens that a final evaluation scores at most, from the start of each split; null: all. Figures of a "
      "part are not comparable with those of the whole");
  b.field("time_limit", time_limit, {0.0, 1e9, true},
          "seconds of training, over all starts, after which the run ends as time_out with a checkpoint; the same "
          "run under a longer limit goes on from there. null: none");
  b.field("checkpoint_every", checkpoint_every, {0, 1e12}, "steps between checkpoints; 0: only at the end");
  b.field("checkpoint_activations", checkpoint_activations,
          "blocks are computed a second time in backward instead of keeping their inner values: less memory, "
          "about a third more time, the same gradients to rounding (original: gradient_checkpointing)");
  b.field("protocols", protocols,
          "how the final evaluation measures, where the task knows several ways: `subband list metric RECIPE`");
  // Estimates draw from their own streams and leave the net's carried state as it was, so neither they nor
  // checkpoints touch the trajectory. The number of threads does: it decides how long sums are split.
  b.cosmetic({"evaluate_train", "checkpoint_every", "time_limit"});
  // Where estimates choose the weights that are measured, they count.
  if (!keeps_best()) b.cosmetic({"evaluate_every", "evaluate_batches", "save_best", "save_best_after_warmup"});
}

void TrainerConfig::bind_best(Binder& b) {
  b.field("save_best", save_best,
          "the weights of the lowest validation estimate are kept in checkpoints/best.safetensors; the final "
          "evaluation and samples use them. Estimates are also made where an epoch or the run ends");
  b.field("save_best_after_warmup", save_best_after_warmup,
          "the same, but estimates in the schedule's warm-up do not count, save where an epoch or the run "
          "ends (original: skip_warmup_saves)");
  b.check(!keeps_best() || evaluate_every > 0, "evaluate_every",
          "must be above 0 where the best weights are saved");
}

}  // namespace subband
