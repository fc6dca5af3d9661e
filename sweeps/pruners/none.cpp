// Every trial runs to its end.
// Source  ours, what a search does that nobody cuts
#include "sweeps/pruner.h"

namespace subband::pruners::none {

struct Config {
  void bind(Binder&) {}
};

class NoPruner final : public Pruner {
 public:
  NoPruner(const Config&, const PrunerContext&) {}
  std::optional<int64_t> rung_after(int64_t, int64_t) const override { return std::nullopt; }
  std::optional<size_t> next(std::span<const PrunedTrial>) const override { return std::nullopt; }
};

void add_to(PrunerRegistry& r) {
  r.add<NoPruner, Config>({.name = "none",
                           .summary = "every trial runs to its end",
                           .source = "ours, what a search does that nobody cuts"});
}

}  // namespace subband::pruners::none
