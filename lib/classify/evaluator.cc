#include "lib/classify/evaluator.h"

#include <algorithm>
#include <cmath>

namespace resnet {

Interval confidence_of(std::int64_t right, std::int64_t count) {
  if (count <= 0) return {0, 1};
  constexpr double z = 1.959963984540054;  // 97.5 % of a normal distribution lie below it
  const auto n = static_cast<double>(count);
  const double share = static_cast<double>(right) / n;
  const double middle = share + z * z / (2 * n), spread = z * std::sqrt(share * (1 - share) / n + z * z / (4 * n * n));
  const double scale = 1 + z * z / n;
  return {std::max(0.0, (middle - spread) / scale), std::min(1.0, (middle + spread) / scale)};
}

void Evaluator::add(std::int64_t truth, std::span<const Prediction> predictions) {
  ++count_;
  ++confusion_[{truth, predictions.front().index}];
  right_at_1_ += predictions.front().index == truth ? 1 : 0;
  const auto first = predictions.first(std::min(k_, predictions.size()));
  right_at_k_ += std::any_of(first.begin(), first.end(), [&](const Prediction& p) { return p.index == truth; }) ? 1 : 0;
}

namespace {

double share(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

double Evaluator::ClassCount::precision() const { return share(right, answered); }
double Evaluator::ClassCount::recall() const { return share(right, count); }
double Evaluator::ClassCount::f1() const { return share(2 * right, answered + count); }

std::vector<Evaluator::ClassCount> Evaluator::all_classes() const {
  std::map<std::int64_t, ClassCount> found;
  for (const auto& [pair, count] : confusion_) {
    found[pair.first].count += count;
    found[pair.second].answered += count;
    if (pair.first == pair.second) found[pair.first].right += count;
  }
  std::vector<ClassCount> result;
  for (auto& [index, one] : found) {
    one.index = index;
    result.push_back(one);
  }
  return result;
}

std::vector<Evaluator::ClassCount> Evaluator::classes() const {
  std::vector<ClassCount> result = all_classes();
  std::erase_if(result, [](const ClassCount& one) { return one.count == 0; });
  return result;
}

Evaluator::Averages Evaluator::averages() const {
  Averages averages;
  const auto add = [](Scores& scores, const ClassCount& one, double weight) {
    scores.precision += weight * one.precision();
    scores.recall += weight * one.recall();
    scores.f1 += weight * one.f1();
  };
  const std::vector<ClassCount> classes = all_classes();
  for (const ClassCount& one : classes) {
    add(averages.macro, one, 1 / static_cast<double>(classes.size()));
    add(averages.weighted, one, share(one.count, count_));
  }
  const double right = share(right_at_1_, count_);
  averages.micro = {right, right, right};
  return averages;
}

std::vector<Evaluator::Confusion> Evaluator::most_confused(std::size_t most) const {
  std::vector<Confusion> result;
  for (const auto& [pair, count] : confusion_) {
    if (pair.first != pair.second) result.push_back({pair.first, pair.second, count});
  }
  std::stable_sort(result.begin(), result.end(), [](const Confusion& a, const Confusion& b) { return a.count > b.count; });
  if (result.size() > most) result.resize(most);
  return result;
}

}  // namespace resnet
