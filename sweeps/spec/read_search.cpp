#include "sweeps/spec/read_search.h"

#include <algorithm>

#include "core/text.h"

namespace subband {

using config::Node;

// A part in a spec: its name, or the `type` of its map.
static std::string part_name(const Node& part) {
  const Node* type = part.is(Node::Kind::map) ? part.find("type") : &part;
  return type != nullptr && type->is(Node::Kind::string) ? type->string() : "";
}

std::string search_text(const SweepSearch& search) {
  return "sampler " + part_name(search.sampler) + ", pruner " + part_name(search.pruner) + ", up to " +
         grouped(search.trials) + " points, seed " + std::to_string(search.seed);
}

// How its points are drawn, in JSON. More trials, or another pruner, leave the points that there are.
static std::string drawing_text(const SweepSearch& search, const Node& space) {
  Node sampler = search.sampler;
  if (!sampler.is(Node::Kind::map)) {
    sampler = Node::map();
    sampler.set("type", search.sampler);
  }
  Node text = Node::map();
  text.set("sampler", sampler);
  text.set("seed", Node(search.seed));
  text.set("space", space);
  return config::to_json(text, /*sorted=*/true);
}

void read_part(Binder& b, std::string_view key, Node& value, const LaterPart& part, std::string_view help) {
  b.record([&] {
    return FieldInfo{.path = b.path_of(key),
                     .type = std::string("part of kind ") + part.kind,
                     .standard = Node(part.standard),
                     .part_kind = part.kind,
                     .help = std::string(help)};
  });
  if (const Node* written = b.take(key)) value = *written;
  if (value.is(Node::Kind::map) && value.find("type") == nullptr) value.set("type", Node(part.standard));
  b.resolve(key, value);
}

void read_search(Binder& b, SweepSpec& spec) {
  static const Node kNone = Node::map();
  const Node* const written = b.take("search");
  b.record([&] {
    return FieldInfo{.path = b.path_of("search"),
                     .type = "map",
                     .standard = Node::map(),
                     .help = "points drawn one after another: {sampler: tpe, pruner: asha, trials: 50, seed: 0, space: {…}}"};
  });
  if (written != nullptr && !written->is(Node::Kind::map))
    return b.complain("search", written, "expected {sampler, pruner, trials, seed, space}");
  const Node& tree = written != nullptr ? *written : kNone;
  SweepSearch search{.place = tree.place};
  Binder inner = b.nested("search", tree);
  Node space;
  read_part(inner, "sampler", search.sampler, {.kind = "sampler", .standard = "tpe"},
            "how the next point is chosen: grid, random, tpe");
  read_part(inner, "pruner", search.pruner, {.kind = "pruner", .standard = "none"},
            "which runs go on: none, median, asha");
  inner.field("trials", search.trials, {1, 1'000'000}, "points at most");
  inner.field("seed", search.seed, {0, 9e15}, "of the sampler");
  inner.tree("space", space, "key to a list of choices or to {low, high, log}");
  if (written == nullptr) return;
  search.space = read_space(inner, "space", space);
  search.text = drawing_text(search, space);
  inner.finish_keys();
  b.check(spec.factors.empty(), "search", "draws its rows itself; it stands alone, without ablate, list, grid and zip");
  b.check(spec.seeds.size() == 1, "search", "runs every point with one seed; give one in `seeds`");
  spec.search = std::move(search);
}

void read_tuning(SweepReader& reader, Binder& b, SweepSpec& spec) {
  Node tree;
  SweepTuning tuning{.metric = spec.metric};
  b.tree("tune", tree,
         "key to list of values: every combination is tried for every row, the best goes on with the seeds of the sweep");
  b.field("tune_seeds", tuning.seeds, {0, 9e15},
          "of the trials; by default one, the number after the largest of `seeds`");
  if (const auto dot = tuning.metric.find('.'); tuning.metric.substr(0, dot) == "test")
    tuning.metric = "valid" + tuning.metric.substr(dot);
  b.field("tune_by", tuning.metric, "metric that chooses among trials; by default the sweep's, on validation data");
  if (!b.given("tune")) return;
  tuning.axes = reader.axes_of("tune", tree);
  if (tuning.seeds.empty() && !spec.seeds.empty()) tuning.seeds = {std::ranges::max(spec.seeds) + 1};
  for (const int64_t seed : tuning.seeds)
    b.check(std::ranges::find(spec.seeds, seed) == spec.seeds.end(), "tune_seeds",
            "must be other seeds than those of the sweep, whose numbers are to be fresh");
  b.check(!tuning.metric.starts_with("test."), "tune_by", "must not be measured on test data");
  b.check(!spec.search, "tune", "is another way to search; give one of both");
  b.check(spec.spend == 0, "tune", "does not go together with `spend`");
  tuning.place = tree.place;
  spec.tune = std::move(tuning);
}

}  // namespace subband
