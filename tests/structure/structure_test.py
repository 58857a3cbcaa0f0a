#!/usr/bin/env python3
"""Plants one stray at a time in a small tree that has none: each must be found, named with its file, and nothing else."""

import os
import subprocess
import sys
import unittest

import structure
from trees import tree_of

TABLE = """# A tree

| folder | holds | may include | third parties |
|---|---|---|---|
| `lib/base` | errors | – | – |
| `lib/graph` | operators | base | fmt |
| `lib/xnnpack` | the executor | graph | XNNPACK, fmt |
| `formats/onnx` | files | graph | ONNX, Protobuf, fmt |
| `cli` | the program | everything | CLI11, fmt |
"""

CLEAN = {
    "README.md": "# A tree\n\n[How to build](HACKING.md#a-tree)\n",
    "HACKING.md": TABLE,
    "CMakeLists.txt": "add_subdirectory(lib)\nadd_subdirectory(formats/onnx)\nadd_subdirectory(cli)\nadd_subdirectory(tests/xnnpack)\n",
    "lib/CMakeLists.txt": "add_subdirectory(base)\nadd_subdirectory(graph)\nadd_subdirectory(xnnpack)\n",
    "lib/base/CMakeLists.txt": "resnet_module(base SOURCES error.cc)\n",
    "lib/base/error.h": "#pragma once\n#include <string>\n#include <sys/stat.h>\n",
    "lib/base/error.cc": '#include "lib/base/error.h"\n#include <unistd.h>\n',
    "lib/graph/CMakeLists.txt": "resnet_module(graph\n  SOURCES graph.cc ops/conv.cc  # conv.cc and others\n  LINKS base\n  PRIVATE fmt::fmt)\n",
    "lib/graph/graph.h": '#pragma once\n#include "lib/base/error.h"\n',
    "lib/graph/graph.cc": '#include "lib/graph/graph.h"\n\n#include <fmt/format.h>\n',
    "lib/graph/ops/conv.h": "#pragma once\n",
    "lib/graph/ops/conv.cc": '#include "lib/graph/ops/conv.h"\n',
    "lib/xnnpack/CMakeLists.txt": "resnet_module(xnnpack SOURCES plan.cc LINKS graph PRIVATE XNNPACK::XNNPACK fmt::fmt)\n",
    "lib/xnnpack/plan.h": '#pragma once\n#include "lib/graph/graph.h"\n',
    "lib/xnnpack/handles.h": "#pragma once\n#include <xnnpack.h>\n",
    "lib/xnnpack/plan.cc": '#include "lib/xnnpack/plan.h"\n#include "lib/base/error.h"\n#include "lib/xnnpack/handles.h"\n',
    "formats/onnx/CMakeLists.txt": "resnet_module(onnx SOURCES read.cc LINKS graph PRIVATE ONNX::onnx fmt::fmt)\n",
    "formats/onnx/read.h": '#pragma once\n#include "lib/graph/graph.h"\n',
    "formats/onnx/read.cc": """#include "formats/onnx/read.h"
#include <onnx/onnx_pb.h>
int f(::onnx::TensorProto_DataType type, char c, Level level) {
  switch (type) {
    case ::onnx::TensorProto::FLOAT: return 1;
    default: break;  // a file can hold any number
  }
  switch (c) {
    case 'a': return 2;
    default: break;
  }
  switch (level) {  // default: would hide a case
    case Level::low: return 3;
    case Level::high:
      switch (c) {
        case ':': return 4;
        default: return 5;
      }
  }
  return 0;
}
""",
    "cli/CMakeLists.txt": "add_executable(resnet-cli main.cc)\ntarget_link_libraries(resnet-cli PRIVATE resnet_onnx CLI11::CLI11)\n",
    "cli/main.cc": '#include <CLI/CLI.hpp>\n#include "formats/onnx/read.h"\n#include "lib/xnnpack/plan.h"\n',
    "tests/xnnpack/CMakeLists.txt": "resnet_test(xnnpack SOURCES plan_test.cc LINKS xnnpack)\n",
    "tests/xnnpack/plan_test.cc": '#include <gtest/gtest.h>\n#include <xnnpack.h>\n#include "lib/xnnpack/handles.h"\n',
    "testdata/README.md": "| `disc.png` | drawn |\n| `models/` | built |\n",
    "testdata/disc.png": "",
    "testdata/models/a.onnx": "",
    "tools/setup": "#!/bin/sh\ncache=$HOME/work/x\n",
    "build/lib/stray.cc": '#include "nowhere.h"\n',
}


def strays_of(files):
    with tree_of(files) as top:
        return structure.Tree(top).check()


class Strays(unittest.TestCase):
    def expect(self, planted, *lines):
        """`planted`: file -> what is appended to it, or (old, new) to replace."""
        files = dict(CLEAN)
        for name, change in planted.items():
            if isinstance(change, tuple):
                self.assertIn(change[0], files[name])
                files[name] = files[name].replace(*change)
            else:
                files[name] = files.get(name, "") + change
        self.assertEqual(sorted(strays_of(files)), sorted(lines))

    def test_clean_tree_has_none(self):
        self.expect({})

    def test_include_against_the_direction(self):
        self.expect({"lib/base/error.cc": '#include "lib/graph/graph.h"\n'},
                    "lib/base/error.cc:3: includes \"lib/graph/graph.h\", which HACKING's module table does not allow lib/base")

    def test_lib_includes_format(self):
        self.expect({"lib/xnnpack/plan.cc": '#include "formats/onnx/read.h"\n'},
                    "lib/xnnpack/plan.cc:4: includes \"formats/onnx/read.h\", which HACKING's module table does not allow lib/xnnpack")

    def test_lib_includes_cli(self):
        self.expect({"lib/graph/graph.h": '#include "cli/options.h"\n', "cli/options.h": ""},
                    "lib/graph/graph.h:3: includes \"cli/options.h\", which HACKING's module table does not allow lib/graph")

    def test_library_in_cli(self):
        files = {"cli/tasks/identity/text.cc": '#include "lib/xnnpack/plan.h"\n', "cli/tasks/identity/CMakeLists.txt": "resnet_module(tasks_identity SOURCES text.cc LINKS base)\n",
                 "cli/CMakeLists.txt": ("add_executable", "add_subdirectory(tasks/identity)\nadd_executable")}
        self.expect(files, "HACKING.md: the module table has no row for cli/tasks/identity",
                    "cli/tasks/identity/CMakeLists.txt: links base, which HACKING's module table does not allow cli/tasks/identity",
                    'cli/tasks/identity/text.cc:1: includes "lib/xnnpack/plan.h", but its CMakeLists.txt does not link lib/xnnpack')
        self.expect(files | {"HACKING.md": ("| `cli` |", "| `cli/tasks/identity` | what decides an answer | base | fmt |\n| `cli` |")},
                    "cli/tasks/identity/text.cc:1: includes \"lib/xnnpack/plan.h\", which HACKING's module table does not allow cli/tasks/identity")

    def test_format_includes_executor(self):
        self.expect({"formats/onnx/read.cc": ("<onnx/onnx_pb.h>", '"lib/xnnpack/plan.h"')},
                    "formats/onnx/read.cc:2: includes \"lib/xnnpack/plan.h\", which HACKING's module table does not allow formats/onnx")

    def test_lib_includes_test(self):
        self.expect({"lib/graph/graph.cc": '#include "tests/support.h"\n', "tests/support.h": ""},
                    'lib/graph/graph.cc:4: includes "tests/support.h": tests and tools are not for it')

    def test_include_of_a_module_that_is_not_linked(self):
        self.expect({"lib/graph/CMakeLists.txt": ("LINKS base", "")},
                    'lib/graph/graph.h:2: includes "lib/base/error.h", but its CMakeLists.txt does not link lib/base',
                    'lib/xnnpack/plan.cc:2: includes "lib/base/error.h", but its CMakeLists.txt does not link lib/base')

    def test_public_header_is_ours_however_it_is_included(self):
        files = {"include/resnet/model.h": "#pragma once\n", "docs/examples/use.cc": "#include <resnet/model.h>\n#include <resnet/gone.h>\n",
                 "docs/examples/CMakeLists.txt": "add_executable(use use.cc)\n"}
        self.expect(files | {"HACKING.md": ("| `cli` |", "| `include/resnet` | the interface | – | – |\n| `cli` |")},
                    "docs/examples/use.cc:2: includes <resnet/gone.h>, a third party that this test does not know")

    def test_include_that_is_no_file(self):
        self.expect({"lib/graph/graph.cc": '#include "graph.h"\n'},
                    'lib/graph/graph.cc:4: includes "graph.h", which is not a file of ours: write the path from the top folder')

    def test_third_party_outside_its_module(self):
        self.expect({"lib/graph/graph.cc": "#include <xnnpack.h>\n"},
                    "lib/graph/graph.cc:4: includes <xnnpack.h>: XNNPACK is not for lib/graph")

    def test_protobuf_outside_onnx(self):
        self.expect({"lib/base/error.cc": "#  include <google/protobuf/message.h>\n"},
                    "lib/base/error.cc:3: includes <google/protobuf/message.h>: Protobuf is not for lib/base")

    def test_command_line_parser_outside_cli(self):
        self.expect({"formats/onnx/read.cc": ("onnx/onnx_pb.h", "CLI/CLI.hpp")},
                    "formats/onnx/read.cc:2: includes <CLI/CLI.hpp>: CLI11 is not for formats/onnx")

    def test_third_party_in_a_test_of_another_module(self):
        self.expect({"tests/xnnpack/plan_test.cc": "#include <onnx/onnx_pb.h>\n"},
                    "tests/xnnpack/plan_test.cc:4: includes <onnx/onnx_pb.h>: ONNX is not for tests")

    def test_third_party_in_a_public_header(self):
        self.expect({"lib/xnnpack/plan.h": "#include <xnnpack.h>\n"},
                    "lib/xnnpack/plan.h:3: includes <xnnpack.h>: XNNPACK stays out of headers that others include")

    def test_third_party_in_a_header_that_a_public_header_includes(self):
        self.expect({"lib/xnnpack/plan.h": '#include "lib/xnnpack/handles.h"\n'},
                    "lib/xnnpack/handles.h:2: includes <xnnpack.h>: XNNPACK stays out of headers that others include")

    def test_fmt_in_any_header(self):
        self.expect({"lib/xnnpack/handles.h": "#include <fmt/format.h>\n"},
                    "lib/xnnpack/handles.h:3: includes <fmt/format.h>: fmt is for .cc files")

    def test_unknown_third_party(self):
        self.expect({"lib/graph/graph.cc": "#include <boost/any.hpp>\n"},
                    "lib/graph/graph.cc:4: includes <boost/any.hpp>, a third party that this test does not know")

    def test_link_against_the_direction(self):
        self.expect({"lib/base/CMakeLists.txt": ("error.cc", "error.cc LINKS graph")},
                    "lib/base/CMakeLists.txt: links graph, which HACKING's module table does not allow lib/base")

    def test_link_of_a_third_party(self):
        self.expect({"lib/graph/CMakeLists.txt": ("fmt::fmt", "fmt::fmt ONNX::onnx")},
                    "lib/graph/CMakeLists.txt: links ONNX::onnx, which HACKING's module table does not allow lib/graph")

    def test_link_of_an_unknown_third_party(self):
        self.expect({"lib/graph/CMakeLists.txt": ("fmt::fmt", "fmt::fmt Boost::any")},
                    "lib/graph/CMakeLists.txt: links Boost::any, a third party that this test does not know")

    def test_link_beside_the_module(self):
        self.expect({"lib/base/CMakeLists.txt": "target_link_libraries(resnet_base PUBLIC\n  resnet_graph)\n"},
                    "lib/base/CMakeLists.txt: links outside of resnet_module: target_link_libraries(resnet_base PUBLIC resnet_graph)")

    def test_module_of_another_name(self):
        self.expect({"lib/base/CMakeLists.txt": ("(base", "(basis")},
                    "lib/base/CMakeLists.txt: the module is named basis, expected the folder's name")

    def test_source_in_no_list(self):
        self.expect({"lib/graph/ops/relu.cc": ""}, "lib/graph/ops/relu.cc: is named in no CMakeLists.txt")

    def test_list_that_is_not_added(self):
        self.expect({"lib/CMakeLists.txt": ("add_subdirectory(graph)", "# add_subdirectory(graph)")},
                    "lib/graph/CMakeLists.txt: is added by no other CMakeLists.txt: nothing in it is built")

    def test_list_names_what_is_not_there(self):
        self.expect({"lib/graph/CMakeLists.txt": ("ops/conv.cc", "ops/conv.cc ops/relu.cc")},
                    "lib/graph/ops/CMakeLists.txt: names relu.cc, which is not there")

    def test_header_that_nothing_includes(self):
        self.expect({"lib/graph/ops/relu.h": ""}, "lib/graph/ops/relu.h: is included by nothing")

    def test_default_over_an_enum(self):
        self.expect({"lib/graph/ops/conv.cc": "int f(Pad p) {\n  switch (p) {\n    case Pad::same: {\n      return 1;\n    }\n"
                                              "    default: return 0;\n  }\n}\n"},
                    "lib/graph/ops/conv.cc:7: default in a switch over an enum (case Pad::same)")

    def test_default_in_a_switch_inside_another(self):
        self.expect({"lib/graph/ops/conv.cc": "switch (a) {\n  case A::x:\n    switch (b) {\n      case B::y: break;\n"
                                              "      default: break;\n    }\n}\n"},
                    "lib/graph/ops/conv.cc:6: default in a switch over an enum (case B::y)")

    def test_file_calls_that_throw(self):
        for call, found in [
                ("return fs::exists(p);", True), ("return fs::exists(p, ignored);", False),
                ("return std::filesystem::file_size(name(p, 1));", True), ("return fs::file_size(name(p, 1), ignored);", False),
                ("return fs::exists(status);", False), ("return fs::is_symlink(fs::symlink_status(p, ignored));", False),
                ("return fs::is_symlink(fs::symlink_status(p));", True),
                ("for (const auto& e : fs::directory_iterator(p, ignored)) use(e);", True),
                ("for (fs::directory_iterator at(p, ignored), end; at != end; at.increment(ignored)) use(*at);", False),
                ("return entry.is_directory();", True), ("return entry->is_directory(ignored);", False),
                ("return fs::weakly_canonical(fs::absolute(p, ignored), ignored);", False)]:
            code = "#include <filesystem>\nstd::error_code ignored;\n" + call + "\n"
            lines = [line for line in strays_of({**CLEAN, "lib/graph/ops/conv.cc": CLEAN["lib/graph/ops/conv.cc"] + code})]
            self.assertEqual([line.split(":")[:2] for line in lines], [["lib/graph/ops/conv.cc", "4"]] if found else [], call)

    def test_parsed_errors(self):
        conv = "lib/graph/ops/conv.cc"
        for code, found in [("if (std::string_view(error.what()).starts_with(name)) x();", True), ("if (text == error.what()) x();", True),
                            ("if (name.find(error.what()) == 0) x();", True), ("std::string text = error.what();", False),
                            ("log(error.what());", False)]:
            lines = strays_of({**CLEAN, conv: CLEAN[conv] + "#include <string>\n#include <string_view>\n" + code + "\n"})
            self.assertEqual([line.split(": ")[1] for line in lines], ["the text of an error is parsed"] if found else [], code)

    def test_options_in_texts(self):
        conv = "lib/graph/ops/conv.cc"
        for code, found in [('refuse("--opset: too new");', True), ('refuse("damaged (--no-verify reads it)");', True),
                            ('say("a--b, 1 -- 2");  // --opset', False)]:
            lines = strays_of({**CLEAN, conv: CLEAN[conv] + code + "\n"})
            self.assertEqual(len(lines), 1 if found else 0, lines)

    def test_options_as_texts(self):
        clean = strays_of({**CLEAN, "cli/main.cc": CLEAN["cli/main.cc"] + 'add_choice(app, "-f,--out-format", value, "of it");\n'})
        self.assertEqual(clean, [])
        for code, found in [('if (options.out_format == "json") x();', True), ('if ("json" != out_format) x();', True),
                            ('if (request_.color == "red") x();', True), ('if (stage.name == "conv1") x();', False),
                            ('if (options.file == "-") x();', False), ("if (options.out_format == Format::json) x();", False),
                            ('struct CacheOptions {\n  std::string file, out_format = "json";\n};', True),
                            ('struct CacheOptions {\n  std::string file = "out_format";\n  Format out_format;\n};', False)]:
            main = CLEAN["cli/main.cc"] + 'add_choice(*app, "-f,--out-format", value, "of it");\n' + code + "\n"
            lines = strays_of({**CLEAN, "cli/main.cc": main})
            self.assertEqual(len(lines), 1 if found else 0, (code, lines))
        # What is a choice of one command and a file of another may be either.
        main = CLEAN["cli/main.cc"] + 'add_choice(app, "--init", a, "x");\nadd_text(app, "--init", b, "FILE", "x");\nif (init == "a") x();\n'
        self.assertEqual(strays_of({**CLEAN, "cli/main.cc": main}), [])

    def test_machine_path(self):
        self.expect({"tools/setup": "cp /ho" + "me/someone/x .\n"}, "tools/setup:3: an absolute path of one machine: /ho" + "me/someone/x")

    def test_registry_address(self):
        address = "https:" + "//deb.debian.org"
        self.expect({"tools/setup": f"curl {address}/x\n"}, f"tools/setup:3: an address of a package registry: {address}")

    def test_marks(self):
        self.expect({"lib/base/error.h": "// TO" + "DO: more\n", "README.md": "<" * 7 + " ours\n"},
                    "lib/base/error.h:4: a forgotten to-do mark: TO" + "DO",
                    "README.md:4: a forgotten merge mark: " + "<" * 7)

    def test_data_of_unknown_origin(self):
        self.expect({"testdata/photos/disc.png": ""},
                    "testdata/photos/disc.png: is not in testdata/README.md, which says where each file comes from")

    def test_folder_without_a_row(self):
        self.expect({"lib/train/CMakeLists.txt": "resnet_module(train SOURCES sgd.cc)\n", "lib/train/sgd.cc": ""},
                    "HACKING.md: the module table has no row for lib/train",
                    "lib/train/CMakeLists.txt: is added by no other CMakeLists.txt: nothing in it is built")

    def test_row_without_a_folder(self):
        self.expect({"HACKING.md": "| `lib/train` | training | graph | fmt |\n"},
                    "HACKING.md: the module table has a row for lib/train, which is not there")

    def test_row_with_unknown_names(self):
        self.expect({"HACKING.md": ("| graph | XNNPACK, fmt |", "| graph, trains | XNNPACK, fmt, Boost |")},
                    "HACKING.md: lib/xnnpack: may include 'trains', which has no row of its own",
                    "HACKING.md: lib/xnnpack: unknown third party 'Boost', expected one of " + ", ".join(structure.PARTIES))

    def test_no_module_table(self):
        files = {name: text for name, text in CLEAN.items() if name != "HACKING.md"}
        self.assertIn("HACKING.md: is not there; its module table says what may include what", strays_of(files))
        self.assertIn("HACKING.md: has no module table", strays_of(CLEAN | {"HACKING.md": "# A tree\n"}))


class Program(unittest.TestCase):
    def run_on(self, files):
        with tree_of(files) as top:
            script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "structure.py")
            return subprocess.run([sys.executable, "-B", script, top], capture_output=True, text=True, check=False)

    def test_exit_codes(self):
        self.assertEqual(self.run_on(CLEAN).returncode, 0)
        found = self.run_on(CLEAN | {"lib/graph/ops/relu.cc": ""})
        self.assertEqual((found.returncode, found.stdout), (1, "lib/graph/ops/relu.cc: is named in no CMakeLists.txt\n"))
        self.assertEqual(self.run_on({}).returncode, 1)  # nothing to examine is not success


if __name__ == "__main__":
    unittest.main()
