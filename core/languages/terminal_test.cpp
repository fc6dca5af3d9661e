#include "core/languages/terminal.h"

#include "core/error.h"
#include "core/languages/letters.h"
#include "core/testing/catch.h"
#include "core/testing/nasty_names.h"
#include "core/text.h"

using namespace subband;

TEST_CASE("a text's width is counted in columns of a terminal", "[terminal]") {
  CHECK(display_width("") == 0);
  CHECK(display_width("abc") == 3);
  CHECK(display_width("ü±…") == 3);
  CHECK(display_width("日本語") == 6);
  CHECK(display_width("＝") == 2);
  CHECK(display_width("한국어") == 6);
  CHECK(display_width("\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB") ==
        2);                                         // the first of them from its three parts
  CHECK(display_width("e\xCC\x81\xCC\xA3t") == 2);  // two marks on one letter
  CHECK(display_width("👩‍👩‍👧‍👦") == 2);
  CHECK(display_width("🇩🇪") == 2);
  CHECK(display_width("❤️") == 2);
  CHECK(display_width("👍🏽") == 2);
  CHECK(display_width("a\xff") == 2);
}

TEST_CASE("a text is cut between graphemes and says so", "[terminal]") {
  CHECK(fitted("abcdef", 6) == "abcdef");
  CHECK(fitted("abcdef", 5) == "abcd…");
  CHECK(fitted("abcdef", 5, Cut::middle) == "ab…ef");
  CHECK(fitted("abcdef", 1) == "…");
  CHECK(fitted("abcdef", 0) == "");
  CHECK(fitted("日本語の行", 6) == "日本…");
  CHECK(fitted("日本語の行", 7) == "日本語…");
  CHECK(fitted("e\xCC\x81t\xCC\x81x", 2) == "e\xCC\x81…");
  CHECK(fitted("ab👩‍👩‍👧‍👦cd", 4) == "ab…");
  CHECK(fitted("net.width=8, seed 1", 12, Cut::middle) == "net.wi…eed 1");
  CHECK(fitted("日本語の行", 6, Cut::begin) == "…の行");
  CHECK(padded("日本", 6) == "日本  ");
  CHECK(padded("日本語の行", 6, Side::right) == " 日本…");
  CHECK(fitted(std::string(1'000'000, 'x'), 4) == "xxx…");
}

TEST_CASE("texts of a column are cut so that they still differ", "[terminal]") {
  const std::vector<std::string> rows = {"optimizer.lr=0.1, net.width=8", "optimizer.lr=0.1, net.width=16",
                                         "base"};
  CHECK(fitted_apart(rows, 12) == std::vector<std::string>{"optimi…dth=8", "optimi…th=16", "base"});
  CHECK(fitted_apart({"no bypass", "no crawl"}, 6) == std::vector<std::string>{"no by…", "no cr…"});
  CHECK(fitted_apart({}, 6).empty());
  // Where they differ only in the middle.
  CHECK(fitted_apart({"the same beginning, rate 1, the same end of it", "the same beginning, rate 2, the same end of it",
                      "base"},
                     18) ==
        std::vector<std::string>{"the sa…1, the sam…", "the sa…2, the sam…", "base"});
  CHECK(fitted_apart({"学習率を二倍にした長い名前その一学習率を二倍にした行", "学習率を二倍にした長い名前その二学習率を二倍にした行"},
                     20) ==
        std::vector<std::string>{"学習率…一学習率を二…", "学習率…二学習率を二…"});
  CHECK(fitted_apart({"one and the same text", "one and the same text"}, 10) ==
        std::vector<std::string>{"one and t…", "one and t…"});
}

TEST_CASE("no cut of a nasty name is wider than asked for, or broken, and a padded one is exactly as wide",
          "[terminal]") {
  for (const std::string& name : testing::nasty_names()) {
    const std::string text = shown(name);
    CAPTURE(text);
    for (size_t width = 0; width < 40; ++width) {
      for (const Cut cut : {Cut::end, Cut::middle, Cut::begin})
        CHECK(display_width(fitted(text, width, cut)) <= width);
      CHECK(is_utf8(fitted(text, width)));
      CHECK(display_width(padded(text, width)) == width);
    }
    CHECK(fitted(text, display_width(text)) == text);
  }
}

TEST_CASE("a terminal is shown control letters and obeys none", "[terminal]") {
  CHECK(shown("\x1b[31mred\x07\r\n\t\x7f") == "\\x1b[31mred\\x07\\r\\n\\t\\x7f");
  CHECK(shown(std::string("a\0b", 3)) == "a\\x00b");
  CHECK(shown("\xC2\x9B"
              "31m \xE2\x80\xAE"
              "evil \xE2\x80\xA8") == "\\u009b31m \\u202eevil \\u2028");
  CHECK(shown("\xff\xE6\x97") == "\\xff\\xe6\\x97");
  CHECK(shown("日本 e\xCC\x81 👩‍👧 c:\\dir") == "日本 e\xCC\x81 👩‍👧 c:\\dir");
  CHECK(shown_lines("a\n\tb\x1b") == "a\n\tb\\x1b");
  CHECK(shown_name(std::string(500, 'x')) == std::string(40, 'x') + "…" + std::string(39, 'x'));
  const std::string long_name(100'000, 'n');
  CHECK(shown_message("m.safetensors: tensor " + long_name + "\x1b: has no shape") ==
        "m.safetensors: tensor " + std::string(100, 'n') + "…" + std::string(94, 'n') +
            "\\x1b: has no shape");
  CHECK(error_lines(Error("place\n", "what\r")) == "place\\n: what\\r\n");
  for (const std::string& name : testing::nasty_names())
    for (const char byte : shown(name)) CHECK((static_cast<unsigned char>(byte) >= 0x20 && byte != 0x7F));
}
