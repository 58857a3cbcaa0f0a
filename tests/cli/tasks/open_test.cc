// A name looked up once: what is hashed is what is read.
#include <filesystem>

#include "cli/tasks/open/model.h"
#include "cli/tasks/open/source.h"
#include "tests/cli/tasks/fixture.h"

namespace resnet::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class OpenTaskTest : public TaskTest {
 protected:
  // The classes that a model of means has.
  static std::string classes_of(const Model& model) { return to_string(model.graph.fact(model.graph.outputs()[0]).dims.value()); }
  void replace(const std::string& name, const std::string& bytes) {
    write("other", bytes);
    fs::rename(path("other"), path(name));
  }
  const std::string two_classes = onnx_file(mean_classifier(4, {{1, 0, 0}, {0, 1, 0}}, {0, 0}));
  ThreadPool pool{2};
};

TEST_F(OpenTaskTest, AFileThatIsReplacedIsTheOneThatWasOpened) {
  cli::Source source(path("rgb.onnx"));
  const std::string digest = source.digest(pool);
  replace("rgb.onnx", two_classes);
  EXPECT_EQ(source.digest(pool), digest);
  EXPECT_FALSE(source.has_changed());
  EXPECT_EQ(classes_of(cli::read_model_file(source, {}, heard)), "Nx3");
  cli::Source now(path("rgb.onnx"));
  EXPECT_NE(now.digest(pool), digest);
  EXPECT_EQ(classes_of(cli::read_model_file(now, {}, heard)), "Nx2");
}

TEST_F(OpenTaskTest, AFileThatIsWrittenToHasChanged) {
  cli::Source source(path("rgb.onnx"));
  EXPECT_FALSE(source.has_changed());
  write("rgb.onnx", two_classes);
  EXPECT_TRUE(source.has_changed());
}

TEST_F(OpenTaskTest, WhatANameStandsFor) {
  cli::Source file(path("rgb.onnx")), folder(path("")), built_in("resnet20-cifar10"), architecture("resnet18");
  EXPECT_TRUE(file.is_file() && file.is_there());
  EXPECT_FALSE(file.is_native() || file.is_built_in());
  EXPECT_TRUE(folder.is_there());
  EXPECT_FALSE(folder.is_file());
  EXPECT_TRUE(built_in.is_built_in());
  EXPECT_FALSE(built_in.digest(pool).empty());
  EXPECT_FALSE(architecture.is_there() || architecture.is_built_in());
  EXPECT_TRUE(cli::load_model(architecture, {}, heard).spec);
  EXPECT_THAT(heard.warnings, testing::ElementsAre(HasSubstr("untrained")));
}

TEST_F(OpenTaskTest, WhatIsNotAModelIsNamed) {
  const auto refusal = [this](const std::string& name) { return error_of([&] { cli::load_model(name, {}, heard); }).second; };
  EXPECT_THAT(refusal(path("nowhere.onnx")), HasSubstr("nowhere.onnx: cannot be opened: No such file"));
  EXPECT_THAT(refusal(path("")), HasSubstr("is a folder"));
  EXPECT_THAT(refusal(picture("a.onnx", {1, 2, 3})), HasSubstr("a.onnx: is a PNG"));
  EXPECT_THAT(refusal(write("b.resnet", "text")), HasSubstr("b.resnet: "));
  EXPECT_THAT(refusal("renset18"), HasSubstr("did you mean 'resnet18'?"));
}

}  // namespace
}  // namespace resnet::test
