/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Diagnostics: a list that never prints. Every stage adds to it and goes on as far as it can, so
 * that one run tells a user everything that is wrong; lib/report renders it at the end.
 *
 * A code is stable: scripts may match on it, and it keeps its meaning for good.
 */
#pragma once

#include "lib/base/source.h"
#include "lib/base/vec.h"

#include <stdbool.h>

/* code, exit code of the command that meets it, meaning (for the manual) */
#define DIAG_CODES(X)                                                                              \
	X(E0001, 2, "the command line is wrong")                                                   \
	X(E0100, 2, "the file cannot be read")                                                     \
	X(E0101, 2, "not well-formed YAML")                                                        \
	X(E0102, 2, "a key stands twice in one mapping")                                           \
	X(E0103, 2, "an alias that has no anchor, or contains itself")                             \
	X(E0104, 2, "nested too deep")                                                             \
	X(E0105, 2, "too many nodes, aliases counted as what they stand for")                      \
	X(E0106, 2, "a scalar or a line that is too long")                                         \
	X(E0107, 2, "a key that is not a plain word")                                              \
	X(E0108, 2, "no manifest in the file")                                                     \
	X(E0109, 2, "a tag that is unknown, or says what the value is not")                        \
	X(E0201, 2, "a key that is not known here")                                                \
	X(E0202, 2, "a required key is missing")                                                   \
	X(E0203, 2, "a value of the wrong type")                                                   \
	X(E0204, 2, "a name with characters or a length that names do not have")                   \
	X(E0205, 2, "a number out of range")                                                       \
	X(E0206, 2, "a word that is not one of the known ones")                                    \
	X(E0207, 2, "a format version that this sockform does not read")                           \
	X(E0208, 2, "two manifests declare the same deployment")                                   \
	X(E0209, 2, "a name longer than the kernel keeps, without kernel_name")                    \
	X(E0210, 2, "a key layout that the map cannot have")                                       \
	X(E0211, 2, "not an address")                                                              \
	X(E0212, 2, "no map has that name")                                                        \
	X(E0213, 2, "no program has that name")                                                    \
	X(E0214, 2, "two attachments want the same place")                                         \
	X(E0215, 2, "the program, the target and the attach type do not fit together")             \
	X(E0216, 2, "attach types that exclude each other on one map")                             \
	X(E0217, 2, "a stream parser without a stream verdict does nothing")                       \
	X(E0218, 2, "two feeds accept on the same address")                                        \
	X(E0219, 2, "a socket cannot enter that map")                                              \
	X(E0220, 2, "no parameter has that name")                                                  \
	X(E0221, 2, "a parameter without a value, or with one of the wrong kind")                  \
	X(E0222, 2, "templates or includes that contain themselves, or expand too far")            \
	X(E0223, 2, "a file that cannot be included")                                              \
	X(E0224, 2, "a template or a parameter that is declared wrongly")                          \
	X(E0225, 2, "initial entries that the map cannot hold")                                    \
	X(E0226, 2, "flags that the kernel does not take there")                                   \
	X(E0227, 2, "a path that no cgroup can have")                                              \
	X(E0301, 2, "no block has that name")                                                      \
	X(E0302, 2, "assembly that cannot be read")                                                \
	X(E0303, 2, "no label has that name")                                                      \
	X(E0304, 2, "a label stands twice")                                                        \
	X(E0305, 2, "an argument that the block does not take, or not in that form")               \
	X(E0306, 2, "no helper has that name or number")                                           \
	X(E0307, 2, "the program type cannot use this")                                            \
	X(E0308, 2, "a map of the wrong type for this block or helper")                            \
	X(E0309, 2, "the body can fall off its end")                                               \
	X(E0310, 2, "a jump or a program that is too long")                                        \
	X(E0311, 2, "a register is read that nothing has written")                                 \
	X(E0312, 2, "a register is read that a call has lost")                                     \
	X(E0313, 2, "an instruction that nothing leads to")                                        \
	X(E0314, 2, "a jump that leads out of the program, or into an instruction")                \
	X(E0315, 2, "a value of the wrong kind")                                                   \
	X(E0316, 2, "memory that is out of bounds, or not aligned")                                \
	X(E0317, 2, "a constant that the verifier refuses")                                        \
	X(E0318, 2, "a program that never ends")                                                   \
	X(E0401, 3, "the verifier rejected a program")                                             \
	X(E0402, 3, "the kernel refused")                                                          \
	X(E0403, 3, "a capability is missing")                                                     \
	X(E0404, 4, "another sockform holds the lock")                                             \
	X(E0405, 3, "bpffs cannot be used")                                                        \
	X(E0406, 3, "an object in the deployment's folder is not what it should be")               \
	X(E0407, 3, "an address cannot be listened on")                                            \
	X(E0408, 3, "no cgroup2 is mounted, or the cgroup is not there")                           \
	X(E0409, 3, "a program that is not ours holds the hook")                                   \
	X(E0410, 3, "a folder of ours that others can change")                                     \
	X(E0411, 3, "something that is not ours stands in the place of what is")                   \
	X(E0501, 3, "refused: it would lose sockets")                                              \
	X(W0601, 0, "a socket could not be put into its map")                                      \
	X(W0602, 0, "a program that is attached nowhere")                                          \
	X(W0603, 0, "a map that no program, attachment or feed uses")                              \
	X(W0604, 0, "what a redirect finds no target for is dropped")                              \
	X(W0605, 0, "an sk_msg program reads payload that may not be there")                       \
	X(W0606, 0, "an sk_skb program reads payload that may not be there")                       \
	X(W0607, 0, "a stream parser changes the skb")                                             \
	X(W0608, 0, "data is held back until there is enough of it")                               \
	X(W0609, 0, "a value that the kernel takes, and that means nothing")                       \
	X(W0610, 0, "a connection that changes its way can be reordered")                          \
	X(W0611, 0, "a socket that does not enter a second map")                                   \
	X(W0612, 0, "data that was queued in sockets when they left a map")                        \
	X(W0613, 0, "a deployment that was made anew stays where run ends")

enum diag_code {
#define X(code, exit_code, meaning) DIAG_##code,
	DIAG_CODES(X)
#undef X
		DIAG_CODE_COUNT
};

struct diag_code_info {
	const char *name; /* "E0212", "W0601" */
	int exit_code;    /* 0 for warnings */
	const char *meaning;
};

extern const struct diag_code_info diag_codes[DIAG_CODE_COUNT];

/* A use of a template. What is wrong in a template's text is wrong by how it was come to. */
struct diag_use {
	const char *name;             /* the template's */
	struct mark mark;             /* where it is used */
	const struct diag_use *outer; /* the use in whose text this one stands; NULL: in none */
};

struct diagnostic {
	enum diag_code code;
	struct mark mark;           /* mark.source NULL: about no line of a file */
	const char *message;        /* one sentence, no full stop */
	const char *hint;           /* what stands behind the caret; NULL: nothing */
	const char *detail;         /* shown under -v only, e.g. the verifier's log; NULL: none */
	const struct diag_use *use; /* by which the mark was come to; NULL: it stands by itself */
};

/* Zero-initialise but for the arena, which owns all text. */
struct diagnostics {
	struct arena *arena;
	VEC(struct diagnostic) list;
	size_t errors, warnings;
	const struct diag_use *use;          /* goes into what is added */
	size_t *said;                        /* a hash table: positions in the list, from 1 */
	size_t room;                         /* slots of it */
	size_t errors_again, warnings_again; /* counted, and in the list already */
	struct diagnostic again;             /* of those the last, for whoever adds it */
	size_t compared;                     /* names, see diag_offer */
};

/*
 * Adds one; the returned element is valid until the next is added, for `hint` and `detail`. What is
 * said twice of one place is kept once, but counts until diag_sort: what an alias brings in a
 * thousand times is faulty as often, and is wrong in one place. What is said of a template's text is
 * kept once for each place that uses it from outside of templates.
 */
struct diagnostic *diag_add(struct diagnostics *diagnostics, enum diag_code code, struct mark mark,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/*
 * Cuts what stands in quotes, which may be as long as a scalar, to 60 characters; the message itself.
 * Messages have been cut when they are added.
 */
char *diag_shorten(char *message);

/* Adds what stands in another list. */
void diag_copy(struct diagnostics *diagnostics, const struct diagnostic *from);

/*
 * Names of which one may have been meant: a member of each element of an array, NULL for none.
 */
struct diag_names {
	const char *const *first;
	size_t count, stride; /* bytes from one to the next */
};

#define DIAG_NAMES(array, elements, member)                                                        \
	((struct diag_names){ (elements) ? &(array)->member : NULL, (elements), sizeof(*(array)) })

/* Those in an index. */
#define DIAG_INDEXED(index) DIAG_NAMES((index)->slots, (index)->capacity, name)

/* The most comparisons of names that all faults of a run share. */
#define DIAG_MAX_COMPARED 500000

/*
 * Offers the names to a suggestion. Thousands of faults in a manifest of thousands of names are not
 * to cost the product: what goes beyond the limit is not looked at, and those faults go without.
 */
struct suggestion;
void diag_offer(
	struct diagnostics *diagnostics, struct suggestion *suggestion, struct diag_names names);
void diag_offer_name(
	struct diagnostics *diagnostics, struct suggestion *suggestion, const char *name);

/* The hint `did you mean "..."?`, where the suggestion has a result. */
void diag_suggest(struct diagnostics *diagnostics, struct diagnostic *diagnostic,
	const struct suggestion *suggestion);

/*
 * "\"a\" uses \"b\", which uses \"a\"" for the verb "uses" and what was gone through; the last uses
 * the first.
 */
const char *diag_circle(
	struct arena *arena, const char *const *names, size_t count, const char *verb);

/* For faults that belong to no line of a file. */
extern const struct mark mark_none;

/* 0 without errors, else the highest exit code among the errors. */
int diag_exit_code(const struct diagnostics *diagnostics);

/* In the order of the text: by source as first met, then line, then column. Stable. */
void diag_sort(struct diagnostics *diagnostics);
