"""Which standard header a name comes from: a file includes it itself, or a header of ours that it includes does.

Builds have these headers precompiled, so that the compiler would not miss one. structure.py calls check(tree).
"""

import re

NAMES = {
    "algorithm": "adjacent_find|all_of|any_of|binary_search|clamp|copy|copy_if|copy_n|count|count_if|equal|fill|fill_n|find|find_if|"
                 "find_if_not|for_each|generate|is_permutation|is_sorted|lower_bound|max|max_element|min|min_element|minmax|mismatch|"
                 "none_of|nth_element|partition|remove|remove_if|replace|reverse|rotate|sample|search|shuffle|sort|stable_partition|"
                 "stable_sort|transform|unique|upper_bound",
    "array": "array",
    "cmath": "ceil|erf|exp|fabs|floor|fma|frexp|hypot|isfinite|isinf|isnan|ldexp|log|log10|log2|lround|nearbyint|pow|rint|round|"
             "sqrt|tanh",
    "cstdint": "u?int(?:8|16|32|64)_t|uintptr_t",
    "cstring": "memchr|memcmp|memcpy|memmove|memset|strcmp|strlen",
    "filesystem": "filesystem",
    "functional": "function|greater|hash|invoke|less|multiplies|plus|reference_wrapper",
    "limits": "numeric_limits",
    "map": "map|multimap",
    "memory": "addressof|make_shared|make_unique|shared_ptr|unique_ptr|weak_ptr",
    "optional": "make_optional|nullopt|optional",
    "set": "multiset|set",
    "span": "as_bytes|as_writable_bytes|span",
    "string": "getline|stoi|stoll|string|to_string",
    "string_view": "string_view",
    "unordered_map": "unordered_map",
    "utility": "as_const|exchange|forward|index_sequence|make_index_sequence|move|pair|swap",
    "variant": "get_if|holds_alternative|monostate|variant|visit",
    "vector": "vector",
}
NEEDS = {header: re.compile(rf"\bstd::(?:{names})\b") for header, names in NAMES.items()}
PARTS = "-inl.h"  # compiled within another file, once for each instruction set


def headers_of(tree, path, seen):
    """The standard headers that `path` includes, and the headers of ours that it includes."""
    seen.add(path)
    found = set()
    for angle, name, _ in tree.includes[path]:
        if angle:
            found.add(name)
        elif name in tree.includes and name not in seen:
            found |= headers_of(tree, name, seen)
    return found


def check(tree, without_comments):
    for path in tree.sources:
        if path.endswith(PARTS) or not path.endswith((".cc", ".h")):
            continue
        code, there = without_comments(tree.texts[path]), headers_of(tree, path, set())
        for header, names in NEEDS.items():
            used = None if header in there else names.search(code)
            if used:
                line = code.count("\n", 0, used.start()) + 1
                tree.stray(path, line, f"{used.group(0)} comes from <{header}>, which neither it nor what it includes includes")
