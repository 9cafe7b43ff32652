/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Parameters, what sets them from outside, and files that are included, as values. */
#include "tests/unit/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/sockform-unit-XXXXXX";
static VEC(const char *) written;
static struct manifest_settings settings;
static manifest_list manifests;

static void init(void)
{
	support_init();
	cr_assert_not_null(mkdtemp(folder));
}

static void fini(void)
{
	vec_each (path, &written)
		unlink(*path);
	rmdir(folder);
	support_fini();
}

TestSuite(libraries, .init = init, .fini = fini, .timeout = 240);

static const char *path_of(const char *name)
{
	return arena_printf(&arena, "%s/%s", folder, name);
}

static const char *put(const char *name, const char *text)
{
	const char *path = path_of(name);
	FILE *file = fopen(path, "w");

	cr_assert_not_null(file);
	fputs(text, file);
	fclose(file);
	return *vec_add(&arena, &written) = path;
}

/* Loads files of the folder by their names, up to three. */
static void load(const char *one, const char *two, const char *three)
{
	const char *names[] = { one, two, three };
	char *paths[3];
	size_t count = 0;

	manifests.count = 0;
	for (; count < 3 && names[count]; count++)
		paths[count] = (char *)path_of(names[count]);
	manifest_load_paths(&arena, paths, count, &settings, &diagnostics, &manifests);
}

static void set(const char *text)
{
	*vec_add(&arena, &settings.sets) = text;
}

static void set_file(const char *name, const char *text)
{
	*vec_add(&arena, &settings.files) = put(name, text);
}

static const char *value_of(size_t manifest, const char *name)
{
	const struct yaml_variable *variable =
		yaml_variable_named(&manifests.items[manifest]->scope.variables, name);

	cr_assert_not_null(variable, "%s", name);
	return variable->text;
}

Test(libraries, values_and_what_they_are_made_of)
{
	const struct manifest *manifest = valid_manifest(
		"sockform: v1\n"
		"name: n${a}\n"
		"params:\n"
		"  a: 5\n"
		"  b: \"${a}-$${a}\"\n"
		"  c: ${b}.${b}\n"
		"  d: |\n"
		"    two ${a}\n"
		"    lines\n"
		"maps: { m: { type: sockmap, max_entries: ${a}0, kernel_name: k${a} } }\n");
	const struct yaml_variables *variables = &manifest->scope.variables;

	cr_assert_str_eq(manifest->name.text, "n5");
	cr_assert_eq(manifest->maps.items[0].max_entries.value, 50);
	cr_assert_str_eq(manifest->maps.items[0].kernel_name_used, "k5");
	cr_assert_str_eq(yaml_variable_named(variables, "b")->text, "5-${a}");
	cr_assert_str_eq(yaml_variable_named(variables, "c")->text, "5-${a}.5-${a}");
	cr_assert_str_eq(yaml_variable_named(variables, "d")->text, "two 5\nlines\n");
	cr_assert_not(manifest->library);
}

Test(libraries, what_is_a_setting)
{
	cr_assert(manifest_is_setting("a=b"));
	cr_assert(manifest_is_setting("a="));
	cr_assert(manifest_is_setting("a==b"));
	cr_assert_not(manifest_is_setting("a"));
	cr_assert_not(manifest_is_setting("=b"));
	cr_assert_not(manifest_is_setting(""));
}

/* Command line over files, later over earlier; what is computed follows what is set. */
Test(libraries, settings_by_their_strength)
{
	put("m.yaml", "sockform: v1\nname: x\n"
		      "params: { a: 1, b: 1, c: 1, d: 1, e: 1, sum: \"${a}${b}${c}${d}${e}\" }\n");
	set("b=command");
	set("e=first");
	set("e=x=${a}");
	set_file("one.values", "b: file\nc: one\nd: one\n");
	set_file("two.values", "d: 'two'\n");
	load("m.yaml", NULL, NULL);
	expect_no_diagnostics();
	cr_assert_str_eq(value_of(0, "sum"), "1commandonetwox=${a}");
}

/* Of several documents and files, one is enough. */
Test(libraries, settings_are_for_all_that_declare_them)
{
	put("one.yaml", "sockform: v1\nname: one\nparams: { a: 1 }\n---\n"
			"sockform: v1\nname: two\nparams: { a: 1, b: 1 }\n");
	put("two.yaml", "sockform: v1\nname: three\nparams: { c: 1 }\n");
	set("a=2");
	set("b=3");
	set("c=4");
	load("one.yaml", "two.yaml", NULL);
	expect_no_diagnostics();
	cr_assert_str_eq(value_of(0, "a"), "2");
	cr_assert_str_eq(value_of(1, "a"), "2");
	cr_assert_str_eq(value_of(1, "b"), "3");
	cr_assert_str_eq(value_of(2, "c"), "4");
}

/* Where a file cannot be read, nobody can say that nothing declares a name. */
Test(libraries, settings_are_not_judged_by_half)
{
	put("one.yaml", "sockform: v1\nname: one\n");
	set("a=2");
	load("one.yaml", NULL, NULL);
	cr_assert_eq(diagnostics.list.count, 1);
	expect_diagnostic(0, DIAG_E0220, 0, 0, "--set: no manifest declares a parameter \"a\"");
	diagnostics = (struct diagnostics){ .arena = &arena };
	load("one.yaml", "missing.yaml", NULL);
	cr_assert_eq(diagnostics.list.count, 1);
	cr_assert_eq(diagnostics.list.items[0].code, DIAG_E0100);
	diagnostics = (struct diagnostics){ .arena = &arena };
	put("two.yaml", "sockform: v1\nname: two\ninclude: missing.yaml\n");
	load("two.yaml", NULL, NULL);
	cr_assert_eq(diagnostics.list.count, 1);
	cr_assert_eq(diagnostics.list.items[0].code, DIAG_E0223);
}

Test(libraries, a_value_that_was_set_makes_up_for_one_that_is_missing_or_wrong)
{
	put("m.yaml", "sockform: v1\nname: x\nparams: { a: , b: }\ndescription: ${a}${b}\n");
	set("a=1");
	load("m.yaml", NULL, NULL);
	cr_assert_eq(diagnostics.list.count, 1);
	expect_diagnostic(0, DIAG_E0221, 3, 16, "the parameter \"b\" has no value");
	cr_assert_str_eq(value_of(0, "a"), "1");
}

static const struct bpfasm_template *template_of(size_t manifest, const char *name)
{
	const struct bpfasm_template *template =
		bpfasm_template_named(&manifests.items[manifest]->scope, name);

	cr_assert_not_null(template, "%s", name);
	return template;
}

/* By two files, by its own name, by a link, and twice by one file: it is loaded once. */
Test(libraries, a_file_is_loaded_once)
{
	const char *link = path_of("link.yaml");

	put("common.yaml",
		"sockform: v1\nparams: { x: 1 }\ntemplates: { t: { body: [ exit ] } }\n");
	put("a.yaml", "sockform: v1\ninclude: common.yaml\ntemplates: { a: { body: [ t ] } }\n");
	put("one.yaml", "sockform: v1\nname: one\ninclude: [ a.yaml, common.yaml, common.yaml, "
			"./link.yaml ]\n");
	put("two.yaml", "sockform: v1\nname: two\ninclude: common.yaml\n");
	cr_assert_eq(symlink("common.yaml", link), 0);
	load("one.yaml", "two.yaml", "common.yaml");
	unlink(link);
	expect_no_diagnostics();
	cr_assert_eq(manifests.count, 3);
	cr_assert_eq(template_of(0, "t"), template_of(1, "t"));
	cr_assert_eq(template_of(0, "t"), template_of(2, "t"));
	cr_assert_eq(manifests.items[0]->scope.templates.count, 2);
	cr_assert_eq(manifests.items[0]->scope.variables.list.count, 1);
	cr_assert_str_eq(template_of(0, "t")->mark.source->name, path_of("common.yaml"));
	cr_assert(manifests.items[2]->library);
	cr_assert_null(manifests.items[2]->name.text);
	cr_assert_null(bpfasm_template_named(&manifests.items[1]->scope, "a"));
}

/* What a template means does not depend on who includes it. */
Test(libraries, templates_see_what_their_own_file_sees)
{
	const struct bpfasm_code *code;

	put("lib.yaml",
		"sockform: v1\n"
		"params: { x: 1 }\n"
		"templates: { t: { body: [ 'r1 = ${x}', helper ] }, helper: { body: [] } }\n");
	put("m.yaml", "sockform: v1\n"
		      "name: m\n"
		      "include: lib.yaml\n"
		      "params: { y: \"${x}2\" }\n"
		      "programs: { p: { type: sk_skb, body: [ t, 'r1 = ${y}', exit ] } }\n");
	load("m.yaml", NULL, NULL);
	expect_no_diagnostics();
	code = assemble_unchecked(manifests.items[0])[0];
	EXPECT_CODE(code, { 0xb7, 1, 0, 0, 1 }, { 0xb7, 1, 0, 0, 12 }, { 0x95, 0, 0, 0, 0 });
	put("foreign.yaml",
		"sockform: v1\ntemplates: { t: { body: [ of_others, 'r1 = ${y}' ] } }\n");
	put("m.yaml", "sockform: v1\n"
		      "name: m\n"
		      "include: foreign.yaml\n"
		      "params: { y: 1 }\n"
		      "templates: { of_others: { body: [] } }\n");
	load("m.yaml", NULL, NULL);
	cr_assert_eq(diagnostics.list.count, 2);
	expect_diagnostic(
		0, DIAG_E0301, 2, 27, "\"of_others\" is neither a block nor an instruction");
	expect_diagnostic(1, DIAG_E0220, 2, 44, "no parameter is named \"y\"");
}

/* A circle that begins at the manifest itself. */
Test(libraries, a_manifest_that_includes_what_includes_it)
{
	put("lib.yaml", "sockform: v1\ninclude: m.yaml\n");
	put("m.yaml", "sockform: v1\nname: m\ninclude: lib.yaml\n");
	load("m.yaml", NULL, NULL);
	cr_assert_eq(diagnostics.list.count, 1);
	expect_diagnostic(0, DIAG_E0222, 2, 10,
		arena_printf(&arena, "\"%s\" includes \"%s\", which includes \"%s\"",
			path_of("m.yaml"), path_of("lib.yaml"), path_of("m.yaml")));
}

static const char limits[] =
	"files include each other at most 32 levels deep, and at most 1000 of them";

static void put_chain(size_t files)
{
	for (size_t i = 0; i < files; i++)
		put(arena_printf(&arena, "%zu.yaml", i),
			i + 1 < files
				? arena_printf(&arena, "sockform: v1\ninclude: %zu.yaml\n", i + 1)
				: "sockform: v1\ntemplates: { last: { body: [] } }\n");
}

/* The file that is loaded itself, and 32 below it. */
Test(libraries, the_depth_of_includes)
{
	put_chain(34);
	load("1.yaml", NULL, NULL);
	expect_no_diagnostics();
	template_of(0, "last");
	load("0.yaml", NULL, NULL);
	cr_assert_eq(diagnostics.list.count, 1);
	expect_diagnostic(0, DIAG_E0222, 2, 10, limits);
	cr_assert_str_eq(diagnostics.list.items[0].mark.source->name, path_of("32.yaml"));
}

Test(libraries, the_number_of_includes)
{
	const char *text = "sockform: v1\nname: m\ninclude:\n";

	for (size_t i = 0; i < 1001; i++) {
		const char *name = arena_printf(&arena, "%zu.yaml", i);

		put(name, "sockform: v1\nparams: {}\n");
		text = arena_printf(&arena, "%s  - %s\n", text, name);
	}
	put("m.yaml", text);
	load("m.yaml", NULL, NULL);
	cr_assert_eq(diagnostics.list.count, 1);
	expect_diagnostic(0, DIAG_E0222, 3 + 1001, 5, limits);
}

/* A device is no file that could be known again, and has no end. */
Test(libraries, what_is_no_file)
{
	put("m.yaml", "sockform: v1\nname: m\ninclude: [ /dev/zero, '-', . ]\n");
	load("m.yaml", NULL, NULL);
	cr_assert_eq(diagnostics.list.count, 3);
	expect_diagnostic(
		0, DIAG_E0223, 3, 12, "cannot read /dev/zero: it is larger than any manifest");
	expect_diagnostic(1, DIAG_E0223, 3, 23,
		arena_printf(&arena, "cannot read %s: No such file or directory", path_of("-")));
	expect_diagnostic(2, DIAG_E0223, 3, 28,
		arena_printf(&arena, "cannot read %s: Is a directory", path_of(".")));
}

static void many_parameters(size_t amount)
{
	char *text = arena_alloc(&arena, amount * 64 + 64);
	size_t at = (size_t)sprintf(text, "sockform: v1\nname: x\nparams:\n  p0: 1\n");

	for (size_t i = 1; i < amount; i++)
		at += (size_t)sprintf(text + at, "  p%zu: ${p%zu}\n", i, i - 1);
	valid_manifest(text);
}

Test(libraries, parameters_take_time_by_their_number)
{
	cr_assert_lt(growth(many_parameters, 5000), 8);
}
