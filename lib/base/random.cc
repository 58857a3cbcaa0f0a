// Compiled without contraction to fused multiply-adds (CMakeLists.txt): the one freedom that C++ compilers take with +, -, *, /
// and sqrt. The C library's log, sin and cos differ from machine to machine and are not used.
#include "lib/base/random.h"

#include <bit>
#include <cmath>

namespace resnet {

namespace {

constexpr std::uint64_t golden = 0x9e3779b97f4a7c15u;

// A bijection of 64 bits in which every bit of the input moves every bit of the result (Stafford's variant 13 of MurmurHash3's
// finaliser, as SplitMix64 has it).
std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

// Uniform over the 2^32 odd multiples of 2^-32 in (-1, 1): never 0, and symmetric.
double uniform(std::uint32_t bits) { return (static_cast<double>(static_cast<std::int32_t>(bits)) + 0.5) * 0x1p-31; }

// The natural logarithm of a normal number in (0, 1), within about 1e-12 of it: x = m * 2^e with m in [sqrt(1/2), sqrt(2)), and
// log m = 2 atanh((m - 1) / (m + 1)) by its series, whose argument stays below 0.1716.
double logarithm(double x) {
  constexpr double ln2 = 0.69314718055994530942;
  constexpr std::uint64_t root_half = 0x3fe6a09e667f3bcdu;  // the bits of sqrt(1/2)
  const auto bits = std::bit_cast<std::uint64_t>(x);
  const std::uint64_t shifted = bits + (0x3ff0000000000000u - root_half);
  const auto exponent = static_cast<std::int32_t>(shifted >> 52) - 1023;
  const double m = std::bit_cast<double>((shifted & 0x000fffffffffffffu) + root_half);
  const double t = (m - 1) / (m + 1);
  const double q = t * t;
  const double series = 1 + q * (1.0 / 3 + q * (1.0 / 5 + q * (1.0 / 7 + q * (1.0 / 9 + q * (1.0 / 11 + q * (1.0 / 13))))));
  return exponent * ln2 + 2 * t * series;
}

struct Pair {
  double first, second;
};

// Two independent standard normal numbers by Marsaglia's polar method: a point in the unit disc, other than its centre, scaled. A
// point outside the disc is drawn again from its own bits, so that no pair waits for another.
Pair normal_pair(std::uint64_t key, std::uint64_t counter) {
  std::uint64_t bits = mix(key + (counter + 1) * golden);
  for (;;) {
    const double u = uniform(static_cast<std::uint32_t>(bits)), v = uniform(static_cast<std::uint32_t>(bits >> 32));
    const double s = u * u + v * v;
    if (s < 1) {
      const double factor = std::sqrt(-2 * logarithm(s) / s);
      return {u * factor, v * factor};
    }
    bits = mix(bits + golden);
  }
}

}  // namespace

std::uint64_t stream_key(std::uint64_t seed, std::string_view name) {
  std::uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a
  for (const char letter : name) hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3u;
  return mix(mix(seed + golden) ^ hash);
}

void fill_normal(std::span<float> target, std::uint64_t key, double deviation) {
  for (std::size_t i = 0; i < target.size(); i += 2) {
    const Pair pair = normal_pair(key, i / 2);
    target[i] = static_cast<float>(pair.first * deviation);
    if (i + 1 < target.size()) target[i + 1] = static_cast<float>(pair.second * deviation);
  }
}

void fill_uniform(std::span<float> target, std::uint64_t key, double bound) {
  for (std::size_t i = 0; i < target.size(); ++i) {
    target[i] = static_cast<float>(uniform(static_cast<std::uint32_t>(mix(key + (i + 1) * golden) >> 32)) * bound);
  }
}

std::uint64_t Draws::next() { return mix(key_ + ++counter_ * golden); }

std::uint64_t Draws::below(std::uint64_t count) {
  // The first 2^64 mod count numbers would favour some results.
  const std::uint64_t least = -count % count;
  for (;;) {
    const std::uint64_t bits = next();
    if (bits >= least) return bits % count;
  }
}

double Draws::normal() { return normal_pair(key_, counter_++).first; }

}  // namespace resnet
