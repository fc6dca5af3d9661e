#include "experiments/tasks/synthetic_task.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>

#include "experiments/data/epoch_order.h"
#include "experiments/tasks/evaluation.h"

namespace subband {

void SyntheticFields::bind(Binder& b) {
  b.field("examples", examples, {0, 1e12},
          "training examples, gone through again and again; 0: always new ones");
  b.field("valid", valid, {1, 1e9}, "validation examples");
  b.field("test", test, {1, 1e9}, "test examples, of every length");
  b.field("test_lengths", test_lengths, {1, 1e8}, "longer sequences to test besides");
}

int64_t SyntheticTask::longest() const {
  int64_t longest = 1;
  for (const auto* difficulties : {&train, &longer}) {
    for (const Difficulty& difficulty : *difficulties) longest = std::max(longest, difficulty.length);
  }
  return longest;
}

void draw_example(const SyntheticTask& plan, const Difficulty& difficulty, uint64_t seed, const std::string& split,
                  int64_t index, std::span<int64_t> inputs, std::span<int64_t> targets) {
  Draws draws(seed, plan.name + " " + split, static_cast<uint64_t>(index));
  std::ranges::fill(targets, kNoTarget);
  plan.draw(draws, difficulty, inputs, targets);
}

namespace {

constexpr uint64_t kFixedSeed = 0;  // of validation and test

// Examples `indices` of a split.
Batch drawn_batch(const SyntheticTask& plan, const Difficulty& difficulty, uint64_t seed, const std::string& split,
                  std::span<const int64_t> indices, at::Device device) {
  const int64_t rows = std::ssize(indices), length = difficulty.length;
  const at::Tensor inputs = at::zeros({rows, length}, at::TensorOptions(at::kLong));
  const at::Tensor targets = at::empty({rows, length}, at::TensorOptions(at::kLong));
  const auto row_of = [&](const at::Tensor& x, int64_t row) {
    return std::span<int64_t>(x.mutable_data_ptr<int64_t>() + row * length, static_cast<size_t>(length));
  };
  for (int64_t row = 0; row < rows; ++row)
    draw_example(plan, difficulty, seed, split, indices[static_cast<size_t>(row)], row_of(inputs, row),
                 row_of(targets, row));
  return {.inputs_BL = inputs.to(device), .targets_BL = targets.to(device)};
}

// Of the first `count` examples of `split`.
Metrics measured_examples(const SyntheticTask& plan, const Difficulty& difficulty, const TaskUse& use,
                          const std::string& split, int64_t count, const std::string& suffix, Net& net) {
  const EvaluationMode mode(net);
  AskedTokens asked;
  std::vector<int64_t> indices;
  for (int64_t first = 0; first < count; first += use.batch) {
    indices.clear();
    for (int64_t i = first; i < std::min(count, first + use.batch); ++i) indices.push_back(i);
    const uint64_t seed = split == "train" ? use.seed : kFixedSeed;
    asked.add(net, drawn_batch(plan, difficulty, seed, split, indices, use.device), use);
  }
  return asked.metrics(split, suffix);
}

class OpenSyntheticTask final : public OpenTask {
 public:
  OpenSyntheticTask(SyntheticTask plan, TaskUse use)
      : plan_(std::move(plan)),
        use_(std::move(use)),
        epoch_order_(std::max<int64_t>(1, plan_.fields.examples), use_.seed),
        indices_(static_cast<size_t>(use_.batch)) {}

  const Batch& draw(uint64_t index) override {
    const Difficulty& difficulty = plan_.train[index % plan_.train.size()];
    for (int64_t row = 0; row < use_.batch; ++row) {
      const int64_t place = static_cast<int64_t>(index) * use_.batch + row;
      indices_[static_cast<size_t>(row)] = plan_.fields.examples > 0 ? epoch_order_.at(place) : place;
    }
    batch_ = drawn_batch(plan_, difficulty, use_.seed, "train", indices_, use_.device);
    return batch_;
  }
  int64_t batches_per_epoch() const override { return plan_.fields.examples / use_.batch; }
  std::string epoch_text() const override {
    return plan_.fields.examples > 0 ? fmt::format("{} examples", plan_.fields.examples) : "";
  }
  Metrics estimate(Net& net) override {
    const int64_t count = std::min(plan_.fields.valid, use_.batch * use_.estimate_batches);
    return measured_examples(plan_, plan_.train[0], use_, "valid", count, "_estimate", net);
  }
  std::vector<std::string> notes() const override { return plan_.notes; }

 private:
  SyntheticTask plan_;
  TaskUse use_;
  EpochOrder epoch_order_;
  std::vector<int64_t> indices_;
  Batch batch_;
};

}  // namespace

std::unique_ptr<OpenTask> open_synthetic_task(const SyntheticTask& plan, const TaskUse& use) {
  return std::make_unique<OpenSyntheticTask>(plan, use);
}

static std::string suffix_of(const Difficulty& longer) {
  return fmt::format("_{}_{}", longer.length, longer.size);
}

std::vector<MetricInfo> synthetic_metrics(const SyntheticTask& plan) {
  std::vector<MetricInfo> all;
  const auto add = [&](const std::string& split, const std::string& suffix, const std::string& where) {
    all.push_back({split + ".accuracy" + suffix, "share of right answers" + where, "max"});
    all.push_back({split + ".loss" + suffix, "cross-entropy, nats per answer" + where, "min"});
  };
  add("valid", "", "");
  add("test", "", "");
  for (const Difficulty& longer : plan.longer)
    add("test", suffix_of(longer), fmt::format(", length {}, size {}", longer.length, longer.size));
  return all;
}

std::vector<Measurement> synthetic_measurements(const SyntheticTask& plan, const TaskUse& use) {
  std::vector<Measurement> all;
  const auto add = [&](const std::string& split, const Difficulty& difficulty, int64_t count,
                       const std::string& suffix) {
    all.push_back({split, split + suffix, [=](Net& net) {
                     return measured_examples(plan, difficulty, use, split, count, suffix, net);
                   }});
  };
  add("train", plan.train[0], plan.fields.valid, "");
  add("valid", plan.train[0], plan.fields.valid, "");
  add("test", plan.train[0], plan.fields.test, "");
  for (const Difficulty& difficulty : plan.longer) add("test", difficulty, plan.fields.test, suffix_of(difficulty));
  return all;
}

}  // namespace subband
