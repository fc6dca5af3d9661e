// The fields of `trainer:`; names after models' and PyTorch's usual words.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/config/binder.h"

namespace subband {

struct TrainerConfig {
  std::optional<int64_t> steps;    ///< optimiser steps, 0 where `weights` are only measured; or
  std::optional<double> epochs;    ///< passes over the training tokens
  int64_t batch = 8;               ///< B, windows per forward pass
  int64_t accumulate = 1;          ///< forward passes per optimiser step
  int64_t split = 1;               ///< parts in which each of them is computed, one after another
  int64_t length = 256;            ///< L, window length in tokens
  double clip_norm = 1.0;          ///< global L2 norm of the gradient; 0: no clipping
  double diverged_above = 10.0;    ///< multiple of an untrained answer's loss, which ends the run; 0: never
  std::string precision = "fp32";  ///< fp32, tf32, fp16, bf16
  std::string device = "cpu";      ///< cpu, cuda, auto
  int64_t threads = 1;             ///< CPU threads of LibTorch
  int64_t evaluate_every = 0;      ///< steps between validations; 0: only at the end
  int64_t evaluate_batches = 8;    ///< random validation batches per periodic estimate
  bool evaluate_train = false;     ///< estimates of the training text too
  bool save_best = false;          ///< the weights of the best estimate are kept, and measured
  bool save_best_after_warmup = false;     ///< the same, but for estimates in warm-up
  bool checkpoint_activations = false;     ///< blocks are computed again in backward
  std::optional<int64_t> evaluate_tokens;  ///< of every split that a final evaluation reads; null: all
  std::optional<double> time_limit;        ///< seconds of training, over all starts; null: none
  std::optional<std::string> weights;      ///< a checkpoint to begin with; null: drawn from the seed
  int64_t checkpoint_every = 0;            ///< steps between checkpoints; 0: only at the end
  std::vector<std::string> protocols = {"blocks", "sliding"};  ///< of tasks that have several

  bool keeps_best() const { return save_best || save_best_after_warmup; }
  void bind(Binder& b);

 private:
  void bind_best(Binder& b);
};

}  // namespace subband
