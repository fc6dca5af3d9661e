// The walk behind merge() and apply_override(). Internal to core/config.
#pragma once
#include <vector>

#include "core/config/interpolation.h"
#include "core/config/merge.h"

namespace subband::config {

class Merger {
 public:
  /// `closed`: a key that is not there yet is an error.
  Merger(const Node& root, Language language, bool closed)
      : root_(root), language_(language), closed_(closed) {}

  void lay_over(Node& map, Node over);       ///< both maps
  void replace(Node& value, Node over);      ///< whatever both are
  std::vector<Step>& way() { return way_; }  ///< to the map that is laid over

  /// Makes the value a container where it is an interpolation that names one, or, among parts, a plain name.
  void open(Node& value);
  size_t copied() const { return copied_; }  ///< values that opened interpolations brought in

 private:
  const Node& root_;
  Language language_;
  bool closed_;
  std::vector<Step> way_;
  size_t copied_ = 0;
};

}  // namespace subband::config
