// Reads the changes of a spec out of its trees: overrides, recipes, matches. It complains through the binder, each
// complaint at the value's own place.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/config/binder.h"
#include "sweeps/spec/spec.h"

namespace subband {

inline constexpr const char* kSeedRule = "the seeds of a sweep stand in its list `seeds`";

class SweepReader {
 public:
  explicit SweepReader(Binder& binder) : binder_(binder) {}

  /// One override as text; empty after a complaint.
  std::string override_of(const std::string& key, const config::Node& node);
  /// One override, or a list of them.
  std::vector<std::string> overrides_of(const std::string& key, const config::Node& node);
  /// An override, a list of overrides, or `{recipe: …, set: [...]}`. Without a label it is called by what it changes.
  SweepChange change_of(const std::string& key, const std::string& label, const config::Node& node);
  /// `{a.b: [1, 2], c: [3, 4]}`: one list of changes for each key.
  std::vector<SweepFactor> axes_of(const std::string& kind, const config::Node& tree);
  /// A map from label to change, or a list of changes that are called by what they change.
  std::vector<SweepChange> changes_of(const std::string& key, const config::Node& tree);

 private:
  void read_key(const std::string& key, const config::Entry& entry, SweepChange& change);
  std::optional<SweepMatch> match_of(const std::string& key, const config::Node& node);

  Binder& binder_;
};

}  // namespace subband
