/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "tests/unit/bpfasm/llvm.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LLVM_MC "llvm-mc-19"

void llvm_need(void)
{
	if (system("command -v " LLVM_MC " >/dev/null 2>&1") != 0)
		cr_skip_test(LLVM_MC " is not installed (Debian: llvm-19)");
}

static char *read_file(const char *path, size_t *length)
{
	FILE *file = fopen(path, "r");
	char *content;

	cr_assert_not_null(file, "%s", path);
	fseek(file, 0, SEEK_END);
	*length = (size_t)ftell(file);
	rewind(file);
	content = arena_alloc(&arena, *length + 1);
	cr_assert_eq(fread(content, 1, *length, file), *length);
	fclose(file);
	return content;
}

/* Runs it on `input`; what it wrote, and in *errors what it complained of. */
static char *run(const char *arguments, const char *input, const char **errors, int *status)
{
	char folder[] = "/tmp/sockform-unit-XXXXXX";
	size_t length;
	FILE *file;
	char *output;

	cr_assert_not_null(mkdtemp(folder));
	file = fopen(arena_printf(&arena, "%s/in", folder), "w");
	cr_assert_not_null(file);
	fputs(input, file);
	fclose(file);
	*status = system(
		arena_printf(&arena, LLVM_MC " -triple %s -mcpu=v4 %s -o %s/out %s/in 2>%s/errors",
			__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? "bpfel" : "bpfeb", arguments,
			folder, folder, folder));
	*errors = read_file(arena_printf(&arena, "%s/errors", folder), &length);
	output = *status ? NULL : read_file(arena_printf(&arena, "%s/out", folder), &length);
	system(arena_printf(&arena, "rm -r %s", folder));
	return output;
}

char *llvm_object(const char *text)
{
	const char *errors;
	int status;
	char *object = run("-filetype=obj", text, &errors, &status);

	cr_assert_eq(status, 0, "llvm-mc does not read it: %.400s", errors);
	return object;
}

const struct bpf_insn *llvm_assemble(const char *text, size_t *count)
{
	const char *object = llvm_object(text);
	const Elf64_Ehdr *header = (const void *)object;
	const Elf64_Shdr *sections = (const void *)(object + header->e_shoff);
	const char *names = object + sections[header->e_shstrndx].sh_offset;

	for (size_t i = 0; i < header->e_shnum; i++) {
		if (strcmp(names + sections[i].sh_name, ".text") != 0)
			continue;
		*count = sections[i].sh_size / sizeof(struct bpf_insn);
		return (const void *)(object + sections[i].sh_offset);
	}
	cr_assert_fail("no .text");
	return NULL;
}

/* "[0x61,0x21,...]" */
static size_t read_encoding(const char *at, struct bpf_insn *ret)
{
	unsigned char *bytes = (unsigned char *)ret;
	size_t count = 0;

	while (*at == '[' || *at == ',') {
		cr_assert_lt(count, 16);
		bytes[count++] = (unsigned char)strtoul(at + 1, (char **)&at, 16);
	}
	cr_assert_eq(*at, ']', "%s", at);
	return count / sizeof(*ret);
}

static const char *hexadecimal(const struct bpf_insn *instructions, size_t count)
{
	const unsigned char *bytes = (const void *)instructions;
	char *text = arena_alloc(&arena, count * sizeof(*instructions) * 5 + 1);

	for (size_t i = 0; i < count * sizeof(*instructions); i++)
		sprintf(text + i * 5, "0x%02x%c", bytes[i], i % 8 == 7 ? '\n' : ' ');
	return text;
}

llvm_lines llvm_disassemble(const struct bpf_insn *instructions, size_t count, const char *options)
{
	static const char mark[] = "# encoding: ";
	llvm_lines lines = { 0 };
	const char *errors;
	int status;
	char *output = run(arena_printf(&arena, "--disassemble -show-encoding %s", options),
		hexadecimal(instructions, count), &errors, &status);

	cr_assert_eq(status, 0, "%.400s", errors);
	for (char *line = strtok(output, "\n"); line; line = strtok(NULL, "\n")) {
		char *encoding = strstr(line, mark);
		struct llvm_line *added;

		if (!encoding)
			continue;
		added = vec_add(&arena, &lines);
		added->count = read_encoding(encoding + sizeof(mark) - 1, added->instructions);
		*encoding = '\0';
		added->text = line;
	}
	return lines;
}
