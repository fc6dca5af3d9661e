// Evidence about an effect from differences that arrive one after another, which holds whenever one stops looking.
//
//   assumed   given those before it, each difference is symmetric about the effect; its spread may be any and may change
//   tested    H(c): the effect is at most c, with x_i = d_i - c
//   E_n       the mean over r = 0.3 and 0.6 of the products of 1 + b_i tanh(r x_i / s_i)
//   s_i, b_i  standard deviation of d_1 … d_(i-1), and min(0.95, 1 - 1/i): both known before d_i. The first two
//             differences, for which there is no spread yet, give 1 + 0.3 sign(x_i)
//
// Each factor grows with x_i, and what it adds to 1 is odd in x_i, so under H(c) its expectation is at most 1: E is a
// bet that nobody wins on average, and the chance that it ever reaches 1/a is at most a.
// Source  Ville's inequality, Étude critique de la notion de collectif, 1939; betting on symmetry: Ramdas, Ruf, Larsson,
//         Koolen, arXiv:2009.03167; the form 1 + tanh is the best bet on a normal effect (evidence_test.cpp)
#pragma once
#include <cstddef>
#include <optional>
#include <span>
#include <string>

namespace subband {

/// One such E.
class Evidence {
 public:
  explicit Evidence(double centre) : centre_(centre) {}
  void add(double difference);
  /// ln E now.
  double logarithm() const;
  size_t count() const { return count_; }

 private:
  static constexpr double kDistances[] = {0.3, 0.6};  // of the effect from c, in standard deviations

  double centre_;
  size_t count_ = 0;
  double mean_ = 0, squares_ = 0;  // of the differences so far
  double logs_[2] = {0, 0};
};

/// After how many of the differences E against `centre` reached 1/error; nothing where it did not.
std::optional<size_t> shown_above(std::span<const double> differences, double centre, double error);
/// The same against `the effect is at least centre`.
std::optional<size_t> shown_below(std::span<const double> differences, double centre, double error);

/// The effects that neither side refutes at `error`: each end alone is wrong with that chance, at whatever number of
/// differences one stops. Infinite while nothing is refuted.
struct AlwaysValid {
  double low = 0, high = 0;
};
AlwaysValid always_valid(std::span<const double> differences, double error);

/// What is said of an effect, and how often it may be wrong.
struct EffectClaim {
  std::string is;      ///< better, worse, equal
  double by = 0;       ///< the smallest effect that matters; for equal: the largest that does not
  double error = 0.05;
};

enum class Verdict { undecided, supported, refuted, equivalent };

struct Decision {
  Verdict verdict = Verdict::undecided;
  size_t pairs = 0;          ///< after which it was decided; all where it is undecided
  size_t least_further = 0;  ///< pairs before which nothing can be decided; 0 where it is decided
};

/// `gains`: row against baseline, better is positive, in an order that does not depend on them.
///   better by m: supported where an effect above m is shown, refuted where one below m is; equivalent where at that number
///   of pairs one between -m and m is shown. Worse: the same of the negative effect.
///   equal within m: equivalent by two one-sided tests, refuted where an effect beyond m is shown on either side.
/// Each verdict is wrong with a chance of at most `error`.
Decision decide(const EffectClaim& claim, std::span<const double> gains);

/// Pairs that a t-test with a number fixed beforehand needs to show, with chance `power` and one-sided error `error`, that
/// an effect lies on its side of a bound from which it is `distance` standard deviations away. A distance above 100 counts
/// as 100; nothing where a million pairs do not suffice.
std::optional<size_t> fixed_pairs(double distance, double error, double power);

}  // namespace subband
