#include "lib/xnnpack/lower/mapping.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "lib/xnnpack/lower/movement.h"

namespace resnet::xnnpack {

namespace {

// What lies in one piece in the source as in the result; in bytes.
struct Run {
  std::ptrdiff_t source;  // or nowhere
  std::size_t bytes;
};

// The result is written from its beginning to its end, row after row, each a sequence of the same runs. What is copied whole is
// one run, however many axes it has.
class Mapping {
 public:
  Mapping(std::vector<Sources> axes, std::size_t element_bytes, std::vector<std::byte> fill);

  std::size_t parts() const { return rows_ * parts_of_row_; }
  std::size_t grain() const { return std::max<std::size_t>(bytes_of_part * parts_of_row_ / row_bytes_, 1); }
  void copy(const std::byte* from, std::byte* to, std::size_t begin, std::size_t end) const;

 private:
  void join_inner_axes(std::vector<Sources>& axes, std::size_t element_bytes);
  void make_runs(const Sources& sources);
  void cut_long_runs();
  // What the axes before the last one add to where a row begins in the source; nowhere where all of it is filled.
  std::ptrdiff_t base_of(std::size_t row) const;
  void write(const Run& run, const std::byte* from, std::byte* to) const;
  template <typename Unit>
  void copy_units(const std::byte* from, std::byte* to) const;
  void copy_row(const std::byte* from, std::byte* to) const;

  std::vector<Sources> axes_;  // of the rows
  std::size_t rows_ = 1, row_bytes_ = 0, parts_of_row_ = 1;
  std::size_t unit_ = 0;  // bytes that always lie side by side
  std::vector<Run> runs_;
  std::vector<std::size_t> begins_;  // of each run in the row
  bool all_units_ = false;           // each run is one unit of 1, 2, 4 or 8 bytes
  std::vector<std::byte> fill_;
};

Mapping::Mapping(std::vector<Sources> axes, std::size_t element_bytes, std::vector<std::byte> fill) : fill_(std::move(fill)) {
  for (Sources& sources : axes) sources.scale(static_cast<std::ptrdiff_t>(element_bytes), 0);
  join_inner_axes(axes, element_bytes);
  axes_ = std::move(axes);
  if (axes_.empty()) axes_.push_back(Sources::steps(1, 0));
  for (const Sources& sources : axes_) rows_ *= sources.size();
  const auto is_unit = [&](const Run& run) { return run.bytes == unit_ && run.source != nowhere; };
  all_units_ = unit_ <= 8 && (unit_ & (unit_ - 1)) == 0 && std::all_of(runs_.begin(), runs_.end(), is_unit);
  cut_long_runs();
  for (const Run& run : runs_) {
    begins_.push_back(row_bytes_);
    row_bytes_ += run.bytes;
  }
  // Long runs are work of their own: a row may be all there is.
  constexpr std::size_t long_run = 1024;
  if (row_bytes_ / runs_.size() >= long_run) parts_of_row_ = runs_.size();
}

void Mapping::join_inner_axes(std::vector<Sources>& axes, std::size_t element_bytes) {
  unit_ = element_bytes;
  std::ptrdiff_t offset = 0;
  while (!axes.empty() && axes.back().has_stride(static_cast<std::ptrdiff_t>(unit_))) {
    offset += axes.back()[0];
    unit_ *= axes.back().size();
    axes.pop_back();
  }
  // What is long stays an axis of rows, of which nothing is kept for each place.
  constexpr std::size_t most_runs = 1 << 16;
  if (axes.empty() || (!axes.back().is_list() && axes.back().size() > most_runs)) {
    runs_ = {{offset, unit_}};
    return;
  }
  axes.back().scale(1, offset);
  make_runs(axes.back());
  axes.pop_back();
}

void Mapping::make_runs(const Sources& sources) {
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const std::ptrdiff_t source = sources[i];
    if (!runs_.empty()) {
      Run& last = runs_.back();
      const bool fills = source == nowhere && last.source == nowhere;
      const bool follows =
          source != nowhere && last.source != nowhere && source == last.source + static_cast<std::ptrdiff_t>(last.bytes);
      if (fills || follows) {
        last.bytes += unit_;
        continue;
      }
    }
    runs_.push_back({source, unit_});
  }
}

void Mapping::cut_long_runs() {
  std::vector<Run> cut;
  for (Run run : runs_) {
    while (run.bytes > bytes_of_part) {
      cut.push_back({run.source, bytes_of_part});
      if (run.source != nowhere) run.source += static_cast<std::ptrdiff_t>(bytes_of_part);
      run.bytes -= bytes_of_part;
    }
    cut.push_back(run);
  }
  runs_ = std::move(cut);
}

std::ptrdiff_t Mapping::base_of(std::size_t row) const {
  std::ptrdiff_t source = 0;
  row /= axes_.back().size();
  for (auto axis = axes_.rbegin() + 1; axis != axes_.rend(); ++axis) {
    const std::ptrdiff_t own = (*axis)[row % axis->size()];
    if (own == nowhere) return nowhere;
    source += own;
    row /= axis->size();
  }
  return source;
}

void fill_with(const std::vector<std::byte>& element, std::byte* to, std::size_t bytes) {
  if (bytes == 0) return;
  std::size_t done = std::min(element.size(), bytes);
  std::memcpy(to, element.data(), done);
  for (; done < bytes; done *= 2) std::memcpy(to + done, to, std::min(done, bytes - done));
}

void Mapping::write(const Run& run, const std::byte* from, std::byte* to) const {
  if (from == nullptr || run.source == nowhere) return fill_with(fill_, to, run.bytes);
  std::memcpy(to, from + run.source, run.bytes);
}

template <typename Unit>
void Mapping::copy_units(const std::byte* from, std::byte* to) const {
  for (const Run& run : runs_) {
    std::memcpy(to, from + run.source, sizeof(Unit));
    to += sizeof(Unit);
  }
}

void Mapping::copy_row(const std::byte* from, std::byte* to) const {
  if (from != nullptr && all_units_) {
    switch (unit_) {
      case 1: return copy_units<std::uint8_t>(from, to);
      case 2: return copy_units<std::uint16_t>(from, to);
      case 4: return copy_units<std::uint32_t>(from, to);
      default: return copy_units<std::uint64_t>(from, to);
    }
  }
  for (std::size_t i = 0; i < runs_.size(); ++i) write(runs_[i], from, to + begins_[i]);
}

void Mapping::copy(const std::byte* from, std::byte* to, std::size_t begin, std::size_t end) const {
  const Sources& inner = axes_.back();
  std::ptrdiff_t base = 0;
  for (std::size_t part = begin; part < end; ++part) {
    const std::size_t row = part / parts_of_row_, place = row % inner.size();
    if (part == begin || place == 0) base = base_of(row);
    const std::byte* row_from = base == nowhere || inner[place] == nowhere ? nullptr : from + base + inner[place];
    std::byte* row_to = to + row * row_bytes_;
    if (parts_of_row_ == 1) {
      copy_row(row_from, row_to);
    } else {
      const std::size_t run = part % parts_of_row_;
      write(runs_[run], row_from, row_to + begins_[run]);
    }
  }
}

}  // namespace

bool Sources::has_stride(std::ptrdiff_t stride) const {
  if (list_.empty()) return count_ <= 1 || stride_ == stride;
  for (std::size_t i = 0; i < list_.size(); ++i) {
    if (list_[0] == nowhere || list_[i] != list_[0] + static_cast<std::ptrdiff_t>(i) * stride) return false;
  }
  return true;
}

void Sources::scale(std::ptrdiff_t factor, std::ptrdiff_t offset) {
  first_ = first_ * factor + offset;
  stride_ *= factor;
  for (std::ptrdiff_t& source : list_) source = source == nowhere ? nowhere : source * factor + offset;
}

void add_mapping(Emitter& e, int from, int to, const std::vector<Sources>& axes, std::size_t element_bytes,
                 std::vector<std::byte> fill) {
  auto mapping = std::make_shared<const Mapping>(axes, element_bytes, std::move(fill));
  const std::size_t parts = mapping->parts(), grain = mapping->grain();
  e.add_loop({{from}, {to}}, parts, grain, [mapping = std::move(mapping)](Addresses at, std::size_t begin, std::size_t end) {
    mapping->copy(at[0], at[1], begin, end);
  });
}

}  // namespace resnet::xnnpack
