// How strong layers respond, without a process.
#include "cli/tasks/respond/respond.h"

#include "tests/cli/tasks/fixture.h"

namespace resnet::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class RespondTaskTest : public TaskTest {
 protected:
  static std::vector<double> deviations(const cli::RespondRow& row) {
    std::vector<double> all;
    for (const LayerResponse& response : row.responses) all.push_back(response.deviation);
    return all;
  }
  cli::RespondResult respond(const cli::RespondRequest& asked) { return cli::respond(asked, context()); }
};

TEST_F(RespondTaskTest, NoiseComesFromTheSeedWhateverTheBatch) {
  cli::RespondRequest asked;
  asked.models = {"resnet20-cifar10", "resnet8"};
  asked.random = 5;
  asked.batch_size = 2;
  const cli::RespondResult result = respond(asked);
  ASSERT_THAT(result.rows, SizeIs(2));
  EXPECT_EQ(result.rows[0].model, "resnet20-cifar10");
  EXPECT_THAT(result.rows[0].responses, SizeIs(19));
  EXPECT_THAT(result.rows[1].responses, SizeIs(7));
  EXPECT_EQ(result.rows[0].responses[0].elements, 5 * 16 * 32 * 32);
  EXPECT_EQ(result.failed, 0u);
  EXPECT_EQ(deviations(respond(asked).rows[0]), deviations(result.rows[0]));
  asked.batch_size = 5;
  EXPECT_EQ(deviations(respond(asked).rows[0]).size(), 19u);
  EXPECT_NEAR(respond(asked).rows[0].responses[0].deviation, result.rows[0].responses[0].deviation, 1e-4);
  asked.arch.seed = 7;
  EXPECT_NE(deviations(respond(asked).rows[0]), deviations(result.rows[0]));
}

TEST_F(RespondTaskTest, AnImageThatFailsIsToldAndTheRestAreMeasured) {
  cli::RespondRequest asked;
  asked.models = {"resnet20-cifar10"};
  asked.images = {picture("red.png", {255, 0, 0}), write("broken.png", "no picture"), picture("blue.png", {0, 0, 255})};
  const cli::RespondResult result = respond(asked);
  EXPECT_EQ(result.failed, 1u);
  EXPECT_THAT(heard.errors, ElementsAre(HasSubstr("broken.png: ")));
  EXPECT_EQ(result.rows.at(0).responses.at(0).elements, 2 * 16 * 32 * 32);
  asked.images = {asked.images[1]};
  EXPECT_EQ(error_of([&] { respond(asked); }).first, Fault::unreadable);
}

TEST_F(RespondTaskTest, InputsAreToldBeforeTheyAreRead) {
  cli::RespondRequest asked;
  asked.models = {"resnet20-cifar10"};
  asked.images = {picture("red.png", {255, 0, 0})};
  cli::TaskContext given = context();
  given.before_reading = [](const std::filesystem::path& file) {
    if (file.filename() == "red.png") throw Error(Fault::invalid, "not this one");
  };
  EXPECT_THAT(error_of([&] { cli::respond(asked, given); }).second, HasSubstr("not this one"));
}

TEST_F(RespondTaskTest, StopsWhereItIsAskedTo) {
  cli::RespondRequest asked;
  asked.models = {"resnet20-cifar10"};
  asked.random = 1000;
  cli::TaskContext given = context();
  stop = true;
  EXPECT_EQ(error_of([&] { cli::respond(asked, given); }).first, Fault::interrupted);
}

}  // namespace
}  // namespace resnet::test
