// How a run stands: how it ended, what a reader finds of one that has not, and what a plan makes of it.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

namespace subband {

enum class Status : uint8_t {
  // how an experiment ended; all but the first two are results with a message
  done,
  stopped,  ///< asked to; the same command goes on
  nan,
  diverged,
  out_of_memory,
  time_out,
  failed,
  // what a reader finds of a record without an end
  running,
  interrupted,  ///< no end, and nobody writes it
  damaged,
  // what becomes of a cell that is not run
  held,    ///< another process is at this run; asked again later
  reused,  ///< it was there already
  // what a plan will do, besides reusing a cell or finding it running
  resume,
  retry,
  fresh,
};

/// Every status with the word that records, tables and commands use.
inline constexpr std::array<std::pair<Status, std::string_view>, 15> kStatusWords = {
    {{Status::done, "done"},
     {Status::stopped, "stopped"},
     {Status::nan, "nan"},
     {Status::diverged, "diverged"},
     {Status::out_of_memory, "out_of_memory"},
     {Status::time_out, "time_out"},
     {Status::failed, "failed"},
     {Status::running, "running"},
     {Status::interrupted, "interrupted"},
     {Status::damaged, "damaged"},
     {Status::held, "held"},
     {Status::reused, "reused"},
     {Status::resume, "resume"},
     {Status::retry, "retry"},
     {Status::fresh, "new"}}};

inline std::string word_of(Status status) {
  return std::string(kStatusWords[static_cast<size_t>(status)].second);
}

inline std::optional<Status> status_named(std::string_view word) {
  for (const auto& [status, known] : kStatusWords)
    if (known == word) return status;
  return std::nullopt;
}

/// Whether nothing is left to do for this identity and seed: done, or a failure that would come again.
inline bool is_settled(Status status) {
  return status == Status::done || status == Status::nan || status == Status::diverged;
}

/// For JSON, which would write the number of an enumerator.
template <class Json>
void to_json(Json& json, Status status) {
  json = word_of(status);
}
/// For the messages of tests.
inline std::ostream& operator<<(std::ostream& out, Status status) { return out << word_of(status); }

}  // namespace subband
