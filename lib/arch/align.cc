#include "lib/arch/align.h"

#include <algorithm>
#include <cstddef>

namespace resnet::arch {

// Pairs of equal entries of two lists, in order, as many as there are (up to a bound on the work): Myers' greedy algorithm.
std::vector<std::pair<int, int>> align(const std::vector<int>& a, const std::vector<int>& b) {
  const int n = static_cast<int>(a.size()), m = static_cast<int>(b.size());
  int front = 0;
  while (front < n && front < m && a[static_cast<std::size_t>(front)] == b[static_cast<std::size_t>(front)]) ++front;
  int back = 0;
  while (back < n - front && back < m - front &&
         a[static_cast<std::size_t>(n - 1 - back)] == b[static_cast<std::size_t>(m - 1 - back)])
    ++back;
  std::vector<std::pair<int, int>> pairs;
  for (int i = 0; i < front; ++i) pairs.emplace_back(i, i);
  const int rows = n - front - back, columns = m - front - back;
  const int most = std::min(rows + columns, 2000);
  std::vector<std::vector<int>> history;
  std::vector<int> reach(static_cast<std::size_t>(2 * most + 3), 0);
  const int offset = most + 1;
  const auto cell = [offset](std::vector<int>& v, int k) -> int& { return v[static_cast<std::size_t>(k + offset)]; };
  bool done = rows == 0 && columns == 0;
  int steps = 0;
  for (int d = 0; d <= most && !done; ++d) {
    history.push_back(reach);
    for (int k = -d; k <= d && !done; k += 2) {
      int x = k == -d || (k != d && cell(reach, k - 1) < cell(reach, k + 1)) ? cell(reach, k + 1) : cell(reach, k - 1) + 1;
      int y = x - k;
      while (x < rows && y < columns && a[static_cast<std::size_t>(front + x)] == b[static_cast<std::size_t>(front + y)])
        ++x, ++y;
      cell(reach, k) = x;
      if (x >= rows && y >= columns) {
        done = true;
        steps = d;
      }
    }
  }
  std::vector<std::pair<int, int>> middle;
  if (done) {
    int x = rows, y = columns;
    for (int d = steps; d > 0 || (x > 0 && y > 0); --d) {
      if (d == 0) {
        while (x > 0 && y > 0) middle.emplace_back(front + --x, front + --y);
        break;
      }
      std::vector<int>& before = history[static_cast<std::size_t>(d)];
      const int k = x - y;
      const bool down = k == -d || (k != d && cell(before, k - 1) < cell(before, k + 1));
      const int from = down ? k + 1 : k - 1, start_x = cell(before, from), start_y = start_x - from;
      while (x > start_x + (down ? 0 : 1) && y > start_y + (down ? 1 : 0)) middle.emplace_back(front + --x, front + --y);
      x = start_x;
      y = start_y;
    }
  }
  pairs.insert(pairs.end(), middle.rbegin(), middle.rend());
  for (int i = back; i > 0; --i) pairs.emplace_back(n - i, m - i);
  return pairs;
}

}  // namespace resnet::arch
