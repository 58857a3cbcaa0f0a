#!/usr/bin/env python3
"""What keeps the documents honest: links that resolve, a README that stays short, and words that a native speaker would use.

structure.py calls check(tree). The words are checked in documents, and in what the program says (WORDED, COMMENTED below).

    documents.py FOLDER string|comment PARTS...    prints the phrases in string literals, or in comments, of all sources below the
                                                   folders PARTS of FOLDER, whether or not they are in those lists
"""

import os
import posixpath
import re
import sys

README_LINES = 150  # at most

# Phrases, and what to write instead. Each is a pattern that ignores case and takes a line break for a space.
PHRASES = [
    (r"\bbehind\b", "after, downstream of, or beside"),
    (r"\bin front\b", "before"),
    (r"(?<!there\s)\b(?:is|are) no\b(?! (?:longer|more)\b)", "is not, has no, or there is no"),
    (r"(?<!there\s)\b(?:is|are) none\b(?! of)", "is not one"),
    (r"\bnone of (?:ours|its own)\b", "not ours, not its own"),
    (r"\brunning figures?\b", "running statistics"),
    (r"\bbatch norm(?:alization)? apart\b", "unfused batch norm"),
    (r"\bour own fault\b", "internal error"),
    (r"\bstands\b(?! for\b)", "is"),
    (r"\bstand (?:alone|apart|right)\b", "takes no ..., unfolded, directly"),
    (r"\bstood in for\b", "replaced"),
    (r"\btells?\b(?! apart)", "says, prints, shows"),
    (r"\b(?:go|goes|going|gone|went) on\b", "continue, resume"),
    (r"\b(?:begins?|began|begun|made?|makes?|built) (?:it )?anew\b", "start over, rebuild"),
    (r"\bno number any ?more\b", "no longer finite"),
    (r"\bnot finite any ?more\b", "no longer finite"),
    (r"--[a-z-]+ (?:says otherwise|names another|tells)\b", "override with --x"),
    (r"\bof the descent\b", "of SGD"),
    (r"\bwhat decays\b", "weight decay for"),
    (r"\ba tenth of the rate\b", "a tenth of the learning rate"),
    (r"\bwhatever it was\b", "make ... dynamic"),
    (r"\blight file\b", "structure only"),
    (r"\bas it lies\b", "memory-mapped, in place"),
    (r"\bin turns with\b", "interleaved with"),
    (r"\blongest time goes?\b", "least recently used are removed first"),
    (r"\bchecksum does not fit\b", "checksum mismatch"),
]
PATTERNS = [(re.compile(phrase.replace(" ", r"\s+"), re.IGNORECASE), better) for phrase, better in PHRASES]

# Folders whose messages and help texts (the string literals of their sources) are checked, and those whose comments are, too.
# A folder comes here when its words have been put right.
WORDED = ("cli", "formats", "include", "lib", "tests", "tools")
COMMENTED = WORDED

TOKEN = re.compile(r'//(?P<line>[^\n]*)|/\*(?P<block>.*?)\*/|R"\((?P<raw>(?:.|\n)*?)\)"|"(?P<text>(?:\\.|[^"\\\n])*)"|\'(?:\\.|[^\'\\\n])\'',
                   re.DOTALL)
LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
ESCAPES = {r"\n": "\n", r"\t": " ", r"\"": '"'}


def documents(tree):
    """Every document of ours. What a command printed is not one: testdata/ has such files, besides its READMEs."""
    return [f for f in tree.files if f.endswith(".md") and (not f.startswith("testdata/") or os.path.basename(f) == "README.md")]


def without_code(text):
    """The same text, fenced blocks and code in backticks blanked, line numbers kept."""
    blank = lambda match: re.sub(r"[^\n]", " ", match.group(0))
    text = re.sub(r"^[ \t]*(```+|~~~+).*?^[ \t]*\1[^\n]*$", blank, text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`\n]*`", blank, text)


def headings(text):
    """The anchors of a document's headings, as the forges make them."""
    found = set()
    for title in re.findall(r"^#{1,6}[ \t]+(.+?)[ \t]*#*$", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE), re.MULTILINE):
        title = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", title)
        anchor = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        name, number = anchor, 0
        while name in found:
            number += 1
            name = f"{anchor}-{number}"
        found.add(name)
    return found


def check_links(tree):
    """A link is to a file or a folder of ours that is there, and to a heading that it has; addresses elsewhere are not opened."""
    folders = {"/".join(f.split("/")[:n]) for f in tree.files for n in range(1, f.count("/") + 1)}
    anchors = {}
    for path in documents(tree):
        text = without_code(tree.read(path))
        for match in LINK.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            target, _, anchor = match.group(1).partition("#")
            if re.match(r"[a-z][a-z0-9+.-]*:", target):
                continue
            to = posixpath.normpath(posixpath.join(posixpath.dirname(path), target)) if target else path
            if target.startswith("/") or (to not in tree.known and to not in folders):
                tree.stray(path, line, f"links to {match.group(1)}, which is not there")
            elif anchor:
                if to not in anchors:
                    anchors[to] = headings(tree.read(to)) if to in tree.known else set()
                if anchor not in anchors[to]:
                    tree.stray(path, line, f"links to {match.group(1)}, but {to} has no such heading")


def check_length(tree):
    if "README.md" in tree.known and (lines := len(tree.read("README.md").splitlines())) > README_LINES:
        tree.stray("README.md", 0, f"has {lines} lines, expected at most {README_LINES}: details belong in docs/")


def check_words(tree, path, text, first_line=1):
    for pattern, better in PATTERNS:
        for match in pattern.finditer(text):
            found = " ".join(match.group(0).split())
            tree.stray(path, first_line + text.count("\n", 0, match.start()), f"says '{found}': write {better}")


def check_words_of_documents(tree):
    for path in documents(tree):
        # In *emphasis* a phrase is quoted. Output in code blocks is checked, too: it is what the program says.
        quoted = re.sub(r"(?<!\*)\*[^*\n]+\*(?!\*)", lambda m: " " * len(m.group(0)), tree.read(path))
        check_words(tree, path, quoted)


def strings_and_comments(source):
    """(kind, line, text): string literals, those that the compiler joins as one, and comments, those of adjacent lines as one."""
    found, end = [], 0
    for match in TOKEN.finditer(source):
        kind = "comment" if match.group("line") is not None or match.group("block") is not None else "string"
        text = next((match.group(name) for name in ("line", "block", "raw", "text") if match.group(name) is not None), None)
        if text is None:  # a character
            continue
        if match.group("text") is not None:
            text = re.sub(r'\\[nt"]', lambda m: ESCAPES[m.group(0)], text)
        adjacent = found and found[-1][0] == kind and not source[end:match.start()].strip()
        if adjacent and (kind == "string" or source.count("\n", end, match.start()) == 1):
            found[-1] = (kind, found[-1][1], found[-1][2] + ("\n" if kind == "comment" else "") + text)
        else:
            found.append((kind, source.count("\n", 0, match.start()) + 1, text))
        end = match.end()
    return found


def check_words_of_sources(tree, folders, kind):
    """`kind`: "string" (what the program says) or "comment", of all sources below these folders. The line is where it begins."""
    for path in tree.sources:
        if not path.startswith(tuple(folder.rstrip("/") + "/" for folder in folders)):
            continue
        for its_kind, line, text in strings_and_comments(tree.texts[path]):
            if its_kind == kind:
                check_words(tree, path, " ".join(text.split()), line)


def check(tree):
    check_links(tree)
    check_length(tree)
    check_words_of_documents(tree)
    check_words_of_sources(tree, WORDED, "string")
    check_words_of_sources(tree, COMMENTED, "comment")


def main(arguments):
    import structure  # which imports this module

    if len(arguments) < 3 or arguments[1] not in ("string", "comment"):
        print("usage: documents.py FOLDER string|comment PARTS...", file=sys.stderr)
        return 2
    tree = structure.Tree(arguments[0])
    check_words_of_sources(tree, arguments[2:], arguments[1])
    print("".join(line + "\n" for line in tree.strays), end="")
    return 1 if tree.strays else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
