// Slurm's programs, as this one asks them.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace subband::slurm {

/// What an element of a job array is up to.
enum class ElementState { waiting, running, ended };

struct Element {
  std::string array;  ///< id of the job array
  int64_t index = 0;  ///< -1 in the row that stands for all waiting elements of an array, once these are cancelled
  std::string state;   ///< as Slurm calls it: PENDING, RUNNING, NODE_FAIL, …
  std::string reason;  ///< why it waits or ended, as Slurm says
  std::string comment;
};

/// What a state means for a cell: waiting or running ones are not submitted again. One that is new to this program counts
/// as running.
ElementState state_of(const std::string& word);

/// The elements in what `squeue -h -r -o '%F|%K|%A|%T|%r|%k'` printed, of jobs with a comment that begins so.
std::vector<Element> parse_elements(const std::string& text, const std::string& comment_prefix);

/// All of this user's whose comment begins so, those that ended lately too. Error `slurm: squeue: …` where it does not
/// answer: what is not known must not be submitted again.
std::vector<Element> elements(const std::string& comment_prefix);

/// Submits a script; the id of the job. Error `slurm: sbatch: …` with its own words.
std::string submit(const std::vector<std::string>& options, const std::string& script);

/// One more than the largest index of a job array.
int64_t max_array_size();

}  // namespace subband::slurm
