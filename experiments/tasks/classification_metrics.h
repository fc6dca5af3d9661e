// How good answers with probabilities are. Plain double arithmetic, no LibTorch.
//   accuracy   share of examples whose likeliest class is the right one; of equally likely ones the first counts
//   auc        one class against the rest, averaged over the classes that have both: the probability that an
//              example of the class is rated above one of another, ties counted half (Mann-Whitney)
//   f1_macro   2 TP / (2 TP + FP + FN), averaged over the classes that occur as label or as answer
//   loss       mean of -ln p(label), nats
// Source  scikit-learn's accuracy_score, roc_auc_score(multi_class="ovr"), f1_score(average="macro"), log_loss
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "experiments/observer.h"

namespace subband {

/// Answers of a net, example after example.
struct Answers {
  int64_t classes = 0;
  std::vector<int64_t> labels;            ///< N
  std::vector<double> log_probabilities;  ///< N × classes
};

double accuracy(const Answers& answers);
/// NaN where no class has both examples of it and examples of others.
double area_under_curve(const Answers& answers);
double f1_macro(const Answers& answers);
double mean_loss(const Answers& answers);

/// `SPLIT.accuracy`, `.auc` (where there is one), `.f1_macro`, `.loss`, each name with `suffix` behind it.
Metrics classification_metrics(const std::string& split, const Answers& answers,
                               const std::string& suffix = "");

}  // namespace subband
