// Writes down what an experiment tells: the record, log.txt for a person, samples.txt.
#pragma once
#include <filesystem>
#include <string>

#include "runs/record/record_writer.h"

namespace subband {

/// Whether the record keeps this step's point of the curve: the first, the last, and about 200 between them.
bool is_kept_step(int64_t step, int64_t steps);

class RecordObserver final : public Observer {
 public:
  /// `record` must outlive this.
  RecordObserver(RecordWriter& record, const std::filesystem::path& folder);

  void started(int64_t parameters, int64_t first_step) override;
  void stepped(const StepEvent& event) override;
  void measured(int64_t step, const Metrics& metrics) override;
  void sampled(int64_t step, const std::string& text) override;
  void checkpointed(int64_t step, const std::filesystem::path& file) override;
  void counted(const std::vector<OpUse>& uses) override;
  void noted(const std::string& line) override;
  void ended(const Outcome& outcome) override;  ///< log only: whoever owns the record writes its end

 private:
  void log(const std::string& line);

  RecordWriter& record_;
  std::filesystem::path folder_;
};

}  // namespace subband
