// Labelled data sets in tests.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "experiments/testing/corpora.h"

namespace subband::testing {

/// The corpus of group `data`, with overrides of its fields.
inline std::shared_ptr<Data> labelled(const std::string& name,
                                      const std::vector<std::string>& overrides = {}) {
  static const Registry registry = [] {
    Registry all;
    register_corpora_parts(all);
    return all;
  }();
  return open_corpus(registry, name, overrides);
}

/// Label -> how many examples have it.
inline std::map<int64_t, int64_t> label_counts(const ExampleSet& examples) {
  std::map<int64_t, int64_t> counts;
  for (const int64_t label : examples.labels()) ++counts[label];
  return counts;
}

}  // namespace subband::testing
