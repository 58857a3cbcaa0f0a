// What holds for whole plans and sessions: the same bits whatever the batch, sharing, memory, what is refused.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <new>
#include <thread>

#include "lib/base/error.h"
#include "tests/support/sanitized.h"
#include "tests/xnnpack/support.h"

#ifndef RESNET_SANITIZED
namespace {

// Allocations by operator new, of all threads.
std::atomic<std::size_t> allocations{0};

// Not inlined: gcc would see free() of what it takes for another operator new's.
[[gnu::noinline]] void* counted(std::size_t size, std::size_t alignment) {
  ++allocations;
  void* memory = alignment > alignof(std::max_align_t)
                     ? std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment)
                     : std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

[[gnu::noinline]] void uncounted(void* memory) { std::free(memory); }

}  // namespace

void* operator new(std::size_t size) { return counted(size, 0); }
void* operator new[](std::size_t size) { return counted(size, 0); }
void* operator new(std::size_t size, std::align_val_t alignment) { return counted(size, static_cast<std::size_t>(alignment)); }
void* operator new[](std::size_t size, std::align_val_t alignment) { return counted(size, static_cast<std::size_t>(alignment)); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return std::malloc(size == 0 ? 1 : size); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { uncounted(memory); }
void operator delete(void* memory) noexcept { uncounted(memory); }
void operator delete[](void* memory) noexcept { uncounted(memory); }
void operator delete(void* memory, std::size_t) noexcept { uncounted(memory); }
void operator delete[](void* memory, std::size_t) noexcept { uncounted(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { uncounted(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { uncounted(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { uncounted(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { uncounted(memory); }
#endif

namespace resnet {
namespace {

using test::expect_as_reference;
using test::expect_close;
using test::float_fact;
using test::integers;
using test::random_tensor;
using ::testing::AllOf;
using ::testing::HasSubstr;

// A small residual network with every layer of a real one: stem, max pool, two blocks (one with a projection), head, softmax.
Graph residual_network(Dim batch = Dim::symbol("batch"), Dim size = 32) {
  Graph graph;
  unsigned seed = 1;
  const ValueId x = graph.add_input("image", Fact::of(DType::float32, {batch, 3, size, size}));
  const auto conv = [&](ValueId from, std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride) {
    const std::string name = "conv" + std::to_string(seed);
    const std::int64_t pad = kernel / 2;
    const ValueId weight = graph.add_constant(name + ".weight", random_tensor({out, in, kernel, kernel}, seed++));
    const ValueId bias = graph.add_constant(name + ".bias", random_tensor({out}, seed++));
    return graph.append(Conv{.dilations = {}, .kernel_shape = {}, .pads = {pad, pad, pad, pad}, .strides = {stride, stride}},
                        {from, weight, bias}, name);
  };
  const auto relu = [&](ValueId from) { return graph.append(Relu{}, {from}, "relu" + std::to_string(seed++)); };
  ValueId y = relu(conv(x, 3, 8, 7, 2));
  y = graph.append(MaxPool{.dilations = {}, .kernel_shape = {3, 3}, .pads = {1, 1, 1, 1}, .strides = {2, 2}}, {y}, "pool");
  y = relu(graph.append(Add{}, {conv(relu(conv(y, 8, 8, 3, 1)), 8, 8, 3, 1), y}, "add1"));
  const ValueId shortcut = conv(y, 8, 24, 1, 2);
  y = relu(graph.append(Add{}, {conv(relu(conv(y, 8, 24, 3, 2)), 24, 24, 3, 1), shortcut}, "add2"));
  y = graph.append(Flatten{}, {graph.append(GlobalAveragePool{}, {y}, "mean")}, "flatten");
  y = graph.append(
      Gemm{.transB = true},
      {y, graph.add_constant("fc.weight", random_tensor({10, 24}, 98)), graph.add_constant("fc.bias", random_tensor({10}, 99))},
      "fc", {"logits"});
  graph.set_outputs({y, graph.append(Softmax{}, {y}, "softmax", {"probabilities"})});
  return graph;
}

TEST(Session, RunsAResidualNetwork) {
  for (const std::int64_t batch : {1, 2, 5})
    expect_as_reference(residual_network(), {random_tensor({batch, 3, 32, 32}, 5)}, 1e-4);
}

TEST(Session, HeightAndWidthMayBeSymbols) {
  const auto plan = xnnpack::Plan::make(residual_network(Dim::symbol("batch"), Dim::symbol("size")));
  ThreadPool pool(2);
  xnnpack::Session session(plan, pool);
  for (const std::int64_t size : {32, 45, 17, 32}) {
    SCOPED_TRACE(size);
    const std::vector<Tensor> image = {random_tensor({2, 3, size, size}, 5)};
    expect_close(session.run(image)[0], reference::evaluate(residual_network(Dim(2), Dim(size)), image)[0], 1e-4);
  }
}

// The bits of an image's result may depend neither on the batch's size nor on its place in it.
TEST(Session, ResultsDoNotDependOnTheBatch) {
  const auto plan = xnnpack::Plan::make(residual_network());
  const std::int64_t most = 9;
  const Tensor images = random_tensor({most, 3, 32, 32}, 5);
  const std::size_t pixels = 3 * 32 * 32;
  for (const std::size_t threads : {1, 2}) {
    ThreadPool pool(threads);
    xnnpack::Session session(plan, pool);
    const std::vector<Tensor> all = session.run(std::vector<Tensor>{images});
    for (const std::int64_t batch : {1, 2, 3, 4, 7, 8}) {
      for (std::int64_t first = 0; first + batch <= most; ++first) {
        SCOPED_TRACE(::testing::Message() << batch << " images from " << first << ", " << threads << " threads");
        const Tensor part = Tensor::from(
            Shape{batch, 3, 32, 32},
            images.data<float>().subspan(static_cast<std::size_t>(first) * pixels, static_cast<std::size_t>(batch) * pixels));
        const std::vector<Tensor> results = session.run(std::vector<Tensor>{part});
        for (std::size_t output = 0; output < 2; ++output) {
          const auto expected =
              all[output].data<float>().subspan(static_cast<std::size_t>(first) * 10, static_cast<std::size_t>(batch) * 10);
          ASSERT_EQ(std::memcmp(results[output].bytes().data(), expected.data(), expected.size_bytes()), 0);
        }
      }
    }
  }
}

// More threads than there are cores, and more than some layers have work for.
TEST(Session, ManyThreadsGiveTheSameBits) {
  const auto plan = xnnpack::Plan::make(residual_network());
  const std::vector<Tensor> images = {random_tensor({2, 3, 32, 32}, 5)};
  ThreadPool one(1);
  const std::vector<Tensor> expected = xnnpack::Session(plan, one).run(images);
  for (const std::size_t threads : {4, 16, 64}) {
    ThreadPool pool(threads);
    EXPECT_EQ(xnnpack::Session(plan, pool).run(images), expected) << threads << " threads";
  }
}

TEST(Session, UsesOneThreadWhereLoopsAreShortAndItIsLeftTheChoice) {
  const auto plan = xnnpack::Plan::make(residual_network());
  ThreadPool pool(2);
  xnnpack::Session always(plan, pool), chooses(plan, pool, xnnpack::Sharing::where_it_pays);
  const Tensor one = random_tensor({1, 3, 32, 32}, 5), many = random_tensor({64, 3, 32, 32}, 5);
  for (const Tensor& images : {one, many, one}) {
    const std::vector<Tensor> inputs = {images};
    EXPECT_EQ(chooses.run(inputs), always.run(inputs));
    EXPECT_EQ(always.threads(), 2u);
    EXPECT_EQ(chooses.threads(), images.shape()[0] == 1 ? 1u : 2u);
  }
}

TEST(Session, TwoSessionsShareAPlanOnTwoThreads) {
  const auto plan = xnnpack::Plan::make(residual_network());
  std::vector<Tensor> inputs, expected;
  for (unsigned i = 0; i < 2; ++i) inputs.push_back(random_tensor({static_cast<std::int64_t>(i) + 2, 3, 32, 32}, 60 + i));
  {
    ThreadPool pool(1);
    xnnpack::Session session(plan, pool);
    for (const Tensor& input : inputs) expected.push_back(session.run(std::span(&input, 1))[0]);
  }
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < 2; ++i) {
    threads.emplace_back([&, i] {
      ThreadPool pool(1);
      for (int round = 0; round < 5; ++round) {
        xnnpack::Session session(plan, pool);  // made while the other one runs
        for (int run = 0; run < 5; ++run) {
          if (!(session.run(std::span(&inputs[i], 1))[0] == expected[i])) ++wrong;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

// Filled in place, run again and again: inputs keep their contents, and nothing is allocated.
TEST(Session, RunAllocatesNothingAndLeavesItsInputs) {
  const auto plan = xnnpack::Plan::make(residual_network());
  const Tensor image = random_tensor({2, 3, 32, 32}, 5);
  for (const std::size_t threads : {1, 2}) {
    ThreadPool pool(threads);
    xnnpack::Session session(plan, pool);
    const Tensor expected = session.run(std::span(&image, 1))[0];
    const std::vector<std::byte> before(session.input(0).begin(), session.input(0).end());
    session.run();
#ifdef RESNET_SANITIZED
    for (int i = 0; i < 10; ++i) session.run();
#else
    const std::size_t count = allocations;
    for (int i = 0; i < 10; ++i) session.run();
    EXPECT_EQ(allocations, count);
#endif
    EXPECT_TRUE(std::equal(before.begin(), before.end(), session.input(0).begin(), session.input(0).end()));
    EXPECT_EQ(session.output(0), expected);
  }
}

TEST(Session, ASecondSessionPacksNothing) {
  const auto plan = xnnpack::Plan::make(residual_network());
  const std::size_t bytes = plan->weight_bytes();
  EXPECT_GT(bytes, 0u);
  ThreadPool pool(1);
  const std::vector<Tensor> image = {random_tensor({1, 3, 32, 32}, 5)};
  xnnpack::Session first(plan, pool), second(plan, pool);
  EXPECT_EQ(first.run(image)[0], second.run(image)[0]);
  EXPECT_EQ(plan->weight_bytes(), bytes);
}

TEST(Session, ImagesAreFilledAsNhwc) {
  const auto plan = xnnpack::Plan::make(residual_network());
  const Tensor image = random_tensor({2, 3, 32, 32}, 5);
  ThreadPool pool(1);
  xnnpack::Session session(plan, pool);
  const Tensor expected = session.run(std::span(&image, 1))[0];
  session.reshape(std::vector<Shape>{{2, 3, 32, 32}});
  ASSERT_EQ(session.input_layout(0), xnnpack::Layout::nhwc);
  auto* buffer = reinterpret_cast<float*>(session.input(0).data());
  for (std::size_t n = 0; n < 2; ++n)
    for (std::size_t c = 0; c < 3; ++c)
      for (std::size_t p = 0; p < 32 * 32; ++p)
        buffer[(n * 32 * 32 + p) * 3 + c] = image.data<float>()[(n * 3 + c) * 32 * 32 + p];
  session.run();
  EXPECT_EQ(session.output(0), expected);
}

TEST(Session, StepsRunAloneGiveTheSame) {
  const auto plan = xnnpack::Plan::make(residual_network());
  const Tensor image = random_tensor({1, 3, 32, 32}, 5);
  ThreadPool pool(1);
  xnnpack::Session session(plan, pool);
  const Tensor expected = session.run(std::span(&image, 1))[0];
  for (std::size_t i = 0; i < session.step_count(); ++i) {
    EXPECT_FALSE(session.step_info(i).kind.empty());
    session.run_step(i);
  }
  EXPECT_EQ(session.output(0), expected);
}

TEST(Session, ValuesOfInputsMayDecideShapes) {
  Graph graph;
  const ValueId x = graph.add_input("x", float_fact({2, 3, 4}));
  const ValueId shape = graph.add_input("shape", Fact::of(DType::int64, {2}));
  graph.set_outputs({graph.append(Reshape{}, {x, shape}, "reshape", {"y"})});
  const Tensor data = random_tensor({2, 3, 4}, 1);
  ThreadPool pool(1);
  xnnpack::Session session(xnnpack::Plan::make(graph), pool);
  EXPECT_EQ(session.run(std::vector<Tensor>{data, integers({6, 4})})[0], data.reshaped({6, 4}));
  EXPECT_EQ(session.run(std::vector<Tensor>{data, integers({-1, 12})})[0], data.reshaped({2, 12}));
}

// The weights were packed and released when the plan was made; binding the shape must not read them again.
TEST(Session, ValuesOfInputsMayDecideShapesBehindAConvolution) {
  Graph graph;
  const ValueId x = graph.add_input("x", float_fact({1, 4, 8, 8}));
  const ValueId shape = graph.add_input("shape", Fact::of(DType::int64, {2}));
  const ValueId c = graph.append(Conv{}, {x, graph.add_constant("w", random_tensor({8, 4, 3, 3}, 2))}, "conv");
  graph.set_outputs({graph.append(Reshape{}, {c, shape}, "reshape", {"y"})});
  expect_as_reference(graph, {random_tensor({1, 4, 8, 8}, 1), integers({1, -1})});
}

// Not by plans of plans: a shape that nothing computes beforehand is refused.
TEST(Session, RefusesAShapeThatStaysUnknown) {
  Graph graph;
  const ValueId k = graph.add_input("k", Fact::of(DType::int64, {}));
  // A dropout that drops something is computed by nobody.
  const ValueId number = graph.append(Cast{.to = DType::float32}, {k}, "number");
  const ValueId training = graph.add_constant("training", Tensor::from<bool>(Shape{}, {true}));
  const ValueId dropped = graph.append(Dropout{}, {number, ValueId::none(), training}, "dropped");
  const ValueId end = graph.append(Cast{.to = DType::int64}, {dropped}, "end");
  const ValueId one = graph.add_constant("one", Tensor::scalar(std::int64_t{1}));
  const ValueId shape = graph.append(Range{}, {one, end, one}, "shape");
  graph.set_outputs({graph.append(Reshape{}, {graph.add_constant("x", random_tensor({1}, 1)), shape}, "y")});
  ThreadPool pool(1);
  try {
    xnnpack::Session(xnnpack::Plan::make(graph), pool).run(std::vector<Tensor>{Tensor::scalar(std::int64_t{3})});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::unsupported);
    EXPECT_THAT(error.what(), AllOf(HasSubstr("node 'shape' (Range): "), HasSubstr("depends on values")));
  }
}

TEST(Session, MemoryThatThereIsNotIsMissedByTheLargestNode) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {1, 1}));
  const std::int64_t side = std::int64_t{1} << 30;
  const ValueId wide = graph.append(Expand{}, {x, graph.add_constant("size", integers({side, side / 2}))}, "wide");
  graph.set_outputs({graph.append(ReduceMax{}, {wide}, "most")});
  ThreadPool pool(1);
  try {
    xnnpack::Session(xnnpack::Plan::make(graph), pool).run(std::vector<Tensor>{random_tensor({1, 1}, 1)});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::exhausted);
    EXPECT_THAT(error.what(), AllOf(HasSubstr("node 'wide' (Expand): "), HasSubstr("bytes do not fit into memory")));
  }
}

TEST(Session, ManyInputsAreEachFilledAsTheirFirstReaderWants) {
  Graph graph;
  std::vector<ValueId> sums;
  std::vector<Tensor> values;
  constexpr unsigned count = 5000;
  for (unsigned i = 0; i < count; ++i) {
    const ValueId x = graph.add_input("x" + std::to_string(i), Fact::of(DType::float32, {2}));
    sums.push_back(graph.append(Exp{}, {x}, "y" + std::to_string(i)));
    values.push_back(random_tensor({2}, i));
  }
  graph.set_outputs(sums);
  ThreadPool pool(1);
  const auto start = std::chrono::steady_clock::now();
  const auto plan = xnnpack::Plan::make(graph, {.optimize = false});
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  const std::vector<Tensor> results = xnnpack::Session(plan, pool).run(values);
  expect_close(results.back(), reference::evaluate(graph, values).back(), 1e-5);
}

TEST(Session, RefusesShapesThatDoNotFit) {
  ThreadPool pool(1);
  xnnpack::Session session(xnnpack::Plan::make(residual_network()), pool);
  const auto message = [&](std::vector<Shape> shapes) -> std::string {
    try {
      session.reshape(shapes);
    } catch (const Error& error) {
      EXPECT_EQ(error.role(), Role::input);
      return error.what();
    }
    return "nothing was thrown";
  };
  EXPECT_THAT(message({{1, 4, 32, 32}}), AllOf(HasSubstr("'image'"), HasSubstr("1x4x32x32"), HasSubstr("batchx3x32x32")));
  EXPECT_THAT(message({{1, 3, 32}}), HasSubstr("1x3x32"));
  EXPECT_THAT(message({}), HasSubstr("0 inputs, expected 1"));
  const std::vector<Tensor> image = {random_tensor({1, 3, 32, 32}, 5)};
  expect_close(session.run(image)[0], reference::evaluate(residual_network(), image)[0], 1e-4);  // it is still of use
}

// One symbol is one number: steps are chosen because these dims are equal.
TEST(Session, RefusesOneSymbolWithTwoSizes) {
  Graph graph;
  const ValueId a = graph.add_input("a", Fact::of(DType::float32, {Dim::symbol("n"), 2}));
  const ValueId b = graph.add_input("b", Fact::of(DType::float32, {Dim::symbol("n"), 2}));
  graph.set_outputs({graph.append(Add{}, {a, b}, "add", {"y"})});
  ThreadPool pool(1);
  xnnpack::Session session(xnnpack::Plan::make(graph), pool);
  const auto message = [](xnnpack::Session& of, const std::vector<Shape>& shapes) -> std::string {
    try {
      of.reshape(shapes);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(message(session, {{4, 2}, {1, 2}}), "input 'b' is given 1x2, expected nx2, where n is 4 in input 'a'");
  Graph square;
  square.set_outputs({square.append(
      Relu{}, {square.add_input("a", Fact::of(DType::float32, {Dim::symbol("n"), Dim::symbol("n")}))}, "relu", {"y"})});
  xnnpack::Session one(xnnpack::Plan::make(square), pool);
  EXPECT_EQ(message(one, {{4, 5}}), "input 'a' is given 4x5, expected nxn, where n is one number, not 4 and 5");
}

// XNNPACK's sum in one float stays at 2^24.
TEST(Session, AWindowOfMillionsOfElements) {
#ifdef RESNET_SANITIZED
  GTEST_SKIP() << "too slow under sanitizers";
#endif
  Graph graph;
  const ValueId x = graph.add_input("x", float_fact({1, 1, 5000, 5000}));
  graph.set_outputs(
      {graph.append(AveragePool{.dilations = {}, .kernel_shape = {5000, 5000}, .pads = {}, .strides = {}}, {x}, "pool", {"y"})});
  Tensor image = Tensor::allocate(DType::float32, Shape{1, 1, 5000, 5000});
  for (float& value : image.mutable_data<float>()) value = 0.1f;
  ThreadPool pool(1);
  xnnpack::Session session(xnnpack::Plan::make(graph), pool);
  EXPECT_NEAR(session.run(std::vector<Tensor>{image})[0].data<float>()[0], 0.1f, 1e-6f);
}

TEST(Plan, ListsEverythingThatCannotRun) {
  Graph graph;
  const ValueId x = graph.add_input("x", float_fact({1, 3}));
  const ValueId a = graph.append(Opaque{.domain = "com.example", .type = "Foo", .attributes = {}}, {x}, "first");
  const ValueId b = graph.append(Relu{}, {a}, "relu");
  graph.set_outputs({graph.append(Opaque{.domain = "", .type = "Bar", .attributes = {}}, {b}, "second", {"y"})});
  try {
    xnnpack::Plan::make(graph);
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::unsupported);
    EXPECT_THAT(error.what(), AllOf(HasSubstr("cannot run 2 of 3 nodes"), HasSubstr("node 'first' (com.example.Foo)"),
                                    HasSubstr("node 'second' (Bar)")));
  }
}

TEST(Plan, WithoutOptimizationTheSame) {
  const std::vector<Tensor> image = {random_tensor({2, 3, 32, 32}, 5)};
  ThreadPool pool(1);
  xnnpack::Session plain(xnnpack::Plan::make(residual_network(), {.optimize = false}), pool);
  expect_close(plain.run(image)[0], reference::evaluate(residual_network(), image)[0], 1e-4);
}

TEST(Plan, AWeightThatTwoConvolutionsShare) {
  Graph graph;
  const ValueId x = graph.add_input("x", float_fact({1, 4, 6, 6})), w = graph.add_constant("w", random_tensor({4, 4, 1, 1}, 2));
  const ValueId a = graph.append(Conv{}, {x, w}, "a");
  graph.set_outputs({graph.append(Conv{}, {a, w}, "b", {"y"}), w});
  expect_as_reference(graph, {random_tensor({1, 4, 6, 6}, 1)});
}

// A file may hold any 64-bit number: XNNPACK's are 32-bit, and a cut one would write past the output.
TEST(Plan, AttributesThatDoNotFitXnnpack) {
  const std::int64_t huge = (std::int64_t{1} << 32) + 1;
  Graph graph;
  const ValueId x = graph.add_input("x", float_fact({1, 4, 64, 64}));
  graph.set_outputs({graph.append(Conv{.dilations = {}, .kernel_shape = {}, .pads = {}, .strides = {huge, huge}},
                                  {x, graph.add_constant("w", random_tensor({8, 4, 1, 1}, 2))}, "conv", {"y"})});
  expect_as_reference(graph, {random_tensor({1, 4, 64, 64}, 1)});
}

}  // namespace
}  // namespace resnet
