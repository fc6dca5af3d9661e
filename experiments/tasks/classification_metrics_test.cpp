#include "experiments/tasks/classification_metrics.h"

#include <cmath>

#include "core/testing/catch.h"

namespace classification_metrics_test {
using namespace subband;

// `weights`: of each example's classes; probabilities are in proportion to them.
static Answers answers(std::vector<int64_t> labels, const std::vector<std::vector<double>>& weights) {
  Answers all{.classes = std::ssize(weights[0]), .labels = std::move(labels)};
  for (const auto& row : weights) {
    double sum = 0;
    for (const double weight : row) sum += weight;
    for (const double weight : row) all.log_probabilities.push_back(std::log(weight / sum));
  }
  return all;
}

// Expected values: scikit-learn 1.x, accuracy_score, roc_auc_score(multi_class="ovr", average="macro"),
// f1_score(average="macro"), log_loss, of the same labels and probabilities.
TEST_CASE("metrics of four classes are scikit-learn's", "[classification_metrics]") {
  const Answers four = answers({0, 2, 1, 1, 0, 2, 2, 3, 0, 1, 3, 2}, {{4, 5, 1, 5},
                                                                      {3, 3, 7, 2},
                                                                      {5, 4, 2, 2},
                                                                      {3, 3, 1, 1},
                                                                      {4, 1, 1, 5},
                                                                      {1, 4, 7, 2},
                                                                      {2, 3, 2, 5},
                                                                      {1, 5, 4, 8},
                                                                      {4, 2, 4, 3},
                                                                      {4, 4, 4, 1},
                                                                      {5, 3, 5, 5},
                                                                      {2, 5, 4, 1}});
  CHECK(accuracy(four) == Approx(0.3333333333333333).epsilon(1e-12));
  CHECK(area_under_curve(four) == Approx(0.79375).epsilon(1e-12));
  CHECK(f1_macro(four) == Approx(0.32916666666666666).epsilon(1e-12));
  CHECK(mean_loss(four) == Approx(1.1073061704899052).epsilon(1e-12));
}

TEST_CASE("metrics of two classes with ties are scikit-learn's", "[classification_metrics]") {
  const Answers two =
      answers({0, 1, 1, 0, 1, 0, 0, 1}, {{3, 1}, {1, 3}, {2, 2}, {2, 2}, {1, 1}, {4, 1}, {1, 2}, {1, 2}});
  CHECK(accuracy(two) == Approx(0.625).epsilon(1e-12));
  CHECK(area_under_curve(two) == Approx(0.78125).epsilon(1e-12));
  CHECK(f1_macro(two) == Approx(0.6190476190476191).epsilon(1e-12));
  CHECK(mean_loss(two) == Approx(0.5477533293342352).epsilon(1e-12));
}

TEST_CASE("the area is the share of pairs in the right order, ties counted half",
          "[classification_metrics]") {
  const Answers two =
      answers({0, 1, 1, 0, 1, 0, 0, 1}, {{3, 1}, {1, 3}, {2, 2}, {2, 2}, {1, 1}, {4, 1}, {1, 2}, {1, 2}});
  double right = 0, pairs = 0;
  for (size_t i = 0; i < 8; ++i) {
    for (size_t j = 0; j < 8; ++j) {
      if (two.labels[i] != 1 || two.labels[j] != 0) continue;
      const double a = two.log_probabilities[2 * i + 1], b = two.log_probabilities[2 * j + 1];
      right += a > b ? 1 : a == b ? 0.5 : 0, ++pairs;
    }
  }
  CHECK(area_under_curve(two) == Approx(right / pairs).epsilon(1e-12));
}

TEST_CASE("classes that do not occur have no area, and count for F1 only where they were answered",
          "[classification_metrics]") {
  const Answers some = answers({0, 1, 0}, {{1, 1, 8}, {1, 8, 1}, {8, 1, 1}});
  CHECK(f1_macro(some) == Approx(0.5555555555555555).epsilon(1e-12));  // scikit-learn
  const Answers one = answers({1, 1}, {{1, 3}, {3, 1}});
  CHECK(std::isnan(area_under_curve(one)));
  const Metrics metrics = classification_metrics("test", one, "_estimate");
  CHECK_FALSE(metrics.contains("test.auc_estimate"));
  CHECK(metrics.at("test.accuracy_estimate") == 0.5);
}

}  // namespace classification_metrics_test
