#include "formats/html/page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace resnet::html {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Page, TextsAreEscaped) {
  EXPECT_EQ(table::escape_markup("<b> & \"c\" 'd'\n"), "&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;\\n");
  Page page("<script>alert(1)</script>");
  page.add_paragraph("a < b");
  EXPECT_THAT(page.render(), HasSubstr("<title>&lt;script&gt;alert(1)&lt;/script&gt;</title>"));
  EXPECT_THAT(page.render(), HasSubstr("<p>a &lt; b</p>"));
}

TEST(Page, NumbersKeepTheirValueBesideTheirText) {
  table::Table table({{"name", table::Align::left, {}}, {"macs", table::Align::right, {}}, {"share", table::Align::right, 1}});
  table.add({std::string("conv1"), std::int64_t{118013952}, 2.889});
  Page page("net");
  page.add_table(table);
  EXPECT_THAT(page.render(), HasSubstr("<th>name</th><th class=\"n\">macs</th>"));
  EXPECT_THAT(page.render(), HasSubstr("<td class=\"n\" data-v=\"118013952\">118\xe2\x80\xaf"
                                       "013\xe2\x80\xaf"
                                       "952</td>"));
  EXPECT_THAT(page.render(), HasSubstr("data-v=\"2.889\">2.9</td>"));
}

TEST(Page, PicturesLoseTheirDeclaration) {
  Page page("net");
  page.add_picture("<?xml version=\"1.0\"?>\n<!DOCTYPE svg>\n<svg><text>x</text></svg>");
  EXPECT_THAT(page.render(), HasSubstr("<div class=\"scroll\" tabindex=\"0\"><svg><text>x</text></svg></div>"));
  EXPECT_THAT(page.render(), Not(HasSubstr("<?xml")));
}

TEST(Page, PicturesSideBySideHaveNamesOfTheirOwn) {
  Page page("nets");
  const std::string svgs[] = {"<svg><g id=\"graph0\" class=\"g\"></g></svg>", "<svg><g id=\"graph0\" class=\"g\"></g></svg>"};
  page.add_pictures(svgs);
  EXPECT_THAT(page.render(),
              HasSubstr("<div class=\"row\"><svg><g id=\"p1-graph0\" class=\"g\"></g></svg><svg><g id=\"p2-graph0\""));
}

TEST(Page, LongTextsHaveSeveralLines) {
  table::Table table({{"name", table::Align::left, {}}, {"what", table::Align::left, {}}});
  table.add({std::string(60, 'a'), std::string(61, 'b')});
  Page page("net");
  page.add_table(table);
  EXPECT_THAT(page.render(), HasSubstr("<td>" + std::string(60, 'a') + "</td><td class=\"w\">" + std::string(61, 'b') + "</td>"));
}

TEST(Page, LinesStayAsTheyAre) {
  Page page("net");
  page.add_preformatted("a < b\n  c\n");
  EXPECT_THAT(page.render(), HasSubstr("<pre tabindex=\"0\">a &lt; b\n  c</pre>"));
}

TEST(Page, FetchesNothing) {
  const std::string page = Page("net").render();
  EXPECT_THAT(page, Not(HasSubstr("http://")));
  EXPECT_THAT(page, Not(HasSubstr("https://")));
  EXPECT_THAT(page, Not(HasSubstr("src=")));
}

}  // namespace
}  // namespace resnet::html
