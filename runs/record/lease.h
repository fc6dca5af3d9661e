// Who writes a record, where locks of the file system cannot be trusted: a claim that its holder renews.
//   <run>/lease.0, lease.1, …   {"generation":1,"token":"9f…","beat":12,"host":"mill","process":71,…,"expiry_s":20}
// A generation is claimed by making its file, which succeeds for one process alone, on network file systems too. Its
// holder writes the file anew with the next beat, several times before the expiry. Whoever finds a claim judges it by his
// own monotonic clock: it has lapsed when no new beat was seen for the expiry; nobody's time of day counts. Who takes a
// record over claims the next generation, and the former holder, if he wakes up, finds that file and stops.
#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace subband {

struct Lease {
  int64_t generation = 0;
  std::string token;  ///< of this claim alone
  int64_t beat = 0;
  std::string host;
  int64_t process = 0;
  std::string machine;        ///< start of the system and its space of process numbers
  int64_t process_start = 0;  ///< of the process, in the system's ticks
  double expiry_s = 20;
  bool is_locked = false;    ///< its holder has the lock of the file system too
  bool is_released = false;  ///< its holder ended in good order
};

/// The claim of the highest generation in a run's folder.
std::optional<Lease> newest_lease(const std::filesystem::path& folder);
/// Whether its holder has certainly ended: said so, or was a process of this machine that is no more.
bool is_over(const Lease& lease);
/// Whether its holder is or was a process of this machine.
bool is_of_this_machine(const Lease& lease);

/// Remembers when it saw which beat first.
class LeaseSights {
 public:
  /// Looks at a claim: true when its beat has been the same for the claim's expiry.
  bool has_lapsed(const std::filesystem::path& folder, const Lease& lease);

 private:
  struct Sight {
    std::string token;
    int64_t beat = 0;
    std::chrono::steady_clock::time_point first;
  };
  std::map<std::filesystem::path, Sight> sights_;
};

/// A claim of this process, renewed by a thread of its own until this ends.
class HeldLease {
 public:
  struct Terms {
    int64_t generation = 0;
    double expiry_s = 20;
    bool is_locked = false;
    bool is_renewed = false;  ///< the claim of this generation is there, and its holder is certainly gone
  };
  /// Nothing where another process has claimed the generation first. Error where the folder cannot be written.
  static std::optional<HeldLease> claim(const std::filesystem::path& folder, const Terms& terms);
  HeldLease(HeldLease&& other) noexcept;
  HeldLease& operator=(HeldLease&& other) noexcept;
  ~HeldLease();  ///< says that it ended

  int64_t generation() const;
  /// Whether another process has taken over.
  bool is_lost() const;
  /// The folder was renamed.
  void moved_to(const std::filesystem::path& folder);

 private:
  struct State;
  explicit HeldLease(std::unique_ptr<State> state);
  void end();
  std::unique_ptr<State> state_;
};

}  // namespace subband
