#include "formats/hub/folders.h"

#include <gtest/gtest.h>

#include <map>

namespace resnet::hub {
namespace {

Folders folders(std::map<std::string, std::string> variables) {
  return folders_of([&](const char* name) { return variables[name]; });
}

TEST(Folders, InTheHomeFolder) {
  const Folders found = folders({{"HOME", "/h"}});
  EXPECT_EQ(found.hub, "/h/.cache/huggingface/hub");
  EXPECT_EQ(found.home, "/h/.cache/huggingface");
  EXPECT_EQ(found.torch, "/h/.cache/torch/hub/checkpoints");
}

TEST(Folders, VariablesTakePrecedence) {
  EXPECT_EQ(folders({{"HOME", "/h"}, {"XDG_CACHE_HOME", "/x"}}).hub, "/x/huggingface/hub");
  EXPECT_EQ(folders({{"HOME", "/h"}, {"XDG_CACHE_HOME", "/x"}}).torch, "/x/torch/hub/checkpoints");
  EXPECT_EQ(folders({{"HF_HOME", "/hf"}}).hub, "/hf/hub");
  EXPECT_EQ(folders({{"HF_HOME", "/hf"}, {"HUGGINGFACE_HUB_CACHE", "/old"}}).hub, "/old");
  EXPECT_EQ(folders({{"HF_HOME", "/hf"}, {"HUGGINGFACE_HUB_CACHE", "/old"}, {"HF_HUB_CACHE", "/c"}}).hub, "/c");
  EXPECT_EQ(folders({{"TORCH_HOME", "/t"}}).torch, "/t/hub/checkpoints");
}

TEST(Folders, HomeAndVariablesAreExpanded) {
  EXPECT_EQ(folders({{"HOME", "/h"}, {"HF_HOME", "~/hf"}}).hub, "/h/hf/hub");
  EXPECT_EQ(folders({{"SCRATCH", "/s"}, {"HF_HUB_CACHE", "$SCRATCH/a"}}).hub, "/s/a");
  EXPECT_EQ(folders({{"SCRATCH", "/s"}, {"HF_HUB_CACHE", "${SCRATCH}a"}}).hub, "/sa");
  EXPECT_EQ(folders({{"HF_HUB_CACHE", "/a/$GONE/${GONE}/$"}}).hub, "/a/$GONE/${GONE}/$");
}

TEST(Folders, NothingIsGuessedWithoutAHome) {
  EXPECT_TRUE(folders({}).hub.empty());
  EXPECT_TRUE(folders({}).torch.empty());
}

}  // namespace
}  // namespace resnet::hub
