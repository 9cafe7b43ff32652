#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
"""What verbs write with -o json is as its schema says, as TAP: real output of every kind, and each
change of it that a script would stumble over is refused. The arguments are the sockform to ask and
the folder of the schemas."""
import copy
import json
import os
import shutil
import subprocess
import sys
import tempfile

try:
    import jsonschema
    jsonschema.Draft202012Validator
except (ImportError, AttributeError):
    print("1..0 # SKIP python3-jsonschema is missing")
    sys.exit(0)

SOCKFORM, SCHEMAS = sys.argv[1:]
PINS = "/sys/fs/bpf/sockform"
NAME = f"sockform-test-results-{os.getpid()}"
OTHERS = [f"sockform-test-results-{which}-{os.getpid()}" for which in "ab"]
MANIFEST = """sockform: v1
name: {name}
maps:
  pairs: {{ type: sockhash, key: [cookie], max_entries: {entries} }}
  {helper}: {{ type: array, value_size: 8, max_entries: 4 }}
programs:
  verdict: {{ type: sk_skb, body: [ r0 = {verdict}, exit ] }}
attachments:
  - {{ program: verdict, target: pairs, attach_type: stream_verdict }}
"""

# Keys whose values are words of a table, or follow a pattern.
WORDS = ("action", "object", "status", "attach_type", "type", "remedy", "digest")

count = 0
outputs = []  # (schema, value), those that were as they should be


def point(name, faults):
    """One point of TAP, with what is wrong."""
    global count
    count += 1
    print(f"{'not ok' if faults else 'ok'} {count} - {name}")
    for fault in faults[:20]:
        print(f"# {fault}")


def load(kind):
    """The validator of a schema that is shipped."""
    with open(f"{SCHEMAS}/{kind}.schema.json", encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


VALIDATORS = {kind: load(kind) for kind in ("plan", "status")}


def sockform(*arguments):
    """Code, standard output and standard error."""
    result = subprocess.run(
        [SOCKFORM, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    return result.returncode, result.stdout, result.stderr


def check(name, code, wanted, *arguments):
    """One output: it is the schema's, and `wanted` finds in it what the case is for."""
    kind = "status" if arguments[0] == "status" else "plan"
    got, out, err = sockform(arguments[0], "-o", "json", *arguments[1:])
    faults = [] if got == code else [f"exit code {got}, not {code}: {err}"]
    try:
        value = json.loads(out)
        faults += [
            f"{'/'.join(map(str, e.absolute_path))}: {e.message}"
            for e in VALIDATORS[kind].iter_errors(value)
        ]
        if not wanted(value):
            faults.append(f"this is not in it: {json.dumps(value)}")
        outputs.append((kind, value))
    except json.JSONDecodeError as error:
        faults.append(f"no JSON: {error}")
    point(name, faults)


def steps(value):
    """All steps."""
    return [step for plan in value["deployments"] for step in plan["steps"]]


def does(action, thing, reason=""):
    """Finds a step."""
    return lambda value: any(
        step["action"] == action and step["object"] == thing and reason in (step["reason"] or "")
        for step in steps(value)
    )


def write(path, name=NAME, entries=64, verdict=1, helper="totals"):
    """A manifest."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(MANIFEST.format(name=name, entries=entries, verdict=verdict, helper=helper))


def check_plans(path):
    """One deployment, from nothing to nothing."""
    write(path)
    check("plan to create", 0, does("create", "map"), "plan", path)
    check("dry run", 0, lambda v: not v["done"] and steps(v), "apply", "--dry-run", path)
    check("apply that creates", 0, does("create", "attachment"), "apply", path)
    check("apply that changes nothing", 0,
          lambda v: v["done"] and not v["deployments"][0]["changed"], "apply", path)
    check("status of what is as it should be", 0,
          lambda v: v["deployments"][0]["status"] == "ok", "status", NAME)
    write(path, verdict=0, helper="other")
    check("plan with an exit code", 1, does("update", "program"), "plan", "--exit-code", path)
    check("apply that updates and deletes", 0,
          lambda v: does("update", "program")(v) and does("delete", "map")(v), "apply", path)
    write(path, entries=128, verdict=0, helper="other")
    check("apply that replaces", 0, does("replace", "map", "64 -> 128"),
          "apply", "--replace", path)


def check_damage(path):
    """What stands in our place, and what is gone."""
    os.unlink(f"{PINS}/{NAME}/records/pairs")
    check("status with drift", 1, lambda v: v["deployments"][0]["drift"], "status", NAME)
    check("apply that takes over", 0, does("update", "map", "with 0 sockets in it"),
          "apply", "--force", path)
    check("detach", 0, does("delete", "attachment"), "detach", f"{NAME}/pairs")
    check("status of what is detached", 1,
          lambda v: v["deployments"][0]["attachments"][0]["program"] is None, "status", NAME)
    check("detach of nothing", 0, lambda v: not steps(v), "detach", f"{NAME}/pairs")
    check("delete", 0, does("delete", "program"), "delete", path)
    check("delete of nothing", 0,
          lambda v: not v["deployments"][0]["changed"], "delete", "--name", NAME)
    check("status of nothing", 1,
          lambda v: v["deployments"][0]["status"] == "absent", "status", NAME)


def check_prune(folder):
    """Two deployments, of which one goes."""
    os.mkdir(folder)
    write(f"{folder}/a.yaml", OTHERS[0])
    write(f"{folder}/b.yaml", OTHERS[1])
    check("apply of two", 0, lambda v: len(v["deployments"]) == 2, "apply", folder)
    os.unlink(f"{folder}/b.yaml")
    check("plan that prunes", 0,
          lambda v: any("no longer in" in (p["note"] or "") for p in v["deployments"]),
          "plan", "--prune", folder)
    check("apply that prunes", 0,
          lambda v: does("delete", "map")(v) and does("keep", "map")(v),
          "apply", "--prune", folder)
    check("apply from elsewhere", 0,
          lambda v: "was applied from" in (v["deployments"][0]["note"] or ""),
          "apply", f"{folder}/a.yaml")


def changes(value, path=()):
    """Every object and every value, by the way to it."""
    yield path, value
    inner = value.items() if isinstance(value, dict) else \
        enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from changes(item, path + (key,))


def changed(value, path, change):
    """A copy in which `change` has been made to the container at the path."""
    whole = copy.deepcopy(value)
    at = whole
    for key in path:
        at = at[key]
    change(at)
    return whole


def wrong_values(path, item):
    """What may not stand in the place of a value."""
    if not path:
        return
    yield from ({}, -1)
    # The objects of drift are words of prose.
    if isinstance(item, int) or path[-1] in WORDS and path[-3:-2] != ("drift",):
        yield "no such word"
    if path == ("done",):
        yield not item


def mutations(value):
    """(what was done, the value after it)"""
    for path, item in changes(value):
        if isinstance(item, dict):
            yield f"{path}: a key more", changed(value, path, lambda at: at.update(more=1))
            for key in item:
                yield f"{path}: no {key}", changed(value, path, lambda at, k=key: at.pop(k))
        for wrong in wrong_values(path, item):
            yield f"{path}: {wrong!r}", changed(
                value, path[:-1], lambda at, k=path[-1], w=wrong: at.__setitem__(k, w))


def refusals():
    """Which changes the schemas let through, and how many there were."""
    through, tried = [], 0
    for kind, value in outputs:
        for what, mutated in mutations(value):
            tried += 1
            if VALIDATORS[kind].is_valid(mutated):
                through.append(f"{kind} {what}")
    return through, tried


def main():
    """All points."""
    if os.geteuid() != 0:
        print("1..0 # SKIP it needs root")
        return
    scratch = tempfile.mkdtemp()
    try:
        check_plans(f"{scratch}/m.yaml")
        check_damage(f"{scratch}/m.yaml")
        check_prune(f"{scratch}/folder")
    finally:
        for name in [NAME, *OTHERS]:
            sockform("delete", "--force", "--name", name)
        shutil.rmtree(scratch)
    judge()
    print(f"1..{count}")


def judge():
    """The schemas, by what was written."""
    shown = [step for kind, value in outputs if kind == "plan" for step in steps(value)]
    properties = VALIDATORS["plan"].schema["$defs"]["step"]["properties"]
    for key in ("action", "object"):
        point(f"each {key} was met",
              sorted(set(properties[key]["enum"]) ^ {step[key] for step in shown}))
    through, tried = refusals()
    point(f"what is not as the schema says is refused, {tried} changes",
          through or ([] if tried > 1000 else ["too few"]))


main()
