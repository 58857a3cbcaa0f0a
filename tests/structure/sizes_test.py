#!/usr/bin/env python3
"""Long files and long functions: each must be found with its place, and nothing else."""

import os
import unittest

import sizes
import structure
from trees import tree_of


def strays_of(files, listed=None):
    with tree_of(files) as top:
        tree = structure.Tree(top)
        sizes.check(tree, listed or {})
        return tree.strays


def lines(count):
    return "  f();\n" * count


class Files(unittest.TestCase):
    def expect(self, name, text, *strays):
        self.assertEqual(strays_of({name: text}), list(strays))

    LONG = "has 401 lines, expected at most 400: split it, or give the reason in its first comment ('Longer than 400 lines: ...')"

    def test_length(self):
        self.expect("lib/a.cc", "int a;\n" * 400)
        self.expect("lib/a.cc", "int a;\n" * 401, f"lib/a.cc: {self.LONG}")
        self.expect("formats/labels/a.inc", '"tench",\n' * 401, f"formats/labels/a.inc: {self.LONG}")
        self.expect("docs/a.md", "text\n" * 401, f"docs/a.md: {self.LONG}")

    def test_tests_patches_and_pictures_are_not_counted(self):
        self.expect("tests/lib/a_test.cc", "int a;\n" * 401)
        self.expect("testdata/a.txt", "a\n" * 401)
        self.expect("tools/patches/a.patch", " a\n" * 401)
        self.expect("docs/a.png", "\0\n" * 401)

    def test_reason_in_the_first_comment(self):
        self.expect("lib/a.cc", "// A table.\n// Longer than 400\n// lines: one row for each operator.\n" + "int a;\n" * 401)
        self.expect("lib/a.cc", "/* Longer than 400 lines: a table. */\n" + "int a;\n" * 401)
        self.expect("tools/a", "#!/usr/bin/env bash\n# Longer than 400 lines: one script.\n" + "true\n" * 401)
        self.expect("tools/a.py", '#!/usr/bin/env python3\n"""Longer than 400 lines: a table."""\n' + "a = 1\n" * 401)
        self.expect("docs/a.md", "# A\n\n<!-- Longer than 400 lines: one table. -->\n" + "text\n" * 401)

    def test_reason_elsewhere_or_missing(self):
        for text in ("// A table.\nint b;\n// Longer than 400 lines: no.\n", "// Longer than 400 lines:\n", "// Longer than most.\n",
                     'auto b = "Longer than 400 lines: no";\n'):
            rest = 401 - text.count("\n")
            self.expect("lib/a.cc", text + "int a;\n" * rest, f"lib/a.cc: {self.LONG}")


class Functions(unittest.TestCase):
    def test_length(self):
        self.assertEqual(strays_of({"lib/a.cc": "int f() {\n" + lines(58) + "}\n"}), [])
        self.assertEqual(strays_of({"lib/a.cc": "\nint f() {\n" + lines(59) + "}\n"}),
                         ["lib/a.cc:2: f has 61 lines, expected at most 60"])
        self.assertEqual(strays_of({"tests/a_test.cc": "int f() {\n" + lines(59) + "}\n"}), [])

    def test_listed(self):
        long, short = {"lib/a.cc": "int f() {\n" + lines(59) + "}\n"}, {"lib/a.cc": "int f() {}\n"}
        listed = {("lib/a.cc", "f"): "a table"}
        self.assertEqual(strays_of(long, listed), [])
        self.assertEqual(strays_of(short, listed), ["lib/a.cc: f is in the list of long functions, but is not one: take it off"])
        twice = {"lib/a.cc": ("int f(int) {\n" + lines(59) + "}\n") * 2}
        self.assertEqual(strays_of(twice, listed), ["lib/a.cc:62: f has 61 lines, expected at most 60"])

    def test_too_many_listed(self):
        files = {f"lib/{name}.cc": "int f() {\n" + lines(59) + "}\n" for name in "abcdefghi"}
        self.assertEqual(strays_of(files, {(name, "f"): "a table" for name in files}),
                         ["tests/structure/sizes.py: lists 9 long functions, expected at most 8"])

    def test_the_list_of_this_repository(self):
        self.assertLessEqual(len(sizes.LONG_FUNCTIONS), sizes.MOST_LONG)
        top = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
        for (path, _), reason in sizes.LONG_FUNCTIONS.items():
            self.assertTrue(os.path.isfile(os.path.join(top, path)), path)  # a folder without it is no stray of sizes.check
            self.assertGreater(len(reason.split()), 3)


class Scanner(unittest.TestCase):
    def expect(self, source, *functions, name="lib/a.cc"):
        self.assertEqual(sorted(sizes.functions_of(name, source)), sorted(functions))

    def test_functions_of_namespaces_and_classes(self):
        self.expect("namespace a {\nint f() {\n}\nclass B : public C {\n public:\n  B() : c_{1}, d_(2) {\n  }\n  ~B() {}\n"
                    "  bool g() const override {\n  }\n private:\n  int c_ = 1;\n};\n}\n",
                    ("f", 2, 3), ("B", 6, 7), ("~B", 8, 8), ("g", 9, 10))

    def test_signatures(self):
        self.expect("template <typename T>\nstd::vector<T> a::B<T>::f(const std::vector<T>& x = {},\n    int y = 2) {\n  if (x) {\n  }\n}\n",
                    ("a::B<T>::f", 1, 6))
        self.expect("auto f() -> std::vector<int> {\n}\n", ("f", 1, 2))
        self.expect("B::B(int a)\n    : a_{a}, b_(a) {\n}\n", ("B::B", 1, 3))
        self.expect("template <>\nint f<int>() {\n}\n", ("f", 1, 3))
        self.expect("bool B::operator==(const B& b) const {\n}\nB& operator+=(B& a, int b) {\n}\n", ("B::operator==", 1, 2), ("operator+=", 3, 4))
        self.expect("int C::operator()(int a) {\n}\n", ("C::operator()", 1, 2))
        self.expect("[[noreturn]] static void f(int a) noexcept {\n}\n", ("f", 1, 2))

    def test_macros_before_a_function(self):
        self.expect("DEFINE_IT(a, (b),\n          c)\n\nint f(int a) {\n}\n", ("f", 4, 5))
        self.expect("struct NHWC {\n  NHWC(int a)\n      : a_(a) {\n  }\n};\n", ("NHWC", 2, 4))

    def test_what_is_not_a_function(self):
        self.expect("struct A {\n  int a = 1;\n  std::vector<int> b{1, 2};\n};\nconst int c[] = {\n  1,\n};\nenum class D { e };\nint f();\n"
                    "const auto g = [](int a) {\n  return a;\n};\nusing H = int (*)(int);\nextern \"C\" {\nint i();\n}\n")

    def test_lambdas_belong_to_their_function(self):
        self.expect("void f() {\n  const auto g = [&](int a) {\n    return a;\n  };\n  struct H {\n    int i() { return 1; }\n  };\n}\n",
                    ("f", 1, 8))

    def test_text_and_preprocessor_are_not_code(self):
        self.expect('void f() {\n  // }\n  g("}", \'}\', R"(\n}\n)");\n#define H }\n  int i = 1\'000;\n}\n', ("f", 1, 8))

    def test_comments_before_a_function_are_not_its_lines(self):
        self.expect("// About f.\nvoid f() {\n}\n", ("f", 2, 3))

    def test_other_languages(self):
        self.expect("def f():\n    def g():\n        pass\n    return g\n", ("f", 1, 4), ("g", 2, 3), name="tools/a.py")
        self.expect("#!/usr/bin/env python3\ndef f():\n    pass\n", ("f", 2, 3), name="tools/a")
        self.expect("#!/usr/bin/env bash\nf() {\n  if true; then { echo; }; fi\n}\n", ("f", 2, 4), name="tools/a")
        self.expect("export async function f(a) {\n  if (a) {\n  }\n}\n", ("f", 1, 4), name="tools/a.mjs")
        self.expect("function(f)\nendfunction()\n", name="CMakeLists.txt")


if __name__ == "__main__":
    unittest.main()
