// Interrupted after any answer, and cut at any byte: resumed, the answers are those of one run.
#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/cli/tasks/fixture.h"

namespace resnet::test {
namespace {

using testing::HasSubstr;

class ResumeTaskTest : public TaskTest {
 protected:
  ResumeTaskTest() {
    for (int i = 0; i < 6; ++i)
      images_.push_back(picture(std::to_string(i) + ".png", {static_cast<std::uint8_t>(40 * i), 100, 7}));
    images_.insert(images_.begin() + 2, write("two.npy", npy({2, 3, 4, 4}, std::vector<float>(96, 1.0f))));
    images_.insert(images_.begin() + 4, write("broken.png", "no picture"));
    predict(request(images_), context());
    whole_ = written[""].bytes;
  }
  cli::PredictRequest resumed() const {
    cli::PredictRequest asked = request(images_);
    asked.resume = path("answers.jsonl");
    return asked;
  }
  std::string answers() const { return content(path("answers.jsonl")); }
  std::string job() const { return content(path("answers.jsonl.job")); }

  std::vector<std::string> images_;
  std::string whole_;
};

TEST_F(ResumeTaskTest, GrowsToTheSameBytes) {
  EXPECT_EQ(std::count(whole_.begin(), whole_.end(), '\n'), 9);
  const cli::PredictResult result = predict(resumed(), context());
  EXPECT_EQ(result.inputs, 8u);
  EXPECT_EQ(result.failed, 1u);
  EXPECT_EQ(answers(), whole_);
  EXPECT_THAT(job(), HasSubstr("\"complete_bytes\":" + std::to_string(whole_.size())));
  // Once more there is nothing to do.
  EXPECT_EQ(predict(resumed(), context()).failed, 1u);
  EXPECT_EQ(answers(), whole_);
}

TEST_F(ResumeTaskTest, StoppedAfterAnAnswer) {
  heard.on_error = [this] { stop = true; };
  EXPECT_EQ(error_of([&] { predict(resumed(), context()); }).first, Fault::interrupted);
  const std::string begun = answers();
  EXPECT_LT(begun.size(), whole_.size());
  EXPECT_EQ(begun, whole_.substr(0, begun.size()));
  EXPECT_THAT(begun, HasSubstr("broken.png"));
  stop = false;
  EXPECT_EQ(predict(resumed(), context()).failed, 1u);
  EXPECT_EQ(answers(), whole_);
}

TEST_F(ResumeTaskTest, CutAtAnyByte) {
  heard.on_error = [this] { stop = true; };
  EXPECT_EQ(error_of([&] { predict(resumed(), context()); }).first, Fault::interrupted);
  const std::string record = job();
  stop = false;
  heard.on_error = nullptr;
  std::vector<std::size_t> sizes;
  for (std::size_t size = 0; size < whole_.size(); size += 97) sizes.push_back(size);
  for (std::size_t end = whole_.find('\n'); end != whole_.npos; end = whole_.find('\n', end + 1)) sizes.push_back(end + 1);
  for (const std::size_t size : sizes) {
    write("answers.jsonl", whole_.substr(0, size));
    write("answers.jsonl.job", record);
    EXPECT_EQ(predict(resumed(), context()).failed, 1u) << size;
    EXPECT_EQ(answers(), whole_) << size;
  }
}

TEST_F(ResumeTaskTest, AnswersOfSomethingElseAreLeftAsTheyAre) {
  heard.on_error = [this] { stop = true; };
  EXPECT_EQ(error_of([&] { predict(resumed(), context()); }).first, Fault::interrupted);
  stop = false;
  const std::string begun = answers();
  cli::PredictRequest other = resumed();
  other.top_k = 1;
  auto [kind, text] = error_of([&] { predict(other, context()); });
  EXPECT_EQ(kind, Fault::invalid);
  EXPECT_THAT(text, HasSubstr("top-k 5"));
  std::swap(other.images[0], other.images[1]);
  other.top_k = 5;
  std::tie(kind, text) = error_of([&] { predict(other, context()); });
  EXPECT_THAT(text, HasSubstr("line 1: is the answer of"));
  std::filesystem::remove(path("answers.jsonl.job"));
  std::tie(kind, text) = error_of([&] { predict(resumed(), context()); });
  EXPECT_THAT(text, HasSubstr("they cannot be resumed"));
  write("answers.jsonl", "dear diary\n");
  std::tie(kind, text) = error_of([&] { predict(resumed(), context()); });
  EXPECT_THAT(text, HasSubstr("answers.jsonl: line 1: "));
  EXPECT_EQ(answers(), "dear diary\n");
}

}  // namespace
}  // namespace resnet::test
