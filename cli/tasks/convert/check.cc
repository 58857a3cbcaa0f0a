#include "cli/tasks/convert/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "cli/tasks/named.h"
#include "cli/tasks/open/runnable.h"
#include "formats/native/native.h"
#include "formats/onnx/read.h"
#include "lib/base/counted.h"
#include "lib/base/error.h"
#include "lib/base/threads.h"

namespace resnet::cli {

namespace {

Tolerance tolerance_of(const ConvertRequest& request, const Graph& graph) {
  if (request.tolerance) return {*request.tolerance, *request.tolerance};
  Tolerance tolerance;
  tolerance.of_scale =
      std::max(rounding_of_scale(request.dtype.value_or(DType::float32)), rounding_of_scale(coarsest_type(graph)));
  return tolerance;
}

// What `--dtype fp32` makes of 16-bit floats.
Tensor as_float32(const Tensor& tensor) {
  const bool narrow = tensor.dtype() == DType::float16 || tensor.dtype() == DType::bfloat16;
  return narrow ? converted(tensor, DType::float32) : tensor;
}
std::vector<Tensor> as_float32(std::vector<Tensor> tensors) {
  for (Tensor& tensor : tensors) tensor = as_float32(tensor);
  return tensors;
}

// One beneath the other.
Tensor stacked(const std::vector<Tensor>& rows) {
  std::vector<std::int64_t> dims(rows[0].shape().dims().begin(), rows[0].shape().dims().end());
  for (const Tensor& row : rows) {
    if (row.shape() != rows[0].shape()) throw Error(Fault::unsupported, "--check: its images give outputs of different sizes");
  }
  if (dims.empty()) return rows[0];
  dims[0] *= static_cast<std::int64_t>(rows.size());
  Tensor whole = Tensor::allocate(rows[0].dtype(), Shape(dims));
  auto to = whole.mutable_bytes().begin();
  for (const Tensor& row : rows) to = std::copy(row.bytes().begin(), row.bytes().end(), to);
  return whole;
}

class Check {
 public:
  Check(const ConvertRequest& request, const Graph& before, const TaskContext& context, ConvertResult& result)
      : request_(request),
        before_(before),
        context_(context),
        result_(result),
        pool_(context.threads.asked, context.threads.at_once) {}

  void run(const Graph& after) {
    if (before_.inputs().size() != after.inputs().size())
      throw Error(Fault::unsupported, "--check: the two have different inputs (--strip-weights?)");
    const bool one_by_one = request_.dynamic_batch && takes_one_image(after);
    const Graph& given = one_by_one ? after : before_;
    const std::vector<Tensor> first = random_inputs(given, 1, 1);
    if (first.empty()) return add("", 1, after_gives(after, {}), before_gives({}));
    const std::int64_t most = std::min(images_at_once(given, first), request_.check);
    std::vector<Tensor> inputs;
    for (std::int64_t done = 0; done < request_.check; done += images_of(inputs)) {
      context_.stop.check();
      inputs = random_inputs(given, std::min(most, request_.check - done), 1 + static_cast<std::uint64_t>(done));
      const std::vector<Tensor> found = after_gives(after, inputs);
      add(one_by_one ? ", beforehand one by one" : "", images_of(inputs), found,
          one_by_one ? stacked_before(inputs) : before_gives(inputs));
      if (done == 0) judge(after, one_by_one ? inputs_for(before_, images(inputs, 0, 1)) : inputs);
      if (!is_open(given)) break;  // a fixed batch is run once
    }
  }

 private:
  std::vector<Tensor> before_gives(const std::vector<Tensor>& inputs) {
    return named(request_.model, [&] { return run_graph(before_, inputs, pool_); });
  }

  std::vector<Tensor> after_gives(const Graph& after, const std::vector<Tensor>& inputs) {
    return named(request_.model, [&] { return run_graph(after, inputs_for(after, inputs), pool_); });
  }

  // Whether images can be given to the network as it was one at a time, and to the new one all at once.
  bool takes_one_image(const Graph& after) const {
    for (std::size_t i = 0; i < before_.inputs().size(); ++i) {
      const Fact& old = before_.fact(before_.inputs()[i]);
      const Fact& opened = after.fact(after.inputs()[i]);
      if (!old.dims || old.dims->empty() || !opened.dims || opened.dims->front().is_number()) return false;
      if (old.dims->front().is_number() && !old.dims->front().is(1)) return false;
    }
    return !before_.inputs().empty();
  }

  static bool is_open(const Graph& graph) {
    const Fact& first = graph.fact(graph.inputs()[0]);
    return first.dims && !first.dims->empty() && !first.dims->front().is_number();
  }

  static std::vector<Tensor> images(const std::vector<Tensor>& inputs, std::int64_t begin, std::int64_t count) {
    std::vector<Tensor> part;
    for (const Tensor& input : inputs) part.push_back(rows_of(input, begin, count));
    return part;
  }

  std::vector<Tensor> stacked_before(const std::vector<Tensor>& inputs) {
    std::vector<std::vector<Tensor>> rows(before_.outputs().size());
    for (std::int64_t image = 0; image < images_of(inputs); ++image) {
      context_.stop.check();
      const std::vector<Tensor> outputs = before_gives(inputs_for(before_, images(inputs, image, 1)));
      for (std::size_t i = 0; i < rows.size(); ++i) rows[i].push_back(outputs[i]);
    }
    std::vector<Tensor> whole;
    for (const std::vector<Tensor>& row : rows) whole.push_back(stacked(row));
    return whole;
  }

  void judge(const Graph& after, const std::vector<Tensor>& inputs) {
    context_.stop.check();
    const auto reference = reference_of(before_, inputs, reference_macs);
    if (!reference) return tell_too_large(inputs);
    add(" by the plain evaluator", images_of(reference->inputs), after_gives(after, reference->inputs), reference->outputs);
  }

  static std::int64_t images_of(const std::vector<Tensor>& inputs) {
    return !inputs.empty() && inputs[0].shape().rank() > 0 ? std::max<std::int64_t>(inputs[0].shape()[0], 1) : 1;
  }

  // `how`: they were run, after "4 random inputs". What was found of other images in the same way is added to.
  void add(const std::string& how, std::int64_t images, const std::vector<Tensor>& a, std::vector<Tensor> b) {
    if (request_.dtype == DType::float32) b = as_float32(std::move(b));
    const Tolerance tolerance = tolerance_of(request_, before_);
    Found& found = found_[how];
    found.images += images;
    if (found.first == not_yet) found.first = result_.checks.size();
    const std::string inputs = counted(static_cast<std::size_t>(found.images), "random input") + how;
    for (std::size_t i = 0; i < b.size(); ++i) {
      const TensorDifference difference = difference_of(a.at(i), b[i], tolerance);
      result_.within = result_.within && difference.within();
      if (found.first + i == result_.checks.size()) {
        result_.checks.push_back({inputs, before_.value(before_.outputs()[i]).name, difference});
      } else {
        merge(result_.checks[found.first + i], inputs, difference);
      }
    }
  }

  static void merge(CheckedOutput& checked, const std::string& inputs, const TensorDifference& more) {
    checked.inputs = inputs;
    TensorDifference& whole = checked.difference;
    if (whole.problem.empty()) whole.problem = more.problem;
    whole.largest = std::max(whole.largest, more.largest);
    whole.scale = std::max(whole.scale, more.scale);
    whole.elements += more.elements;
    whole.outside += more.outside;
  }

  void tell_too_large(const std::vector<Tensor>& inputs) const {
    std::string macs;
    try {
      // The evaluator takes the images of an open batch one by one.
      const bool one_by_one = is_open(before_);
      const std::int64_t images = one_by_one ? images_of(inputs) : 1;
      const double each = static_cast<double>(macs_of(before_, inputs)) / static_cast<double>(images);
      if (each > static_cast<double>(reference_macs)) {
        macs = fmt::format(" ({:.1f}e9 multiply-adds{}, expected at most {:.0f}e9)", each / 1e9, one_by_one ? " an image" : "",
                           reference_macs / 1e9);
      }
    } catch (const Error&) {  // what it costs depends on the data
    }
    context_.observer.note(
        fmt::format("--check: the network is too large for the plain evaluator{}; the executor alone ran both files", macs));
  }

  const ConvertRequest& request_;
  const Graph& before_;
  const TaskContext& context_;
  ConvertResult& result_;
  ThreadPool pool_;
  static constexpr std::size_t not_yet = static_cast<std::size_t>(-1);
  struct Found {
    std::int64_t images = 0;
    std::size_t first = not_yet;  // of the result's checks
  };
  std::map<std::string, Found> found_;  // by how they were run
};

}  // namespace

void check_written_file(const ConvertRequest& request, const Graph& before, int written, const TaskContext& context,
                        ConvertResult& result) {
  refuse_what_cannot_run(before, before, request.model);
  const Model model = request.native ? native::read(written, request.output) : onnx::read(written, request.output);
  tell_notes(model, request.output, context.observer);
  Check(request, before, context, result).run(model.graph);
}

}  // namespace resnet::cli
