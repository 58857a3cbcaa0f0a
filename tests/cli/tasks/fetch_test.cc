#include "cli/tasks/fetch/fetch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>

#include "cli/tasks/fetch/resolve.h"
#include "formats/hub/cache.h"
#include "tests/cli/tasks/fixture.h"
#include "tests/support/http_server.h"
#include "tests/support/observe.h"
#include "tests/support/temporary_folder.h"

namespace resnet::cli {
namespace {

namespace fs = std::filesystem;
using test::FakeHub;
using test::HttpQuestion;
using test::HttpReply;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string name = "timm/resnet18.a1_in1k";
using Files = std::map<std::string, std::string>;
const std::string weights(300'000, 'w');

Files files() { return {{name + "/config.json", R"({"architecture": "resnet18"})"}, {name + "/model.safetensors", weights}}; }

bool at_store(const HttpQuestion& question) { return question.path.find("/resolve/") == std::string::npos; }

class FetchTest : public testing::Test {
 protected:
  FetchTest() {
    for (const char* proxy : {"http_proxy", "all_proxy", "ALL_PROXY"}) unsetenv(proxy);
  }
  FetchRequest request(const std::string& address, const std::string& text = name) const {
    FetchRequest asked;
    asked.name = hub::parse_name(text).value();
    asked.settings.folders = {folder_.path() / "hub", folder_.path() / "torch", folder_.path()};
    asked.settings.endpoint = address;
    asked.settings.torch_endpoint = address;
    asked.settings.patience = {.retries = 2, .wait = std::chrono::milliseconds(1), .longest_wait = std::chrono::milliseconds(5)};
    asked.settings.http.silence = std::chrono::milliseconds(1000);
    return asked;
  }
  // The one line of what goes wrong.
  std::pair<Fault, std::string> fails(const FetchRequest& asked) {
    const auto result = test::error_of([&] { fetch(asked, heard_); });
    EXPECT_EQ(std::count_if(result.second.begin(), result.second.end(), [](unsigned char c) { return c < ' '; }), 0);
    return result;
  }
  std::string blob_folder() const { return folder_.path() / "hub/models--timm--resnet18.a1_in1k/blobs"; }
  const fs::path& folder() const { return folder_.path(); }

  test::Heard heard_;

 private:
  test::TemporaryFolder folder_;
};

TEST_F(FetchTest, OnceAndThenFromTheCache) {
  const FakeHub hub(files());
  const Fetched first = fetch(request(hub.address()), heard_);
  EXPECT_TRUE(first.has_come);
  EXPECT_EQ(test::content(first.path / "model.safetensors"), weights);
  EXPECT_THAT(heard_.notes, testing::ElementsAre(HasSubstr("licence apache-2.0")));
  const std::size_t asked = hub.asked_hub().size();
  const Fetched second = fetch(request(hub.address()), heard_);
  EXPECT_FALSE(second.has_come);
  EXPECT_EQ(second.path, first.path);
  EXPECT_EQ(hub.asked_hub().size(), asked);
  EXPECT_EQ(heard_.notes.size(), 1U);
  EXPECT_EQ(test::names_in(blob_folder()).size(), 2U);
  FetchRequest offline = request("http://127.0.0.1:1");
  offline.settings.offline = true;
  EXPECT_EQ(fetch(offline, heard_).path, first.path);
}

TEST_F(FetchTest, AFileOfARepository) {
  const FakeHub hub(Files{{"Xenova/resnet-50/onnx/model.onnx", "onnx"}});
  const Fetched fetched = fetch(request(hub.address(), "hf:Xenova/resnet-50:onnx/model.onnx"), heard_);
  EXPECT_EQ(test::content(fetched.path), "onnx");
  EXPECT_TRUE(fetched.path.string().ends_with("onnx/model.onnx"));
  EXPECT_THAT(fails(request(hub.address(), "hf:Xenova/resnet-50:b.onnx")).second, HasSubstr("has no file 'b.onnx'"));
}

TEST_F(FetchTest, ShardsAreThoseOfTheIndex) {
  const std::string index = R"({"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}})";
  const FakeHub hub(Files{{"o/n/config.json", R"({"model_type": "resnet"})"},
                          {"o/n/preprocessor_config.json", "{}"},
                          {"o/n/model.safetensors.index.json", index},
                          {"o/n/model-1.safetensors", "1"},
                          {"o/n/model-2.safetensors", "2"}});
  const Fetched fetched = fetch(request(hub.address(), "hf:o/n"), heard_);
  EXPECT_EQ(test::names_in(fetched.path).size(), 5U);
  const FakeHub hostile(
      Files{{"o/m/config.json", "{}"}, {"o/m/model.safetensors.index.json", R"({"weight_map": {"a": "../x"}})"}});
  EXPECT_THAT(fails(request(hostile.address(), "hf:o/m")).second, HasSubstr("weight_map does not name files of the same folder"));
}

TEST_F(FetchTest, ACutTransferIsResumed) {
  bool cut = false;
  const FakeHub hub(files(), [&](const HttpQuestion& question, HttpReply& reply) {
    if (at_store(question) && !std::exchange(cut, true)) reply.cut_after = 100'000;
  });
  EXPECT_EQ(test::content(fetch(request(hub.address()), heard_).path / "model.safetensors"), weights);
  EXPECT_EQ(hub.asked_store().size(), 2U);
}

TEST_F(FetchTest, AnInterruptedOneIsResumedByTheNext) {
  std::vector<std::string> ranges;
  bool dead = true;
  const FakeHub hub(files(), [&](const HttpQuestion& question, HttpReply& reply) {
    if (!at_store(question)) return;
    if (question.headers.contains("range")) ranges.push_back(question.headers.at("range"));
    if (!std::exchange(dead, false)) return;
    reply.cut_after = 100'000;
  });
  FetchRequest impatient = request(hub.address());
  impatient.settings.patience.retries = -1;
  EXPECT_THAT(fails(impatient).second, HasSubstr("closes the connection before the end"));
  fetch(request(hub.address()), heard_);
  EXPECT_THAT(ranges, testing::ElementsAre("bytes=100000-"));
}

TEST_F(FetchTest, WhatIsWrongIsNotKept) {
  const FakeHub hub(files(), [](const HttpQuestion& question, HttpReply& reply) {
    if (at_store(question)) reply.body.back() ^= 1;
  });
  const auto [fault, line] = fails(request(hub.address()));
  EXPECT_EQ(fault, Fault::malformed);
  EXPECT_THAT(line, HasSubstr("another checksum"));
  EXPECT_EQ(test::names_in(blob_folder()).size(), 1U);  // config.json's
}

TEST_F(FetchTest, AWrongPartIsFetchedAgain) {
  const FakeHub hub(files());
  fetch(request(hub.address()), heard_);
  fs::path blob;
  for (const std::string& file : test::names_in(blob_folder())) {
    if (file.size() == 64) blob = fs::path(blob_folder()) / file;
  }
  fs::remove(blob);
  std::ofstream(blob.string() + ".incomplete") << "not the beginning";
  EXPECT_EQ(test::content(fetch(request(hub.address()), heard_).path / "model.safetensors"), weights);
}

TEST_F(FetchTest, TheTokenStaysWithTheHub) {
  std::vector<std::string> tokens;
  const FakeHub hub(files(), [&](const HttpQuestion& question, HttpReply&) {
    if (question.headers.contains("authorization")) tokens.push_back(question.headers.at("authorization"));
  });
  FetchRequest asked = request(hub.address());
  asked.settings.token = "hf_abc";
  fetch(asked, heard_);  // the store refuses who shows it a token
  EXPECT_THAT(tokens, testing::Each("Bearer hf_abc"));
  EXPECT_EQ(tokens.size(), 3U);
}

struct Case {
  const char* about;
  std::function<void(const HttpQuestion&, HttpReply&)> change;
  const char* line;
};

TEST_F(FetchTest, EveryRefusalIsOneLine) {
  const Case cases[] = {
      {"gated",
       [](const HttpQuestion&, HttpReply& r) {
         r = {.status = 401, .headers = {{"X-Error-Code", "GatedRepo"}}};
       },
       "is gated: accept its terms at"},
      {"token",
       [](const HttpQuestion&, HttpReply& r) {
         r = {.status = 401, .headers = {{"X-Error-Message", "Invalid credentials in Authorization header"}}};
       },
       "does not know the token"},
      {"missing", [](const HttpQuestion&, HttpReply& r) { r = {.status = 404}; }, "there is no repository"},
      {"revision",
       [](const HttpQuestion&, HttpReply& r) {
         r = {.status = 404, .headers = {{"X-Error-Code", "RevisionNotFound"}}};
       },
       "has no revision 'main'"},
      {"words",
       [](const HttpQuestion&, HttpReply& r) {
         r = {.status = 403, .headers = {{"X-Error-Message", "a\x1b[31mb"}}};
       },
       "a\\x1b[31mb"},
      {"page", [](const HttpQuestion&, HttpReply& r) { r = {.body = "<html>"}; }, "does not answer as the hub does"},
      {"busy", [](const HttpQuestion&, HttpReply& r) { r = {.status = 429}; }, "too many requests"},
      {"down", [](const HttpQuestion&, HttpReply& r) { r = {.status = 503}; }, "out of order"},
      {"proxy", [](const HttpQuestion&, HttpReply& r) { r = {.status = 407}; }, "the proxy"},
      {"loop",
       [](const HttpQuestion& q, HttpReply& r) {
         r = {.status = 307, .headers = {{"Location", q.path}}};
       },
       "redirects without end"},
      {"elsewhere",
       [](const HttpQuestion&, HttpReply& r) {
         r = {.status = 302,
              .headers = {{"X-Repo-Commit", FakeHub::commit}, {"ETag", "abc"}, {"Location", "file:///etc/passwd"}}};
       },
       "which is not followed"},
      {"etag",
       [](const HttpQuestion&, HttpReply& r) {
         r = {.headers = {{"X-Repo-Commit", FakeHub::commit}, {"ETag", "\"../../x\""}}};
       },
       "does not say which bytes"},
      {"headers", [](const HttpQuestion&, HttpReply& r) { r.endless_headers = true; }, "headers without end"},
      {"no end",
       [](const HttpQuestion& q, HttpReply& r) {
         if (at_store(q)) {
           r.length = false;
           r.endless_body = true;
         }
       },
       "sends more than the 300000 bytes"},
      {"short",
       [](const HttpQuestion& q, HttpReply& r) {
         if (at_store(q)) r.body.resize(1000);
       },
       "ends the file after 1000 of 300000 bytes"},
      {"huge",
       [](const HttpQuestion& q, HttpReply& r) {
         if (q.path.ends_with(".safetensors") && !at_store(q)) r.headers[2].second = "99999999999999";
       },
       "expected at most"},
      {"denied",
       [](const HttpQuestion& q, HttpReply& r) {
         if (at_store(q)) r = {.status = 403};
       },
       "answers 403"},
      {"silent", [](const HttpQuestion& q, HttpReply& r) { r.silent = at_store(q); }, "has not sent anything for long"},
  };
  for (const Case& one : cases) {
    const FakeHub hub(files(), one.change);
    FetchRequest asked = request(hub.address());
    asked.settings.patience.retries = 0;
    asked.settings.folders.hub /= one.about;
    const auto [fault, line] = fails(asked);
    EXPECT_THAT(line, testing::AllOf(HasSubstr(one.line), testing::StartsWith(name), testing::Not(HasSubstr("\x1b"))))
        << one.about;
    EXPECT_TRUE(fault == Fault::unreadable || fault == Fault::malformed) << one.about;
  }
}

TEST_F(FetchTest, WithoutANetwork) {
  EXPECT_THAT(fails(request("http://127.0.0.1:1")).second, HasSubstr("no network: http://127.0.0.1:1 cannot be connected to"));
  EXPECT_THAT(fails(request("http://no-such-host.invalid")).second, HasSubstr("no network: the address of"));
  FetchRequest offline = request("http://127.0.0.1:1");
  offline.settings.offline = true;
  EXPECT_THAT(fails(offline).second, HasSubstr("nothing is fetched offline"));
}

TEST_F(FetchTest, NearestNames) {
  const FakeHub hub(files());
  EXPECT_THAT(fails(request(hub.address(), "timm/renset18.a1_in1k")).second, HasSubstr("did you mean timm/resnet18.a1_in1k?"));
}

TEST_F(FetchTest, AStopLeavesThePart) {
  std::atomic<bool> flag = false;
  const FakeHub hub(files(), [&](const HttpQuestion& question, HttpReply& reply) {
    if (!at_store(question)) return;
    reply.cut_after = 100'000;
    flag = true;
  });
  const auto [fault, line] = test::error_of([&] { fetch(request(hub.address()), heard_, Stop(flag)); });
  EXPECT_EQ(fault, Fault::interrupted);
  flag = false;
  const FakeHub honest(files());
  EXPECT_EQ(test::content(fetch(request(honest.address()), heard_).path / "model.safetensors"), weights);
}

TEST_F(FetchTest, TorchvisionsFileIsCheckedByItsName) {
  const test::HttpServer server([](const HttpQuestion&) { return HttpReply{.body = "not the weights"}; });
  const auto [fault, line] = fails(request(server.address(), "torchvision/resnet18"));
  EXPECT_EQ(fault, Fault::malformed);
  EXPECT_THAT(line, HasSubstr("in place of f37072fd"));
  EXPECT_THAT(server.asked(), testing::Each("GET /resnet18-f37072fd.pth"));
  EXPECT_FALSE(fs::exists(folder() / "torch/resnet18-f37072fd.pth"));
  std::ofstream(folder() / "torch/resnet18-5c106cde.pth") << "V1 as it was before";
  EXPECT_EQ(fetch(request(server.address(), "torchvision/resnet18"), heard_).path, folder() / "torch/resnet18-5c106cde.pth");
  EXPECT_THAT(fails(request(server.address(), "torchvision/resnet19")).second, HasSubstr("did you mean torchvision/resnet18"));
}

// A file of the architecture that nobody has published stands for its name alone, and never for weights that are named.
TEST_F(FetchTest, SomebodysOwnFileOfTorchvisionsIsForTheBareName) {
  fs::create_directories(folder() / "torch");
  const fs::path own = folder() / "torch/resnet50-0123abcd.pth";
  std::ofstream(own) << "of somebody's own training";
  for (const char* bare : {"torchvision/resnet50", "torchvision/resnet50.DEFAULT"}) {
    FetchRequest asked = request("http://127.0.0.1:1", bare);
    asked.settings.offline = true;
    EXPECT_EQ(fetch(asked, heard_).path, own) << bare;
  }
  for (const char* tagged : {"torchvision/resnet50.IMAGENET1K_V2", "torchvision/resnet50.IMAGENET1K_V1"}) {
    FetchRequest asked = request("http://127.0.0.1:1", tagged);
    asked.settings.offline = true;
    EXPECT_THAT(fails(asked).second, HasSubstr("not wholly, in the cache")) << tagged;
  }
}

TEST_F(FetchTest, OnlyWhatIsMeantAsANameAsksTheNetwork) {
  const FakeHub hub(files());
  const HubSettings settings = request(hub.address()).settings;
  for (const char* path : {"photos/holiday", "model.onnx", "a/b/c", "somebody/else"})
    EXPECT_EQ(find_model(path, settings, false, heard_), path);
  EXPECT_THAT(test::error_of([&] { find_model("timm/something", settings, false, heard_); }).second,
              HasSubstr("'resnet-cli fetch timm/something' asks the hub"));
  EXPECT_THAT(hub.asked_hub(), IsEmpty());
  EXPECT_THAT(find_model(name, settings, false, heard_), HasSubstr("snapshots"));
  EXPECT_EQ(find_model(folder().string(), settings, false, heard_), folder().string());
}

}  // namespace
}  // namespace resnet::cli
