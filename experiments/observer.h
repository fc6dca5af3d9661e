// Events of an experiment while it runs. Experiments do not know who receives them.
// No LibTorch here: records and boards read these too.
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/ops/op_paths.h"
#include "experiments/status.h"

namespace subband {

/// `split.quantity` -> value, units in the name (`valid.bpb`, `train.tokens_per_s`, `train.peak_mib`).
using Metrics = std::map<std::string, double>;

struct StepEvent {
  int64_t step = 0;          ///< optimiser steps done, from 1
  int64_t steps = 0;         ///< of so many
  int64_t tokens = 0;        ///< tokens seen so far
  double loss = 0;           ///< nats per token of this step's batch
  double rate = 0;           ///< learning rate used
  double gradient_norm = 0;  ///< global L2 norm before clipping
  double seconds = 0;        ///< since training (re)started
};

/// How an experiment ended.
struct Outcome {
  Status status = Status::done;
  int64_t step = 0;
  std::string message;
  Metrics metrics;  ///< the final ones
  bool done() const { return status == Status::done; }
};

class Observer {
 public:
  virtual ~Observer() = default;
  virtual void started(int64_t /*parameters*/, int64_t /*first_step*/) {}
  virtual void stepped(const StepEvent&) {}
  virtual void measured(int64_t /*step*/, const Metrics&) {}  ///< periodic and final evaluations
  virtual void sampled(int64_t /*step*/, const std::string& /*text*/) {}
  virtual void checkpointed(int64_t /*step*/, const std::filesystem::path&) {}
  /// Which path of every operation ran since this start, and how often; now and then, and at the end.
  virtual void counted(const std::vector<OpUse>&) {}
  virtual void noted(const std::string& /*line*/) {}  ///< anything a person may want to read
  virtual void ended(const Outcome&) {}
};

/// Tells several, in their order; null ones are left out.
class Observers final : public Observer {
 public:
  Observers(std::initializer_list<Observer*> all) {
    for (Observer* each : all)
      if (each != nullptr) all_.push_back(each);
  }
  void started(int64_t parameters, int64_t first_step) override {
    for (Observer* each : all_) each->started(parameters, first_step);
  }
  void stepped(const StepEvent& event) override {
    for (Observer* each : all_) each->stepped(event);
  }
  void measured(int64_t step, const Metrics& metrics) override {
    for (Observer* each : all_) each->measured(step, metrics);
  }
  void sampled(int64_t step, const std::string& text) override {
    for (Observer* each : all_) each->sampled(step, text);
  }
  void checkpointed(int64_t step, const std::filesystem::path& file) override {
    for (Observer* each : all_) each->checkpointed(step, file);
  }
  void counted(const std::vector<OpUse>& uses) override {
    for (Observer* each : all_) each->counted(uses);
  }
  void noted(const std::string& line) override {
    for (Observer* each : all_) each->noted(line);
  }
  void ended(const Outcome& outcome) override {
    for (Observer* each : all_) each->ended(outcome);
  }

 private:
  std::vector<Observer*> all_;
};

}  // namespace subband
