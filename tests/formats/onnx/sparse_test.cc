// Sparse tensors become dense ones while a file is read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <onnx/defs/parser.h>
#include <onnx/onnx_pb.h>

#include "formats/onnx/read.h"
#include "formats/onnx/tensors.h"
#include "lib/base/error.h"
#include "tests/support/observe.h"

namespace resnet::onnx {
namespace {

using test::error_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

::onnx::SparseTensorProto sparse(const std::vector<float>& values, const std::vector<std::int64_t>& places,
                                 const std::vector<std::int64_t>& place_dims, const std::vector<std::int64_t>& dims) {
  ::onnx::SparseTensorProto proto;
  auto& numbers = *proto.mutable_values();
  numbers.set_name("w");
  numbers.set_data_type(::onnx::TensorProto::FLOAT);
  numbers.add_dims(static_cast<std::int64_t>(values.size()));
  for (const float value : values) numbers.add_float_data(value);
  auto& indices = *proto.mutable_indices();
  indices.set_data_type(::onnx::TensorProto::INT64);
  for (const std::int64_t dim : place_dims) indices.add_dims(dim);
  for (const std::int64_t place : places) indices.add_int64_data(place);
  for (const std::int64_t dim : dims) proto.add_dims(dim);
  return proto;
}

std::vector<float> dense(const ::onnx::SparseTensorProto& proto) { return import_sparse(proto, nullptr).values_as<float>(); }

TEST(Sparse, PlacesThroughTheTensorOrByCoordinates) {
  EXPECT_THAT(dense(sparse({5, 6}, {1, 4}, {2}, {2, 3})), ElementsAre(0, 5, 0, 0, 6, 0));
  EXPECT_THAT(dense(sparse({5, 6}, {0, 1, 1, 1}, {2, 2}, {2, 3})), ElementsAre(0, 5, 0, 0, 6, 0));
  EXPECT_THAT(dense(sparse({}, {}, {0}, {2})), ElementsAre(0, 0));
}

TEST(Sparse, WhatCannotBe) {
  EXPECT_THAT(error_of([] {
                import_sparse(sparse({5}, {6}, {1}, {2, 3}), nullptr);
              }),
              Pair(Fault::malformed, HasSubstr("place 0 of a sparse tensor lies outside of 2x3")));
  EXPECT_THAT(error_of([] {
                import_sparse(sparse({5}, {-1}, {1}, {2, 3}), nullptr);
              }),
              Pair(Fault::malformed, HasSubstr("outside")));
  EXPECT_THAT(error_of([] {
                import_sparse(sparse({5}, {1, 3}, {1, 2}, {2, 3}), nullptr);
              }),
              Pair(Fault::malformed, HasSubstr("outside")));
  EXPECT_THAT(error_of([] {
                import_sparse(sparse({5, 6}, {1}, {1}, {2, 3}), nullptr);
              }),
              Pair(Fault::malformed, HasSubstr("2 values at int64 1 places")));
  EXPECT_THAT(error_of([] {
                import_sparse(sparse({5}, {1}, {1}, {1 << 20, 1 << 10}), nullptr);
              }),
              Pair(Fault::unsupported, HasSubstr("cannot be made dense")));
  EXPECT_THAT(error_of([] {
                import_sparse(sparse({5}, {1}, {1}, {1LL << 40, 1 << 10}), nullptr);
              }),
              Pair(Fault::unsupported, HasSubstr("cannot be made dense")));
}

TEST(Sparse, ConstantsBecomeDense) {
  ::onnx::ModelProto proto;
  const char* const text = R"(<ir_version: 8, opset_import: ["": 17]>
      g (float[N,3] x) => (float[N,3] y) { c = Constant() y = Mul(x, c) })";
  ASSERT_TRUE(::onnx::OnnxParser::Parse(proto, text).IsOK());
  auto& attribute = *proto.mutable_graph()->mutable_node(0)->add_attribute();
  attribute.set_name("sparse_value");
  attribute.set_type(::onnx::AttributeProto::SPARSE_TENSOR);
  *attribute.mutable_sparse_tensor() = sparse({2}, {0}, {1}, {3});
  const std::string bytes = proto.SerializeAsString();
  const Model model = read(std::as_bytes(std::span(bytes)), "sparse", {});
  std::vector<std::vector<float>> constants;
  for (const Node& node : model.graph.nodes()) {
    if (const auto* constant = get_if<Constant>(&node.op)) constants.push_back(constant->value.values_as<float>());
  }
  EXPECT_THAT(constants, ElementsAre(ElementsAre(2, 0, 0)));
}

}  // namespace
}  // namespace resnet::onnx
