// How often answers are right.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "lib/classify/classifier.h"

namespace resnet {

// An interval that holds the true share with 95 % confidence (Wilson's score interval of a binomial share), in 0..1.
struct Interval {
  double low = 0, high = 0;
};
Interval confidence_of(std::int64_t right, std::int64_t count);

class Evaluator {
 public:
  // Counts an answer as right where the true class is among its first `k`.
  explicit Evaluator(std::size_t k) : k_(k) {}

  // Predictions are best first, at least k of them (or all classes); there is at least one.
  void add(std::int64_t truth, std::span<const Prediction> predictions);
  void add_failure() { ++failed_; }

  std::size_t k() const { return k_; }
  std::int64_t count() const { return count_; }
  std::int64_t failed() const { return failed_; }  // without an answer; not in count()
  std::int64_t right_at_1() const { return right_at_1_; }
  std::int64_t right_at_k() const { return right_at_k_; }
  // Images by true and answered class; those without either are left out.
  const std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t>& confusion() const { return confusion_; }

  struct ClassCount {
    std::int64_t index = 0, count = 0, right = 0;
    std::int64_t answered = 0;  // images of whatever class that were taken for this one
    // Shares, 0 where nothing is divided by nothing.
    double precision() const;  // right among answered
    double recall() const;     // right among count
    double f1() const;         // their harmonic mean
  };
  std::vector<ClassCount> classes() const;  // those that there are images of, by index

  // Precision, recall and F1 of several classes together, shares.
  struct Scores {
    double precision = 0, recall = 0, f1 = 0;
  };
  struct Averages {
    Scores macro;     // the mean over the classes that there are images of, or that were answered
    Scores micro;     // of all images together: each is the share that is right
    Scores weighted;  // the mean over the classes, each by its images
  };
  Averages averages() const;

  struct Confusion {
    std::int64_t truth = 0, answer = 0, count = 0;
  };
  std::vector<Confusion> most_confused(std::size_t most) const;  // most frequent first, then by index

 private:
  std::vector<ClassCount> all_classes() const;  // with those that were only answered, by index

  std::size_t k_;
  std::int64_t count_ = 0, failed_ = 0, right_at_1_ = 0, right_at_k_ = 0;
  std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> confusion_;
};

}  // namespace resnet
