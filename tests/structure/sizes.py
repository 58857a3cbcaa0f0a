#!/usr/bin/env python3
"""What keeps code readable in one sitting: files of at most 400 lines, functions of at most 60. Tests are not counted.

structure.py calls check(tree). A longer file says why in its first comment, in a sentence that begins with LONGER_FILE below.
A longer function is in LONG_FUNCTIONS with the reason why it is better whole; at most MOST_LONG may be.

    sizes.py FOLDER [LINES]    prints the functions of FOLDER that have more than LINES (60), the longest first, listed or not

A function's lines are all from its signature to its closing brace, comments and blank ones included. What is written inside it
(lambdas, local classes) is part of it; a lambda in a variable of a namespace or a class is not a function.
"""

import ast
import os
import re
import sys

import documents

FILE_LINES = 400
FUNCTION_LINES = 60
MOST_LONG = 8
LONGER_FILE = f"Longer than {FILE_LINES} lines:"

# (file, function) -> why it is better whole.
LONG_FUNCTIONS = {
    ("lib/kernels/convolution.cc", "multiply"): "the innermost loops of a network: its sums must stay in registers from the first line to the last",
}

UNCOUNTED = ("tests/", "testdata/")
OF_OTHERS = (".patch",)  # changes to another project's text: as long as they are
NOT_CODE = re.compile(r'(?P<comment>//(?:\\\n|[^\n])*|/\*.*?\*/)|R"(?P<mark>\w*)\((?:.|\n)*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"|'
                      r"(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'|^[ \t]*#(?:\\\n|[^\n])*", re.DOTALL | re.MULTILINE)
CONTAINER = re.compile(r"\b(?:namespace|class|struct|union|enum|extern)\b")
MACRO = re.compile(r"\s*[A-Z][A-Z0-9_]+\(")
LABEL = re.compile(r"\s*(?:public|private|protected)\s*:(?!:)")
NAME = re.compile(r"((?:[A-Za-z_]\w*(?:<[^<>()]*>)?\s*::\s*)*(?:operator\s*(?:\(\)|[^\s(]+|[\w:<>&* ]+?)|"
                  r"~?(?!decltype\b|requires\b|alignas\b)[A-Za-z_]\w*))\s*(?:<[^<>()]*>\s*)?\(")
SHELL_FUNCTION = re.compile(r"^([ \t]*)(?:function\s+)?([\w-]+)\s*\(\)\s*(?:\{|\()[ \t]*(?:#[^\n]*)?$", re.MULTILINE)
SCRIPT_FUNCTION = re.compile(r"^([ \t]*)(?:export\s+)?(?:default\s+)?(?:async\s+)?function\s*\*?\s*(\w+)[^\n]*\{[ \t]*$", re.MULTILINE)


def without_text(source):
    """The same code, comments, literals and preprocessor lines blanked, line numbers kept."""
    return NOT_CODE.sub(lambda match: re.sub(r"[^\n]", " ", match.group(0)), source)


def outside_brackets(text):
    """The same text, what is in round brackets blanked."""
    depth, kept = 0, []
    for c in text:
        depth -= c == ")"
        kept.append(c if depth == 0 else " ")
        depth += c == "("
    return "".join(kept)


def head_of(code, begin, opened):
    """Where what is written before the brace at `opened` begins: after access labels, macros without a semicolon, and blanks."""
    while label := LABEL.match(code, begin, opened):
        begin = label.end()
    while macro := MACRO.match(code, begin, opened):
        rest = outside_brackets(code[macro.end() - 1:opened])
        after = re.match(r"\(\s*\)[ \t]*\n\s*(?=[^\s:{])", rest)
        if not after:
            break
        begin = macro.end() - 1 + after.end()
    return begin + len(code[begin:opened]) - len(code[begin:opened].lstrip())


def opens(head):
    """What a brace after `head`, at the level of a namespace or a class, opens: 'scope', 'function' or 'value'."""
    bare = outside_brackets(head)
    while (inner := re.sub(r"<[^<>]*>", " ", bare)) != bare:
        bare = inner
    if CONTAINER.search(bare) and "(" not in bare.split("alignas")[0].split("__attribute__")[0]:
        return "scope"
    if not head.strip():
        return "scope"
    if "(" not in bare or re.search(r"(?<!operator)(?<![=!<>])=(?!=)", re.sub(r"operator\s*\S+?(?=\s*\()", "", bare)):
        return "value"
    # Of a constructor's members, those that are made in braces are followed by the next one, or by the body.
    if re.search(r"\)\s*(?:noexcept\s*)?:(?!:)", bare) and re.search(r"[\w>]\s*$", head):
        return "value"
    return "function"


def functions_of_cpp(source):
    """(name, first line, last line) of each function that has a body."""
    code = without_text(source)
    found, scopes = [], []  # what each open brace is: 'scope', 'value', or where its function begins and how it is named
    begin, round_brackets = 0, 0
    for match in re.finditer(r"[(){};]", code):
        at, c = match.start(), match.group(0)
        inside = any(scope != "scope" for scope in scopes)
        if c in "()" and not inside:
            round_brackets += 1 if c == "(" else -1
        elif c == "{":
            kind = "value"
            if not inside and round_brackets == 0:
                first = head_of(code, begin, at)
                kind = opens(code[first:at])
                if kind == "function":
                    name = NAME.search(outside_brackets(re.sub(r"^template\s*<.*?>\s*(?=[\w\[])", "", code[first:at], flags=re.DOTALL)))
                    kind = (first, re.sub(r"\s+", " ", name.group(1)) if name else "?")
                elif kind == "scope":
                    begin = at + 1
            scopes.append(kind)
        elif c == "}" and scopes:
            kind = scopes.pop()
            if isinstance(kind, tuple):
                found.append((kind[1], code.count("\n", 0, kind[0]) + 1, code.count("\n", 0, at) + 1))
            if kind == "scope" or isinstance(kind, tuple):
                begin = at + 1
        elif c == ";" and not inside and round_brackets == 0:
            begin = at + 1
    return found


def functions_of_python(source):
    return [(node.name, node.lineno, node.end_lineno) for node in ast.walk(ast.parse(source))
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]


def functions_of_script(source, pattern):
    """Of a shell's or JavaScript's source: a function ends where a brace closes at the indentation of its first line."""
    found = []
    for match in pattern.finditer(source):
        end = re.compile(r"^%s[})]" % match.group(1), re.MULTILINE).search(source, match.end())
        if end:
            found.append((match.group(2), source.count("\n", 0, match.start()) + 1, source.count("\n", 0, end.start()) + 1))
    return found


def functions_of(path, source):
    """(name, first line, last line) of the functions of a file, of whichever language it is."""
    first_line = source.split("\n", 1)[0]
    if path.endswith((".cc", ".h", ".c", ".cpp", ".hpp", ".cxx")):
        return functions_of_cpp(source)
    if path.endswith(".py") or re.match(r"#!.*\bpython", first_line):
        return functions_of_python(source)
    if path.endswith((".js", ".mjs", ".cjs")):
        return functions_of_script(source, SCRIPT_FUNCTION)
    if path.endswith((".sh", ".bash")) or re.match(r"#!.*\b(?:ba)?sh\b", first_line):
        return functions_of_script(source, SHELL_FUNCTION)
    return []


def first_comment(path, source):
    """The text of the first comment of a file; None where there is not one."""
    if path.endswith((".cc", ".h", ".c", ".cpp", ".hpp", ".cxx", ".inc", ".proto", ".js", ".mjs", ".cjs")):
        return next((text for kind, _, text in documents.strings_and_comments(source) if kind == "comment"), None)
    if path.endswith((".md", ".html", ".svg", ".xml")):
        found = re.search(r"<!--(.*?)-->", source, re.DOTALL)
    else:
        found = re.search(r'"""(.*?)"""|^[ \t]*#(?!!)[^\n]*(?:\n[ \t]*#[^\n]*)*', source, re.DOTALL | re.MULTILINE)
    return re.sub(r"\n[ \t]*#", "\n", found.group(0)) if found else None


def check_file(tree, path, source):
    lines = len(source.splitlines())
    if lines > FILE_LINES:
        comment = " ".join((first_comment(path, source) or "").split())
        if not re.search(re.escape(LONGER_FILE) + r" \w", comment):
            tree.stray(path, 0, f"has {lines} lines, expected at most {FILE_LINES}: split it, or give the reason in its first comment "
                                f"('{LONGER_FILE} ...')")


def check_functions(tree, sources, listed):
    long = {}
    for path, source in sources:
        for name, first, last in functions_of(path, source):
            if last - first + 1 > FUNCTION_LINES:
                long.setdefault((path, name), []).append((first, last - first + 1))
    for (path, name), places in long.items():
        for first, lines in places[0 if (path, name) not in listed else 1:]:
            tree.stray(path, first, f"{name} has {lines} lines, expected at most {FUNCTION_LINES}")
    for path, name in listed:
        if (path, name) not in long and path in tree.known:
            tree.stray(path, 0, f"{name} is in the list of long functions, but is not one: take it off")
    if len(listed) > MOST_LONG:
        tree.stray("tests/structure/sizes.py", 0, f"lists {len(listed)} long functions, expected at most {MOST_LONG}")


def counted(tree):
    """(path, text) of each file of ours outside of tests that is text."""
    for path in tree.files:
        if not path.startswith(UNCOUNTED) and not path.endswith(OF_OTHERS):
            try:
                source = tree.read(path)
            except OSError:  # structure.py says so
                continue
            if "\0" not in source:
                yield path, source


def check(tree, listed=None):
    sources = list(counted(tree))
    for path, source in sources:
        check_file(tree, path, source)
    check_functions(tree, sources, LONG_FUNCTIONS if listed is None else listed)


def main(arguments):
    import structure  # which imports this module

    if len(arguments) not in (1, 2) or not arguments[-1].isdigit() and len(arguments) == 2:
        print("usage: sizes.py FOLDER [LINES]", file=sys.stderr)
        return 2
    most = int(arguments[1]) if len(arguments) == 2 else FUNCTION_LINES
    rows = [(last - first + 1, f"{path}:{first}", name) for path, source in counted(structure.Tree(arguments[0]))
            for name, first, last in functions_of(path, source) if last - first + 1 > most]
    for lines, place, name in sorted(rows, reverse=True):
        print(f"{lines:4} {place} {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
