#include "lib/graph/ops/function.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace resnet {

namespace {

double sigmoid(double x) {
  // exp of a negative number only, so that nothing overflows.
  const double e = std::exp(-std::abs(x));
  return x >= 0 ? 1.0 / (1.0 + e) : e / (1.0 + e);
}

// What large x loses in log(1 + exp(x)) is below the last bit.
double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }

// x * y where y, a share of x, goes to 0 faster than x grows.
double share(double x, double y) { return y == 0 && std::isinf(x) ? 0.0 : x * y; }

}  // namespace

double Elu::at(double x) const { return x < 0 ? static_cast<double>(alpha) * std::expm1(x) : x; }
double Selu::at(double x) const { return static_cast<double>(gamma) * (x <= 0 ? static_cast<double>(alpha) * std::expm1(x) : x); }
double Celu::at(double x) const {
  const double a = static_cast<double>(alpha);
  return std::isnan(x) ? x : std::max(0.0, x) + std::min(0.0, a * std::expm1(x / a));
}
double HardSwish::at(double x) const { return std::isnan(x) ? x : share(x, std::clamp(x / 6 + 0.5, 0.0, 1.0)); }
double Swish::at(double x) const { return share(x, sigmoid(static_cast<double>(alpha) * x)); }
double Mish::at(double x) const { return std::isnan(x) ? x : share(x, std::tanh(softplus(x))); }
double Gelu::at(double x) const {
  if (approximate == Approximate::tanh) {
    const double inner = std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x);
    return share(x, 0.5 * (1 + std::tanh(inner)));
  }
  return share(x, 0.5 * std::erfc(-x / std::numbers::sqrt2));
}
double Softplus::at(double x) const { return std::isnan(x) ? x : softplus(x); }
double Tanh::at(double x) const { return std::tanh(x); }
double Erf::at(double x) const { return std::erf(x); }
double Exp::at(double x) const { return std::exp(x); }
double Log::at(double x) const { return std::log(x); }
double Sqrt::at(double x) const { return std::sqrt(x); }
double Floor::at(double x) const { return std::floor(x); }
double Ceil::at(double x) const { return std::ceil(x); }
double Round::at(double x) const { return std::nearbyint(x); }
double Sin::at(double x) const { return std::sin(x); }
double Cos::at(double x) const { return std::cos(x); }
double Tan::at(double x) const { return std::tan(x); }
double Asin::at(double x) const { return std::asin(x); }
double Acos::at(double x) const { return std::acos(x); }
double Atan::at(double x) const { return std::atan(x); }
double Sinh::at(double x) const { return std::sinh(x); }
double Cosh::at(double x) const { return std::cosh(x); }
double Asinh::at(double x) const { return std::asinh(x); }
double Acosh::at(double x) const { return std::acosh(x); }
double Atanh::at(double x) const { return std::atanh(x); }

}  // namespace resnet
