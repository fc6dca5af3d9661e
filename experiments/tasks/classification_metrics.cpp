#include "experiments/tasks/classification_metrics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace subband {

namespace {

const double* row_of(const Answers& answers, size_t example) {
  return answers.log_probabilities.data() + example * static_cast<size_t>(answers.classes);
}

int64_t likeliest(const Answers& answers, size_t example) {
  const double* row = row_of(answers, example);
  return std::max_element(row, row + answers.classes) - row;
}

// Probability that an example of class `c` is rated above another; NaN where one of the two is missing.
double area_of_class(const Answers& answers, int64_t c) {
  const size_t count = answers.labels.size();
  std::vector<double> score(count);
  for (size_t i = 0; i < count; ++i) score[i] = std::exp(row_of(answers, i)[c]);
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, [&](size_t a, size_t b) { return score[a] < score[b]; });
  double ranks = 0, positives = 0;
  for (size_t begin = 0, end = 0; begin < count; begin = end) {
    while (end < count && score[order[end]] == score[order[begin]]) ++end;
    const double rank = static_cast<double>(begin + end + 1) / 2;  // of every member of the tie, from 1
    for (size_t i = begin; i < end; ++i) {
      if (answers.labels[order[i]] == c) ranks += rank, ++positives;
    }
  }
  const double negatives = static_cast<double>(count) - positives;
  return (ranks - positives * (positives + 1) / 2) / (positives * negatives);
}

}  // namespace

double accuracy(const Answers& answers) {
  size_t right = 0;
  for (size_t i = 0; i < answers.labels.size(); ++i) right += likeliest(answers, i) == answers.labels[i];
  return static_cast<double>(right) / static_cast<double>(answers.labels.size());
}

double area_under_curve(const Answers& answers) {
  double sum = 0;
  int64_t usable = 0;
  for (int64_t c = 0; c < answers.classes; ++c) {
    const double area = area_of_class(answers, c);
    if (std::isfinite(area)) sum += area, ++usable;
  }
  return usable > 0 ? sum / static_cast<double>(usable) : std::nan("");
}

double f1_macro(const Answers& answers) {
  const auto classes = static_cast<size_t>(answers.classes);
  std::vector<double> right(classes), labelled(classes), answered(classes);
  for (size_t i = 0; i < answers.labels.size(); ++i) {
    const auto label = static_cast<size_t>(answers.labels[i]),
               answer = static_cast<size_t>(likeliest(answers, i));
    ++labelled[label], ++answered[answer];
    if (label == answer) ++right[label];
  }
  double sum = 0;
  int64_t seen = 0;
  for (size_t c = 0; c < classes; ++c) {
    if (labelled[c] + answered[c] == 0) continue;
    sum += 2 * right[c] / (labelled[c] + answered[c]);
    ++seen;
  }
  return sum / static_cast<double>(seen);
}

double mean_loss(const Answers& answers) {
  double sum = 0;
  for (size_t i = 0; i < answers.labels.size(); ++i) sum -= row_of(answers, i)[answers.labels[i]];
  return sum / static_cast<double>(answers.labels.size());
}

Metrics classification_metrics(const std::string& split, const Answers& answers, const std::string& suffix) {
  Metrics metrics = {{split + ".accuracy" + suffix, accuracy(answers)},
                     {split + ".f1_macro" + suffix, f1_macro(answers)},
                     {split + ".loss" + suffix, mean_loss(answers)}};
  const double area = area_under_curve(answers);
  if (std::isfinite(area)) metrics[split + ".auc" + suffix] = area;
  return metrics;
}

}  // namespace subband
