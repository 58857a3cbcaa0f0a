#include "cli/tasks/convert/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "cli/tasks/named.h"
#include "formats/native/native.h"
#include "formats/onnx/read.h"
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
    if (request_.dynamic_batch && takes_one_image(after)) return run_one_by_one(after);
    const std::vector<Tensor> inputs = random_inputs(before_, request_.check, 1);
    add(count(inputs), run_graph(after, inputs_for(after, inputs), pool_), before_gives(inputs));
    context_.stop.check();
    const auto reference = reference_of(before_, inputs, reference_macs);
    if (!reference) return tell_too_large(inputs);
    add(count(reference->inputs) + " by the plain evaluator", run_graph(after, inputs_for(after, reference->inputs), pool_),
        reference->outputs);
  }

 private:
  std::vector<Tensor> before_gives(const std::vector<Tensor>& inputs) {
    return named(request_.model, [&] { return run_graph(before_, inputs, pool_); });
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

  void run_one_by_one(const Graph& after) {
    const std::vector<Tensor> inputs = random_inputs(after, request_.check, 1);
    std::vector<std::vector<Tensor>> singles(static_cast<std::size_t>(request_.check));
    for (std::size_t image = 0; image < singles.size(); ++image) {
      for (const Tensor& input : inputs) singles[image].push_back(rows_of(input, static_cast<std::int64_t>(image), 1));
    }
    const auto stack = [&](const std::vector<std::vector<Tensor>>& outputs) {
      std::vector<Tensor> whole;
      for (std::size_t i = 0; i < before_.outputs().size(); ++i) {
        std::vector<Tensor> rows;
        for (const auto& of_image : outputs) rows.push_back(of_image[i]);
        whole.push_back(stacked(rows));
      }
      return whole;
    };
    const std::vector<Tensor> found = run_graph(after, inputs, pool_);
    std::vector<std::vector<Tensor>> expected;
    for (const auto& single : singles) {
      context_.stop.check();
      expected.push_back(before_gives(inputs_for(before_, single)));
    }
    add(count(inputs) + ", beforehand one by one", found, stack(expected));
    context_.stop.check();
    const auto reference = reference_of(before_, inputs_for(before_, singles[0]), reference_macs);
    if (!reference) return tell_too_large(inputs_for(before_, singles[0]));
    add("1 random input by the plain evaluator", run_graph(after, singles[0], pool_), reference->outputs);
  }

  static std::string count(const std::vector<Tensor>& inputs) {
    const bool has_rows = !inputs.empty() && inputs[0].shape().rank() > 0;
    return fmt::format("{} random inputs", has_rows ? inputs[0].shape()[0] : 1);
  }

  void add(const std::string& inputs, const std::vector<Tensor>& a, std::vector<Tensor> b) {
    if (request_.dtype == DType::float32) b = as_float32(std::move(b));
    const Tolerance tolerance = tolerance_of(request_, before_);
    for (std::size_t i = 0; i < b.size(); ++i) {
      CheckedOutput checked{inputs, before_.value(before_.outputs()[i]).name, difference_of(a.at(i), b[i], tolerance)};
      result_.within = result_.within && checked.difference.within();
      result_.checks.push_back(std::move(checked));
    }
  }

  void tell_too_large(const std::vector<Tensor>& inputs) const {
    std::string macs;
    try {
      // The evaluator takes the images of an open batch one by one.
      const Fact& first = before_.fact(before_.inputs()[0]);
      const bool one_by_one = first.dims && !first.dims->empty() && !first.dims->front().is_number();
      const std::int64_t images = one_by_one ? std::max<std::int64_t>(inputs[0].shape()[0], 1) : 1;
      macs = fmt::format(" ({:.1f}e9 multiply-adds{}, expected at most {:.0f}e9)",
                         static_cast<double>(macs_of(before_, inputs)) / static_cast<double>(images) / 1e9,
                         one_by_one ? " an image" : "", reference_macs / 1e9);
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
};

}  // namespace

void check_written_file(const ConvertRequest& request, const Graph& before, int written, const TaskContext& context,
                        ConvertResult& result) {
  const Model model = request.native ? native::read(written, request.output) : onnx::read(written, request.output);
  tell_notes(model, request.output, context.observer);
  Check(request, before, context, result).run(model.graph);
}

}  // namespace resnet::cli
