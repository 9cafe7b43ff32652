# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
"""Whether the JSON Schema and sockform agree, as TAP. Arguments: sockform, the schema, manifests.

Every manifest, and many made from them by one fault each, goes to `sockform validate` and to
python3-jsonschema. The schema has to accept whatever sockform accepts; and it has to reject
whatever sockform rejects for a structural reason, which STRUCTURAL and EXCEPTIONS define.
"""
import copy
import functools
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import typing
from concurrent.futures import ThreadPoolExecutor

import jsonschema
import yaml

# What a schema can know. All other codes are about YAML, references, places that exclude each other
# or the text of bodies.
STRUCTURAL = {
    "E0201": "unknown key",
    "E0202": "missing key",
    "E0203": "wrong type",
    "E0204": "a name that is none",
    "E0205": "a number out of range",
    "E0206": "an unknown word",
    "E0207": "another version",
    "E0209": "a name that is too long for the kernel",
    "E0226": "a flag that the type does not take",
    "E0305": "an argument that a block does not take",
    "E0307": "a block that the program type does not have",
    "E0309": "an empty body",
}

NUMBER = re.compile(r"[-+]?(0[xX][0-9A-Fa-f]+|[0-9]+)")
UNUSUAL_NUMBER = re.compile(r"([-+]0[xX]|0X)[0-9A-Fa-f]+")


class Scalar(typing.NamedTuple):
    value: object  # what YAML makes of it
    text: str


def is_number(scalar):
    return isinstance(scalar.value, (int, float)) and not isinstance(scalar.value, bool)


def is_text_of_number(scalar):
    """Text for YAML, a number for sockform: +0x10, or "16" as an argument of a block."""
    return isinstance(scalar.value, str) and NUMBER.fullmatch(scalar.text)


def is_text_of_unusual_number(scalar):
    """Of those what sockform reads without quotes, which a schema cannot see."""
    return isinstance(scalar.value, str) and UNUSUAL_NUMBER.fullmatch(scalar.text)


def is_unread_number(scalar):
    """A whole number for YAML in a spelling that sockform does not read: 0o17, 1e3, 1.0."""
    return is_number(scalar) and scalar.value % 1 == 0 and not NUMBER.fullmatch(scalar.text)


# What carries a structural code and is none all the same: code, part of the message, what the value
# has to be (None: any), why a schema cannot know.
def is_substituted(scalar):
    """What it is, its parameters say."""
    return "${" in scalar.text


EXCEPTIONS = [
    ("E0203", r"", is_substituted, "the schema sees the parameter's name, sockform its value"),
    ("E0204", r"", is_substituted, "the schema sees the parameter's name, sockform its value"),
    ("E0205", r"", is_substituted, "the schema sees the parameter's name, sockform its value"),
    ("E0206", r"", is_substituted, "the schema sees the parameter's name, sockform its value"),
    ("E0305", r"", is_substituted, "the schema sees the parameter's name, sockform its value"),
    ("E0205", r"^the number has to be|^an offset has to be", None,
     "it stands in assembly text"),
    ("E0205", r"^\"|^the kernel takes only|^an? \w+ has values of", is_text_of_number,
     "a pattern has no ranges"),
    ("E0205", r" bytes, with keys of ", None,
     "it depends on two numbers together"),
    ("E0305", r"has to be", is_text_of_number,
     "a pattern has no ranges"),
    ("E0203", r"has to be a whole number", is_unread_number,
     "YAML reads the number, sockform its spelling"),
    ("E0305", r"has to be", is_unread_number,
     "YAML reads the number, sockform its spelling"),
    ("E0203", r"has to be a whole number", is_text_of_unusual_number,
     "quoted it is text; without quotes it is text for YAML, and a number for sockform"),
    ("E0206", r"^no flag of", is_unread_number,
     "YAML reads the number, sockform its spelling"),
    ("E0206", r"^no flag of", is_text_of_unusual_number,
     "without quotes it is text for YAML, and a number for sockform"),
    ("E0226", r"", is_number,
     "a number has as many flags as it has bits"),
    ("E0226", r"", is_text_of_number,
     "a number has as many flags as it has bits"),
    ("E0226", r" together$", None,
     "each of them is taken"),
    ("E0204", r"", is_number,
     "a number has no characters"),
    ("E0305", r"^\"self\" needs a key layout", None,
     "the layout is another object's, the map's"),
    ("E0305", r"^match (needs|takes)|^what is compared reaches|^\"offset\" needs|^lookup needs|^no socket is", None,
     "it depends on the arguments together"),
    ("E0305", r"^on_established needs|^a number is no key of|^the keys of|^the values of"
              r"|^a socket cannot tell", None,
     "it depends on what the map is"),
    ("E0305", r"has bits behind its prefix|^IPv4 inside of IPv6", None,
     "a pattern has no masks"),
    ("E0305", r"has to be an IPv6 address|has to be a port or a range|has to be 1 to 63 bytes"
              r"|has to be text of 1 to 63", None,
     "the pattern is simpler than the rule"),
    ("E0305", r"^a sock_ops program has no verdict", None,
     "it depends on the program's type and on other arguments"),
    ("E0307", r" cannot call | takes a licence | cannot read .* the key of | cannot load from ", None,
     "it depends on what the instructions are, and on other objects"),
    ("E0307", r" has no payload to match", None,
     "it depends on the arguments together"),
    ("E0309", r"can fall off its end", None,
     "it depends on what the instructions are"),
]

CORE = [
    (re.compile(r"(null|Null|NULL|~|)"), lambda text: None),
    (re.compile(r"(true|True|TRUE|false|False|FALSE)"), lambda text: text[0] in "tT"),
    (re.compile(r"[-+]?[0-9]+"), int),
    (re.compile(r"0o[0-7]+"), lambda text: int(text[2:], 8)),
    (re.compile(r"0x[0-9a-fA-F]+"), lambda text: int(text[2:], 16)),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), float),
    (re.compile(r"[-+]?(\.inf|\.Inf|\.INF)|\.nan|\.NaN|\.NAN"),
     lambda text: float(text.lower().replace(".", ""))),
]


class NotJson(Exception):
    """There is no JSON that a loader could make of this."""


# In "{ map: ${map} }" sockform reads a parameter, where others take the first "}" for the mapping's
# end (lib/yaml/guard.c). What others make of the quoted form is what it means.
SUBSTITUTION = re.compile(rb"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
GUARDED = re.compile("\U0010FFFE([A-Za-z_][A-Za-z0-9_]*)\U0010FFFF")


def guard(text):
    return SUBSTITUTION.sub(
        lambda m: "\U0010FFFE".encode() + m[1] + "\U0010FFFF".encode(), text)


def resolve(event):
    """A scalar by the core schema of YAML 1.2 (section 10.3)."""
    event.value = GUARDED.sub(r"${\1}", event.value)
    if event.style in (None, "") and event.tag != "tag:yaml.org,2002:str":
        for pattern, read in CORE:
            if pattern.fullmatch(event.value):
                return read(event.value)
    return event.value


class Loader:
    """The documents of a text as JSON, and its scalars by line and column (from 1)."""

    MOST_NODES = 20000  # aliases counted as often as they stand

    def __init__(self, text):
        self.scalars = {}
        self.anchors = {}
        self.documents = []
        try:
            self.events = iter(list(yaml.parse(guard(text), getattr(yaml, "CSafeLoader", yaml.SafeLoader))))
        except (yaml.YAMLError, UnicodeError, ValueError) as error:
            raise NotJson(str(error)) from error
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                self.anchors = {}
                document, _ = self.node(next(self.events))
                if document is not None:
                    self.documents.append(document)

    def node(self, event):
        """The value that begins with the event, and how many nodes it has."""
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self.anchors:
                raise NotJson("an alias without an anchor")
            value, weight = self.anchors[event.anchor]
        elif isinstance(event, yaml.ScalarEvent):
            value, weight = resolve(event), 1
            mark = event.start_mark
            self.scalars[mark.line + 1, mark.column + 1] = Scalar(value, event.value)
        elif isinstance(event, yaml.SequenceStartEvent):
            value, weight = self.sequence()
        else:
            value, weight = self.mapping()
        if weight > self.MOST_NODES:
            raise NotJson("too many nodes")
        if getattr(event, "anchor", None) and not isinstance(event, yaml.AliasEvent):
            self.anchors[event.anchor] = value, weight
        return value, weight

    def sequence(self):
        items, weight = [], 1
        for event in self.events:
            if isinstance(event, yaml.SequenceEndEvent):
                return items, weight
            item, more = self.node(event)
            items.append(item)
            weight += more

    def mapping(self):
        pairs, weight = {}, 1
        for event in self.events:
            if isinstance(event, yaml.MappingEndEvent):
                return pairs, weight
            if not isinstance(event, yaml.ScalarEvent):
                raise NotJson("a key that is no word")
            value, more = self.node(next(self.events))
            pairs.setdefault(event.value, value)  # twice: sockform says so, and reads the first
            weight += more


class Case:
    """A manifest: where it comes from, its text, and what both say."""

    def __init__(self, origin, text, options=()):
        self.origin, self.text, self.options = origin, text, options
        self.diagnostics, self.accepted, self.crash = [], False, None
        self.loader, self.reason, self.path = None, None, ""
        try:
            self.loader = Loader(text)
        except NotJson as error:
            self.reason = str(error)

    def ask_sockform(self, sockform, folder):
        # Beside a folder "include", as in tests/golden.
        path = os.path.join(folder, "cases", "%x.yaml" % id(self))
        self.path = path
        with open(path, "wb") as file:
            file.write(self.text)
        result = subprocess.run([sockform, "validate", "-o", "json", *self.options, path],
                                capture_output=True, check=False)
        os.unlink(path)
        self.accepted = result.returncode == 0
        if result.returncode not in (0, 2):
            self.crash = "exit code %d" % result.returncode
        elif result.stderr:
            self.diagnostics = json.loads(result.stderr)["diagnostics"]
        errors = any(it["severity"] == "error" for it in self.diagnostics)
        if not self.crash and errors == self.accepted:
            self.crash = "exit code %d, and %s errors" % (
                result.returncode, "some" if errors else "no")

    def structural(self, used):
        """The first diagnostic that a schema has to see, or None. `used` collects exceptions."""
        for diagnostic in self.diagnostics:
            # What is wrong in an included file or a file of values is no fault of this one.
            elsewhere = not (diagnostic.get("file") or self.path).endswith(self.path)
            if diagnostic["code"] in STRUCTURAL and not elsewhere and \
                    not self.excepted(diagnostic, used):
                return diagnostic
        return None

    def scalar_at(self, line, column):
        """The one that begins there, or in which a parameter stands there."""
        scalar = self.loader.scalars.get((line, column))
        before = [c for l, c in self.loader.scalars if l == line and c < column]
        if scalar or not before:
            return scalar
        scalar = self.loader.scalars[line, max(before)]
        return scalar if is_substituted(scalar) else None

    def excepted(self, diagnostic, used):
        place = diagnostic.get("line"), diagnostic.get("column")
        scalar = self.scalar_at(*place) if self.loader and None not in place else None
        for i, (code, message, value, _) in enumerate(EXCEPTIONS):
            if code == diagnostic["code"] and re.search(message, diagnostic["message"]) and \
                    (value is None or scalar and value(scalar)):
                used.add(i)
                return True
        return False


def pattern(validator, regex, instance, schema):
    """As ECMA 262 has it: $ does not match before a line break at the end, \\d and \\w are ASCII."""
    regex = regex[:-1] + r"\Z" if regex.endswith("$") else regex
    if isinstance(instance, str) and not re.search(regex, instance, re.ASCII):
        yield jsonschema.ValidationError("%r does not match %r" % (instance, regex))


Validator = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"pattern": pattern})


class Resolver(jsonschema.RefResolver):
    """Searches the schema once for each reference, not at each use."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.resolve = functools.cache(self.resolve)


def validator_of(schema):
    return Validator(schema, resolver=Resolver.from_schema(schema))


def accepts(validator, case):
    return all(validator.is_valid(document) for document in case.loader.documents)


# Cases from cases: one fault each.

VALUES = [None, [], {}, "bogus", "", 0, -1, 1 << 33, 1 << 70, 1.5, True, "true", "0x10", ["x"],
          {"x": "y"}, "r0", "r3", "r11", "a b", "9", "sockmap", "pass", "[::1]:80"]

SPELLINGS = ["0o17", "0x1F", "0X1F", "+0x8", "-0x1", "0XFFFFFFFFFFFFF", "+4", "-4", "1_000", "010",
             "1e3", "1e-3", "1.0", ".5", ".inf", ".nan", "true", "True", "yes", "null", "Null",
             "NULL", "~", "2001-01-01", "1:30", "'4'", '"0x4"', "'-0x80000001'", "4 # four",
             "\"a\\n\"", "\"4\\n\"", "|\n  4\n"]

PLACEHOLDER = "@@@"


def places(value, path=()):
    """Every path in a value: a tuple of keys and indices."""
    yield path
    items = value.items() if isinstance(value, dict) else \
        enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, path + (key,))


def at(value, path):
    for key in path:
        value = value[key]
    return value


def faults(document):
    """(what was done, the document with it) for every fault at every place."""
    for path in places(document):
        here = at(document, path)
        if path:
            for other in VALUES:
                if other != here or isinstance(other, bool) != isinstance(here, bool):
                    yield replaced(document, path, other, "is %r" % (other,))
            yield replaced(document, path, str(here), "is text")
        if isinstance(here, dict):
            yield changed(document, path, lambda it: it.update(colour=1), "has an unknown key")
            for key in here:
                yield changed(document, path, lambda it, key=key: it.pop(key), "lacks " + key)
                for name in (key[:-1], key.upper(), "9" + key, key + "-", "n" * 101):
                    yield changed(document, path, lambda it, key=key, name=name: rename(
                        it, key, name), "has %s for %s" % (name[:20], key))
        if isinstance(here, list):
            for extra in (None, 5, "bogus", {}, here[:1] and copy.deepcopy(here[0])):
                yield changed(document, path, lambda it, extra=extra: it.append(extra),
                              "has an item more")


def single_items(document):
    for path in places(document):
        here = at(document, path)
        if isinstance(here, list) and len(here) > 1:
            for i, item in enumerate(here):
                yield replaced(document, path, [copy.deepcopy(item)], "has only item %d" % i)


def reductions(document):
    """The document with one key of a section or one item of a list alone: of many faults one."""
    yield from single_items(document)
    for section, here in document.items() if isinstance(document, dict) else ():
        for key in here if isinstance(here, dict) and len(here) > 1 else ():
            what, alone = replaced(
                document, (section,), {key: copy.deepcopy(here[key])}, "has only " + str(key))
            yield what, alone
            yield from ((what + ", " + more, reduced) for more, reduced in single_items(alone))


def rename(mapping, key, name):
    pairs = [(name if other == key else other, value) for other, value in mapping.items()]
    mapping.clear()
    mapping.update(pairs)


def changed(document, path, change, what):
    document = copy.deepcopy(document)
    change(at(document, path))
    return "/".join(map(str, path)) + " " + what, document


def replaced(document, path, value, what):
    return changed(document, path[:-1], lambda it: it.__setitem__(path[-1], value), what) \
        if path else ("", document)


def spellings(document):
    """The document as text, with one scalar spelled in another way."""
    for path in places(document):
        if isinstance(at(document, path), (dict, list)):
            continue
        _, marked = replaced(document, path, PLACEHOLDER, "")
        text = block_style(marked)
        for spelling in SPELLINGS:
            yield "%s: %s" % ("/".join(map(str, path)), spelling.strip()), \
                text.replace(json.dumps(PLACEHOLDER), spelling)


def block_style(value, indent=""):
    """YAML with a scalar a line, so that any spelling can stand in its place."""
    if isinstance(value, dict) and value:
        return "".join("\n%s%s: %s" % (indent, key, block_style(inner, indent + "  "))
                       for key, inner in value.items())
    if isinstance(value, list) and value:
        return "".join("\n%s- %s" % (indent, block_style(inner, indent + "  ")) for inner in value)
    return json.dumps(value)


def map_sizes(schema):
    """Every kind of map with every combination of what its size may depend on."""
    kinds = schema["$defs"]["map"]["properties"]["type"]["anyOf"][0]["enum"]
    for kind in kinds:
        for key in (None, ["cookie"], ["local_ip4", "local_port"]):
            for key_size in (None, 4, 6, 8, 16):
                for value_size in (None, 4, 8, 12):
                    given = {"type": kind, "max_entries": 1, "key": key, "key_size": key_size,
                             "value_size": value_size}
                    given = {word: value for word, value in given.items() if value is not None}
                    yield " ".join("%s=%s" % pair for pair in given.items()), \
                        {"sockform": "v1", "name": "sizes", "maps": {"m": given}}


def bare_blocks(schema):
    """Every block as a string, as a key without arguments, and with none."""
    for name, block in schema["$defs"]["body_item"]["properties"].items():
        types = re.search(r"Programs: (\w+)", block["description"])
        kind = types.group(1) if types else "sk_skb"
        for item in (name, " %s\n" % name, {name: None}, {name: {}}, {name: []}, {name: "x"},
                     {name: {"colour": 1}}, [name], {name: None, "exit_insn": None}):
            # A verdict ends a body, and what stands behind it is not reached.
            for end in ([], ["exit"]):
                yield "%s: %r" % (kind, [item] + end), {
                    "sockform": "v1", "name": "bare",
                    "programs": {"p": {"type": kind, "body": [item] + end}}}


# The one that has every key is varied in every way, the others in so many.
EVERY_WAY = "good/whole.yaml"
SOME_FAULTS, SOME_SPELLINGS = 40, 15
LARGEST_VARIED = 50000  # bytes, as JSON
# Templates that are expanded until a limit stops them, and so is what is made from them.
UNVARIED = {"bad/template-bomb.yaml", "bad/template-instructions.yaml"}


def variations(case, chance):
    """What can be made from a good manifest: (what was done, text)."""
    document, = case.loader.documents
    wrong = [(what, json.dumps(other)) for what, other in faults(document)]
    spelled = list(spellings(document))
    if case.origin != EVERY_WAY:
        wrong = chance.sample(wrong, min(SOME_FAULTS, len(wrong)))
        spelled = chance.sample(spelled, min(SOME_SPELLINGS, len(spelled)))
    for what, text in wrong + spelled:
        yield "%s: %s" % (case.origin, what), text


def options_of(path):
    """Those of a golden case; a path among them is from the folder of the cases."""
    options = os.path.splitext(path)[0] + ".args"
    if not os.path.exists(options):
        return []
    with open(options, encoding="utf-8") as file:
        return [word.replace("include/", "tests/golden/include/", 1)
                if word.startswith("include/") else word for word in file.read().split()]


def corpus(paths, schema, ask):
    """All cases; `ask` asks sockform about a list of them."""
    cases = []
    for path in paths:
        with open(path, "rb") as file:
            cases.append(Case("/".join(path.split("/")[-2:]), file.read(), options_of(path)))
    ask(cases)
    made = [(what, json.dumps(document))
            for what, document in list(map_sizes(schema)) + list(bare_blocks(schema))]
    chance = random.Random("sockform")  # the same at every run
    for case in cases:
        if not case.loader or len(case.loader.documents) != 1 or case.origin in UNVARIED:
            continue
        # Programs of as many instructions as there can be take their time, and are nothing new here.
        if len(json.dumps(case.loader.documents[0])) > LARGEST_VARIED:
            continue
        if case.accepted:
            made += variations(case, chance)
        else:
            made += [("%s: %s" % (case.origin, what), json.dumps(document))
                     for what, document in reductions(case.loader.documents[0])]
    made = [Case(what, text.encode()) for what, text in made]
    ask(made)
    return cases + made


def without(schema, keyword):
    """The schema with a keyword left out everywhere: what the corpus has to notice."""
    if isinstance(schema, dict):
        return {key: without(value, keyword) for key, value in schema.items()
                if key != keyword}
    if isinstance(schema, list):
        return [without(value, keyword) for value in schema]
    return schema


def keys_of(schema, part, value, seen, known):
    """Walks a value along the schema: the keys that it has go to `seen`, those it could to `known`."""
    if "$ref" in part:
        part = schema["$defs"][part["$ref"].rpartition("/")[2]]
    where = part.get("title")
    for key in part.get("properties", {}):
        known.add((where, key))
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in part.get("properties", {}):
                seen.add((where, key))
            rest = part.get("additionalProperties") or {}
            keys_of(schema, part.get("properties", {}).get(key, rest), inner, seen, known)
    elif isinstance(value, list):
        for inner in value:
            keys_of(schema, part.get("items", {}), inner, seen, known)


def undescribed(schema):
    """Keys of manifests whose values an editor would say nothing of."""
    for part in [schema] + list(schema["$defs"].values()):
        for key, value in part.get("properties", {}).items():
            for what in (value, value.get("additionalProperties", True)):
                if isinstance(what, dict) and "description" not in what and "$ref" not in what:
                    yield "%s of %s" % (key, part.get("title"))


def unused_keys(schema, cases):
    """Keys, blocks and arguments that no manifest has which sockform accepts."""
    seen, known = set(), set()
    for case in cases:
        for document in case.loader.documents if case.accepted and case.loader else ():
            keys_of(schema, schema, document, seen, known)
    for part in schema["$defs"]["body_item"]["properties"].values():
        keys_of(schema, part, None, seen, known)
    return sorted("%s of %s" % (key, where) for where, key in known - seen)


def main():
    sockform, schema_path, paths = sys.argv[1], sys.argv[2], sys.argv[3:]
    count = 0

    def point(name, complaints):
        nonlocal count
        count += 1
        print("%s %d - %s" % ("not ok" if complaints else "ok", count, name))
        for complaint in complaints[:20]:
            print("# " + str(complaint).replace("\n", "\n# "))

    with open(schema_path, encoding="utf-8") as file:
        schema = json.load(file)
    try:
        Validator.check_schema(schema)
        point("the schema is one of draft 2020-12", [])
    except jsonschema.SchemaError as error:
        point("the schema is one of draft 2020-12", [error.message])

    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        os.mkdir(os.path.join(folder, "cases"))
        os.symlink(os.path.abspath("tests/golden/include"), os.path.join(folder, "include"))
        cases = corpus(paths, schema, lambda some: list(
            pool.map(lambda case: case.ask_sockform(sockform, folder), some)))
    point("sockform ends in order", [case.origin + ": " + case.crash for case in cases if case.crash])

    validator = validator_of(schema)
    used, too_strict, too_lax, structural = set(), [], [], []
    both_accept = both_reject = other = no_json = 0
    for case in cases:
        reason = case.structural(used)
        if not case.loader:
            no_json += 1
            if case.accepted:
                too_strict.append("%s: not YAML: %s" % (case.origin, case.reason))
            continue
        verdict = accepts(validator, case)
        if case.accepted and not verdict:
            errors = [error.message for document in case.loader.documents
                      for error in validator.iter_errors(document)]
            too_strict.append("%s: %s" % (case.origin, errors[:2]))
        elif case.accepted:
            both_accept += 1
        elif reason and verdict:
            too_lax.append("%s: %s %s" % (case.origin, reason["code"], reason["message"]))
        elif not verdict:
            both_reject += 1
        else:
            other += 1
        if reason and not verdict:
            structural.append(case)
    point("the schema accepts all that sockform accepts", too_strict)
    point("the schema rejects all that sockform rejects for its structure", too_lax)
    point("the corpus is large enough",
          ["%d, %d, %d" % (len(cases), both_accept, both_reject)]
          if len(cases) < 200 or both_accept < 100 or both_reject < 100 else [])
    point("every key, block and argument is in a manifest that is accepted",
          unused_keys(schema, cases))
    point("every key has a description", list(undescribed(schema)))
    point("every exception is needed", ["%s %s" % EXCEPTIONS[i][:2] for i in range(len(EXCEPTIONS))
                                        if i not in used])
    for keyword in ("additionalProperties", "required", "type", "enum", "const", "pattern",
                    "minimum", "maximum", "minItems", "minProperties", "maxProperties",
                    "propertyNames", "if"):
        weaker = validator_of(without(schema, keyword))
        point("the corpus notices a schema without \"%s\"" % keyword,
              [] if any(accepts(weaker, case) for case in structural) else ["nothing changed"])
    print("# %d manifests: %d accepted by both, %d rejected by both, %d rejected by sockform only, "
          "for no structural reason, %d not JSON" % (len(cases), both_accept, both_reject, other,
                                                     no_json))
    print("1..%d" % count)


main()
