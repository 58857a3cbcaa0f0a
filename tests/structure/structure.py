#!/usr/bin/env python3
"""Looks for strays: what the compiler and the linker would let pass, but the house rules do not.

    structure.py FOLDER      examines the repository in FOLDER, prints one line per stray, exits 1 where there is one

Which module may include which, and which third parties it may see, is written in one place: the module table of HACKING.md. Then:
  - an include goes only where the table and the folder's CMakeLists.txt allow, and CMakeLists.txt only links what the table allows
  - headers of third parties stay in their modules, and out of the headers that other modules include
  - what a file uses of the standard library it includes, or a header of ours that it includes does (headers.py)
  - every source file is named in a CMakeLists.txt, every CMakeLists.txt is added, every header is included by something
  - no `default:` in a switch over an enum of ours: the compiler is to find the missing case
  - std::filesystem is called with error codes only: a link in a circle, or a name that is too long, is not an internal error
  - nobody parses the text of an error, and no text of lib or formats names an option: Frames and the program's own words do
  - an option with a fixed set of words is an enumerator: in cli/ no option is compared with a literal or kept as a string
  - every file in testdata/ (or its folder, as `folder/`) is in testdata/README.md, which says where it comes from
  - no absolute path of one machine, no address of a package registry, no forgotten merge or to-do mark
  - links between documents resolve, README.md is short, and words are those of the glossary (documents.py)
  - files have at most 400 lines and functions at most 60, or a reason (sizes.py)
"""

import os
import re
import sys

import documents
import headers
import sizes

PARTIES = {  # by the name in HACKING's table: which includes are its headers, and its names in CMake
    "XNNPACK": (r"xnnpack\.h|xnnpack/.*", {"XNNPACK::XNNPACK"}),
    "pthreadpool": (r"pthreadpool\.h", {"XNNPACK::pthreadpool"}),
    "cpuinfo": (r"cpuinfo\.h", {"XNNPACK::cpuinfo"}),
    "ONNX": (r"onnx/.*", {"ONNX::onnx", "ONNX::proto"}),
    "Protobuf": (r"google/protobuf/.*", {"protobuf::libprotobuf"}),
    "libvips": (r"vips/.*|glib\.h|glib-object\.h|glib/.*|gio/.*", {"PkgConfig::VIPS"}),
    "CLI11": (r"CLI/.*", {"CLI11::CLI11"}),
    "fmt": (r"fmt/.*", {"fmt::fmt"}),
    "nlohmann-json": (r"nlohmann/.*", {"nlohmann_json::nlohmann_json"}),
    "Graphviz": (r"graphviz/.*|gvc\.h|cgraph\.h", {"PkgConfig::GRAPHVIZ"}),
    "libcurl": (r"curl/.*", {"PkgConfig::CURL"}),
    "Highway": (r"hwy/.*", {"PkgConfig::HWY", "hwy::hwy"}),
    "oneDNN": (r"oneapi/.*|dnnl.*", {"DNNL::dnnl", "dnnl::dnnl"}),
    "zlib": (r"zlib\.h", {"ZLIB::ZLIB"}),
    "xxHash": (r"xxhash\.h", {"PkgConfig::XXHASH"}),
    "GoogleTest": (r"gtest/.*|gmock/.*", {"GTest::gtest", "GTest::gmock", "GTest::gtest_main", "GTest::gmock_main"}),
    "Google Benchmark": (r"benchmark/.*", {"benchmark::benchmark", "benchmark::benchmark_main"}),
}
# What an <include> may name besides a third party: C++'s own headers have no suffix; these are the system's.
SYSTEM = re.compile(r"[a-z_0-9]+|(sys|linux|netinet|arpa|asm)/.*|[a-z_0-9]*intrin\.h|"
                    r"(unistd|fcntl|sched|pthread|signal|errno|dirent|dlfcn|glob|poll|spawn|getopt|locale|langinfo|malloc|"
                    r"fenv|termios|time|strings|stdlib|stdio|string|math|float|limits|stdint|stddef|cpuid|link|elf|pwd|"
                    r"semaphore|execinfo|ftw|fnmatch|libgen|wordexp|iconv|features)\.h")
EVERYTHING = "everything"
TABLE = "HACKING.md"  # which has the module table
ROOMS_OF_CLI = ("cli/commands", "cli/options", "cli/terminal", "cli/api")  # cli/tasks has rooms of its own
SHARED_LIBRARY = "cli/api"  # it is not a resnet_module
PUBLIC = "include/"  # whose headers are included as users include them
SOURCES = (".cc", ".h", ".c", ".cpp", ".hpp", ".cxx")
SKIPPED_FOLDERS = {".git", "build", "node_modules", "__pycache__"}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.MULTILINE)
FILE_CALL = re.compile(r"\b(?:fs|std::filesystem)::(absolute|canonical|copy|copy_file|copy_symlink|create_directory|create_directories|"
                       r"create_hard_link|create_symlink|current_path|equivalent|exists|file_size|hard_link_count|is_\w+|"
                       r"last_write_time|permissions|proximate|read_symlink|relative|remove|remove_all|rename|resize_file|space|"
                       r"status|symlink_status|temp_directory_path|weakly_canonical|(?:recursive_)?directory_iterator)\s*\(")
ENTRY_CALL = re.compile(r"(?:\.|->)(is_directory|is_regular_file|is_symlink|is_fifo|file_size|last_write_time)\(\s*\)")
ITERATED = re.compile(r"for\s*\([^;{}]*?[^:]:\s*(?:fs|std::filesystem)::((?:recursive_)?directory_iterator)\b")
PARSED_ERROR = re.compile(r"\bwhat\(\)\)*\s*(?:\.|==|!=)|(?:==|!=)\s*\w+(?:\.|->)what\(\)|"
                          r"\b(?:starts_with|ends_with|r?find|contains|compare|strn?cmp|strstr)\([^;]*\bwhat\(\)")
OPTION_IN_TEXT = re.compile(r'"(?:[^"\\\n]|\\.)*?(?<![^ ("\'])(--[a-z][\w-]*)')
CHOICE = re.compile(r'\badd_(choice|parsed)\(\s*[*\w]+,\s*"([^"]+)"')
TEXT_OPTION = re.compile(r'\badd_text\(\s*[*\w]+,\s*"([^"]+)"')
CHAIN = r"((?:\w+(?:\.|->))*\w+)"
COMPARED = re.compile(rf'\b{CHAIN}\s*[=!]=\s*"([^"\n]*)"|"([^"\n]*)"\s*[=!]=\s*{CHAIN}\b')
OPTIONS = re.compile(r"\bstruct \w*(?:Options|Request)\s*\{")
STRAY_TEXTS = [  # (what it is, pattern)
    ("an absolute path of one machine", re.compile(r"(?<![\w$}{./*-])/(?:root|work|home/\w+|Users/\w+)/[\w.-]")),
    ("an address of a package registry",
     re.compile(r"https?://[\w.-]*(?:debian|ubuntu|npmjs|yarnpkg|pypi|pythonhosted|crates|rubygems|maven|conan|vcpkg)[\w.-]*")),
    ("a forgotten merge mark", re.compile(r"^(?:<<<<<<<|>>>>>>>) ", re.MULTILINE)),
    ("a forgotten to-do mark", re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME)\b")),
]
TEXT_SUFFIXES = SOURCES + (".txt", ".cmake", ".md", ".py", ".sh", ".js", ".mjs", ".cjs", ".json", ".in", ".supp", ".yml", ".toml",
                           ".bash", ".zsh", ".fish", "")


def module_of(path):
    """'lib/graph/ops/conv.h' -> 'lib/graph'; 'cli/main.cc' -> 'cli'; 'cli/tasks/feed/inputs.h' -> 'cli/tasks/feed'."""
    parts = path.split("/")
    if parts[0] in ("lib", "formats", "tools", "include") or "/".join(parts[:2]) in ROOMS_OF_CLI:
        return "/".join(parts[:2])
    if parts[:2] == ["cli", "tasks"]:
        return "/".join(parts[:3] if len(parts) > 3 else parts[:2])
    return parts[0]


def without_comments(text):
    """The same text, comments and string literals blanked, line numbers kept."""
    def blank(match):
        found = match.group(0)
        return re.sub(r"[^\n]", " ", found) if found.startswith("/") else found[0] + found[-1]
    return re.sub(r'//[^\n]*|/\*.*?\*/|R"\((?:.|\n)*?\)"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'', blank, text, flags=re.DOTALL)


def program_of(path):
    """The module of a file, where the rooms of the program, which are linked into nothing else, are one."""
    return "cli" if module_of(path) in ROOMS_OF_CLI else module_of(path)


def name_of(folder):
    """The name that the table and CMake have for a module: 'graph' of lib/graph, 'tasks_feed' of cli/tasks/feed."""
    return folder.removeprefix("cli/").replace("/", "_") if folder.startswith("cli/tasks") else folder.split("/")[-1]


def arguments_of(text, begin):
    """The arguments of a call whose opening bracket is before `begin`."""
    arguments, depth, at = [""], 0, begin
    while at < len(text) and depth >= 0:
        c = text[at]
        depth += (c in "([{") - (c in ")]}")
        if c == "," and depth == 0:
            arguments.append("")
        elif depth >= 0:
            arguments[-1] += c
        at += 1
    return [a.strip() for a in arguments if a.strip()]


def block_end(text, opened):
    """The position after the brace that closes the one at `opened`."""
    depth = 0
    for position in range(opened, len(text)):
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        if depth == 0:
            return position + 1
    return len(text)


class Tree:
    def __init__(self, top):
        self.top = top
        self.strays = []
        self.files = []
        for folder, folders, names in os.walk(top):
            folders[:] = sorted(f for f in folders if f not in SKIPPED_FOLDERS)
            for name in sorted(set(names) - SKIPPED_FOLDERS):  # .git is a file in a work tree of its own
                self.files.append(os.path.relpath(os.path.join(folder, name), top).replace(os.sep, "/"))
        self.known = set(self.files)
        self.sources = [f for f in self.files if f.endswith(SOURCES)]
        self.texts = {f: self.read(f) for f in self.sources}
        self.includes = {f: [self.include(m, text) for m in INCLUDE.finditer(text)]
                         for f, text in self.texts.items()}

    def read(self, path):
        with open(os.path.join(self.top, path), encoding="utf-8", errors="replace") as file:
            return file.read()

    def include(self, match, text):
        """(whether it is in angles, the file, the line); a public header is ours however it is included."""
        angle, name, line = match.group(1) == "<", match.group(2), text.count("\n", 0, match.start()) + 1
        return (False, PUBLIC + name, line) if PUBLIC + name in self.known else (angle, name, line)

    def stray(self, path, line, what):
        self.strays.append(f"{path}:{line}: {what}" if line else f"{path}: {what}")

    # The module table: | `folder` | what it holds | may include | third parties |
    def read_table(self):
        self.may, self.parties, self.by_name = {}, {}, {}
        if TABLE not in self.known:
            return self.stray(TABLE, 0, "is not there; its module table says what may include what")
        rows = re.findall(r"^\| `([^`|]+?)/?` *\|[^|\n]*\|([^|\n]*)\|([^|\n]*)\|[ \t]*$", self.read(TABLE), re.MULTILINE)
        names = lambda cell: {w for w in (word.strip(" `") for word in cell.split(",")) if w not in ("", "-", "–", "—")}
        for folder, may, parties in rows:
            self.may[folder] = names(may)
            self.parties[folder] = names(parties)
            if not any(f.startswith(folder + "/") for f in self.files):
                self.stray(TABLE, 0, f"the module table has a row for {folder}, which is not there")
            for party in self.parties[folder] - set(PARTIES):
                self.stray(TABLE, 0, f"{folder}: unknown third party '{party}', expected one of {', '.join(PARTIES)}")
        if not rows:
            self.stray(TABLE, 0, "has no module table")
        self.by_name = {name_of(folder): folder for folder in self.may}
        for folder, may in self.may.items():
            for name in may - set(self.by_name) - {EVERYTHING}:
                self.stray(TABLE, 0, f"{folder}: may include '{name}', which has no row of its own")
        for folder in sorted({module_of(f) for f in self.sources if f.startswith(("lib/", "formats/", "cli/"))} - set(self.may)):
            self.stray(TABLE, 0, f"the module table has no row for {folder}")

    def closure(self, folder, edges):
        """All modules that `folder` reaches."""
        if EVERYTHING in edges.get(folder, ()):
            return set(self.may)
        seen, todo = {folder}, [folder]
        while todo:
            for name in edges.get(todo.pop(), ()):
                target = self.by_name.get(name)
                if target and target not in seen:
                    seen.add(target)
                    todo.append(target)
        return seen

    def read_cmake(self):
        """What each module links, by the names of ours."""
        self.links, self.listed, self.generated = {}, set(), False
        for path in self.files:
            if os.path.basename(path) != "CMakeLists.txt":
                continue
            folder = os.path.dirname(path)
            text = re.sub(r"#[^\n]*", "", self.read(path))
            for token in re.findall(r"[\w./+-]+\.(?:cc|cpp|cxx|c)\b", text):
                self.listed.add(os.path.normpath(os.path.join(folder, token)))
            if not folder.startswith(("lib/", "formats/", "cli/tasks")):
                continue
            module = module_of(path)
            calls = re.findall(r"resnet_module\(\s*(\S+)([^)]*)\)", text)
            for name, rest in calls:
                if name != name_of(folder):
                    self.stray(path, 0, f"the module is named {name}, expected the folder's name")
                words = {key: set() for key in ("SOURCES", "LINKS", "PRIVATE")}
                key = None
                for word in rest.split():
                    if word in words:
                        key = word
                    elif key:
                        words[key].add(word)
                self.links.setdefault(module, set()).update(words["LINKS"])
                for link in sorted(words["LINKS"]):
                    target = self.by_name.get(link)
                    if target not in self.closure(module, self.may):
                        self.stray(path, 0, f"links {link}, which HACKING's module table does not allow {module}")
                for target in sorted(words["PRIVATE"]):
                    party = next((p for p, (_, targets) in PARTIES.items() if target in targets), None)
                    if party is None:
                        self.stray(path, 0, f"links {target}, a third party that this test does not know")
                    elif party not in self.parties.get(module, set()):
                        self.stray(path, 0, f"links {target}, which HACKING's module table does not allow {module}")
            for call in re.findall(r"target_link_libraries\([^)]*\)", text):
                if folder == SHARED_LIBRARY:
                    names = set(re.findall(r"\bresnet_(\w+)", call)) - {"options"}
                    self.links.setdefault(module, set()).update(names | {"resnet"})
                    continue
                self.stray(path, 0, f"links outside of resnet_module: {' '.join(call.split())}")

    def parties_of(self, path):
        """The third parties that a file may include."""
        if path.startswith("tests/"):
            inner = path[len("tests/"):]
            mirrored = next((m for m in self.parties if module_of(inner) == m or module_of("lib/" + inner) == m), None)
            return self.parties.get(mirrored, set()) | {"GoogleTest", "fmt", "nlohmann-json"}
        return self.parties.get(module_of(path), set())

    def public_headers(self):
        """Headers that files of other modules include (tests aside), and what those include in turn."""
        todo = [name for path in self.sources if not path.startswith("tests/") for angle, name, _ in self.includes[path]
                if not angle and name in self.known and program_of(name) != program_of(path)]
        public = set()
        while todo:
            header = todo.pop()
            if header in public:
                continue
            public.add(header)
            todo += [name for angle, name, _ in self.includes[header] if not angle and name in self.known]
        return public

    def is_generated(self, name):
        """Whether Protobuf's compiler makes this header of a schema of ours."""
        return name.endswith(".pb.h") and name.removesuffix(".pb.h") + ".proto" in self.files

    def check_includes(self):
        public = self.public_headers()
        for path in self.sources:
            module = module_of(path)
            in_table = self.closure(module, self.may) if module in self.may else None
            linked = self.closure(module, self.links) if module in self.links else None
            for angle, name, line in self.includes[path]:
                if not angle:
                    if self.is_generated(name):
                        continue
                    if name not in self.known:
                        self.stray(path, line, f'includes "{name}", which is not a file of ours: write the path from the top folder')
                        continue
                    target = module_of(name)
                    if path.startswith(("lib/", "formats/", "cli/")) and target in ("tests", "tools"):
                        self.stray(path, line, f'includes "{name}": tests and tools are not for it')
                    elif target in self.may and in_table is not None and target not in in_table:
                        self.stray(path, line, f'includes "{name}", which HACKING\'s module table does not allow {module}')
                    elif target in self.may and linked is not None and target not in linked:
                        self.stray(path, line, f'includes "{name}", but its CMakeLists.txt does not link {target}')
                    continue
                party = next((p for p, (headers, _) in PARTIES.items() if re.fullmatch(headers, name)), None)
                if party is None:
                    if not SYSTEM.fullmatch(name):
                        self.stray(path, line, f"includes <{name}>, a third party that this test does not know")
                elif party not in self.parties_of(path):
                    self.stray(path, line, f"includes <{name}>: {party} is not for {module}")
                elif path.endswith(".h") and not path.startswith("tests/") and party == "fmt":
                    self.stray(path, line, f"includes <{name}>: fmt is for .cc files")
                elif path in public:
                    self.stray(path, line, f"includes <{name}>: {party} stays out of headers that others include")

    def check_lists(self):
        included = {name for found in self.includes.values() for angle, name, _ in found if not angle}
        for path in self.sources:
            if path.endswith(".h"):
                if path not in included:
                    self.stray(path, 0, "is included by nothing")
            elif path not in self.listed:
                self.stray(path, 0, "is named in no CMakeLists.txt")
        lists = [f for f in self.files if os.path.basename(f) == "CMakeLists.txt"]
        added = {os.path.normpath(os.path.join(os.path.dirname(path), folder, "CMakeLists.txt")) for path in lists
                 for folder in re.findall(r"add_subdirectory\(\s*\"?([\w./-]+)", re.sub(r"#[^\n]*", "", self.read(path)))}
        for path in lists:
            if path != "CMakeLists.txt" and path not in added and not path.startswith("docs/"):
                self.stray(path, 0, "is added by no other CMakeLists.txt: nothing in it is built")
        for path in sorted(self.listed - self.known):
            # Protobuf's compiler makes it of a schema of ours, into a folder that only CMake knows.
            schema = os.path.basename(path).removesuffix(".pb.cc") + ".proto"
            if path.endswith(".pb.cc") and any(os.path.basename(file) == schema for file in self.files):
                continue
            self.stray(os.path.dirname(path) + "/CMakeLists.txt", 0, f"names {os.path.basename(path)}, which is not there")

    def check_switches(self):
        for path in self.sources:
            text = without_comments(self.texts[path])
            # The innermost come last: each is examined and then blanked, so that the one around it sees only its own labels.
            for match in reversed(list(re.finditer(r"\bswitch\s*\(", text))):
                opened = text.find("{", match.end())
                if opened < 0:
                    continue
                end = block_end(text, opened)
                body = text[opened:end]
                default = re.search(r"\bdefault\s*:(?!:)", body)
                cases = re.findall(r"\bcase\s+((?:::)?\w+(?:::\w+)*)\s*:(?!:)", body)
                # Protobuf's enums are open: a file can hold a number that has no name.
                ours = [c for c in cases if "::" in c and not re.match(r"(::)?(onnx|google)::|\w*(Proto|Proto_\w+)::", c)]
                if default and ours:
                    line = text.count("\n", 0, opened + default.start()) + 1
                    self.stray(path, line, f"default in a switch over an enum (case {ours[0]})")
                text = text[:opened] + re.sub(r"[^\n]", " ", body) + text[end:]

    def check_file_calls(self):
        texts = {path: without_comments(self.texts[path]) for path in self.sources if path.startswith(("lib/", "formats/", "cli/"))}
        codes = {name for text in texts.values()  # of variables and members
                 for words in re.findall(r"\bstd::error_code\s*&?\s*([\w\s,={}]+)[;)]", text) for name in re.findall(r"\w+", words)}
        for path, text in texts.items():
            stray = [(m.start(), m.group(1)) for pattern in (ENTRY_CALL, ITERATED) for m in pattern.finditer(text)]
            for match in FILE_CALL.finditer(text):
                arguments = arguments_of(text, match.end())
                last = arguments[-1] if arguments else ""
                of_status = len(arguments) == 1 and re.search(r"\bstatus$|status\(.*\)$", last, re.DOTALL)
                end_of_folder = not arguments and match.group(1).endswith("directory_iterator")
                if re.split(r"\.|->", last)[-1] not in codes and not of_status and not end_of_folder:
                    stray.append((match.start(), match.group(1)))
            for line, name in sorted({(text.count("\n", 0, at) + 1, name) for at, name in stray}):
                self.stray(path, line, f"{name} throws where a file is odd: give it a std::error_code")

    def check_errors(self):
        for path in self.sources:
            if not path.startswith(("lib/", "formats/", "cli/")):
                continue
            text = without_comments(self.texts[path])
            for match in PARSED_ERROR.finditer(text):
                self.stray(path, text.count("\n", 0, match.start()) + 1, "the text of an error is parsed: its Frames say it")
            if path.startswith("cli/"):
                continue
            text = re.sub(r"//[^\n]*", "", self.texts[path])
            for match in OPTION_IN_TEXT.finditer(text):
                self.stray(path, text.count("\n", 0, match.start()) + 1, f"{match.group(1)}: an option is the program's own")

    def check_choices(self):
        sources = [path for path in self.sources if path.startswith("cli/")]
        texts = {path: re.sub(r"//[^\n]*", "", self.texts[path]) for path in sources}
        members = lambda names: {name.strip("-").replace("-", "_") for name in names.split(",")}
        choices = {m for text in texts.values() for found in CHOICE.finditer(text) for m in members(found.group(2))}
        choices -= {m for text in texts.values() for found in TEXT_OPTION.finditer(text) for m in members(found.group(1))}
        for path, text in texts.items():
            for match in COMPARED.finditer(text):
                *owners, member = re.split(r"\.|->", match.group(1) or match.group(4))
                of_options = any(re.fullmatch(r"\w*(options|request)_?", owner) for owner in owners)
                literal = match.group(2) or match.group(3)
                if literal not in (None, "", "-") and (of_options or member.rstrip("_") in choices):
                    self.stray(path, text.count("\n", 0, match.start()) + 1, f'{member} is compared with "{literal}": an option is an enumerator')
            for match in OPTIONS.finditer(text):
                body = text[match.end():block_end(text, match.end() - 1)]
                for strings in re.finditer(r"\bstd::string\b(?!_)([^;()]*);", body):
                    for member in sorted(set(re.findall(r"(?<![\w\"])\w+(?![\w\"])", re.sub(r'"[^"]*"', "", strings.group(1)))) & choices):
                        line = text.count("\n", 0, match.end() + strings.start()) + 1
                        self.stray(path, line, f"{member} is a string: an option with a fixed set of words is an enumerator")

    def check_texts(self):
        for path in self.files:
            if os.path.splitext(path)[1] not in TEXT_SUFFIXES or path == "LICENSE":
                continue
            try:
                text = self.texts[path] if path in self.texts else self.read(path)
            except OSError as error:
                self.stray(path, 0, f"cannot be read: {error.strerror}")
                continue
            for what, pattern in STRAY_TEXTS:
                for match in pattern.finditer(text):
                    self.stray(path, text.count("\n", 0, match.start()) + 1, f"{what}: {match.group(0).strip()}")

    def check_testdata(self):
        files = [f for f in self.files if f.startswith("testdata/") and f != "testdata/README.md"]
        if not files:
            return
        text = self.read("testdata/README.md") if "testdata/README.md" in self.known else ""
        told = {name.removeprefix("testdata/") for name in re.findall(r"`([^`\s]+)`", text)}
        for path in files:
            inner = path[len("testdata/"):]
            parts = inner.split("/")
            folders = {"/".join(parts[:n]) + "/" for n in range(1, len(parts))}
            if inner not in told and not folders & told:
                self.stray(path, 0, "is not in testdata/README.md, which says where each file comes from")

    def check(self):
        self.read_table()
        self.read_cmake()
        self.check_includes()
        self.check_lists()
        self.check_switches()
        self.check_file_calls()
        self.check_errors()
        self.check_choices()
        self.check_texts()
        self.check_testdata()
        headers.check(self, without_comments)
        documents.check(self)
        sizes.check(self)
        return self.strays


def main(arguments):
    if len(arguments) != 1 or not os.path.isdir(arguments[0]):
        print("usage: structure.py FOLDER", file=sys.stderr)
        return 2
    tree = Tree(arguments[0])
    strays = tree.check()
    for line in strays:
        print(line)
    print(f"{len(tree.sources)} source files in {len(tree.may)} modules examined, {len(strays)} strays", file=sys.stderr)
    return 1 if strays or not tree.sources else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
