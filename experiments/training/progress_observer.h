// What a person sees of a run: a bar with tokens/s, loss and remaining time on a terminal, a plain line now and then
// elsewhere.
#pragma once
#include <memory>
#include <string>

#include "core/program/progress.h"
#include "experiments/observer.h"

namespace subband {

class ProgressObserver final : public Observer {
 public:
  /// `label` stands before everything. `quiet`: nothing is printed. `next` gets every event too; may be null.
  ProgressObserver(std::string label, bool quiet, Observer* next = nullptr);
  ~ProgressObserver() override;

  void started(int64_t parameters, int64_t first_step) override;
  void stepped(const StepEvent& event) override;
  void measured(int64_t step, const Metrics& metrics) override;
  void sampled(int64_t step, const std::string& text) override;
  void checkpointed(int64_t step, const std::filesystem::path& file) override;
  void counted(const std::vector<OpUse>& uses) override;
  void noted(const std::string& line) override;
  void ended(const Outcome& outcome) override;

 private:
  void say(const std::string& text);

  std::string label_;
  bool quiet_;
  Observer* next_;
  std::unique_ptr<Progress> bar_;  // from the first step on
  int64_t tokens_before_ = -1;     // of earlier starts of this run: they do not count for the rate
};

}  // namespace subband
