#!/usr/bin/env python3
"""A standard header that a file forgot must be found, with its place, and nothing else."""

import unittest

import headers
import structure
from trees import tree_of


class Headers(unittest.TestCase):
    def expect(self, files, *strays):
        with tree_of(files) as top:
            tree = structure.Tree(top)
            headers.check(tree, structure.without_comments)
            self.assertEqual(tree.strays, list(strays))

    def test_included_by_the_file_itself(self):
        self.expect({"lib/a.cc": "#include <vector>\nstd::vector<int> a;\n"})

    def test_included_by_a_header_of_ours(self):
        self.expect({"lib/a.h": '#include "lib/b.h"\n', "lib/b.h": '#include "lib/a.h"\n#include <vector>\n',
                     "lib/a.cc": '#include "lib/a.h"\nstd::vector<int> a;\n'})

    def test_forgotten(self):
        self.expect({"lib/a.cc": "#include <vector>\n\nstd::string a;\nstd::string b;\n"},
                    "lib/a.cc:3: std::string comes from <string>, which neither it nor what it includes includes")

    def test_a_longer_name_is_another(self):
        self.expect({"lib/a.cc": "#include <string_view>\nstd::string_view a;\nstd::optional_access b;\n"})

    def test_comments_and_strings_need_nothing(self):
        self.expect({"lib/a.cc": '// std::vector\nconst char* a = "std::map";\n'})

    def test_parts_of_other_files(self):
        self.expect({"lib/a-inl.h": "std::vector<int> a;\n"})


if __name__ == "__main__":
    unittest.main()
