/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Inside the room: the pieces that the trials' manifests are made of. Targets are in a map without
 * programs, so that nothing is judged there; sources are in the one with programs.
 */
#pragma once

#include "lib/selftest/trial.h"

#define MAPS                                                                                       \
	"sockform: v1\n"                                                                           \
	"name: self-test\n"                                                                        \
	"maps:\n"                                                                                  \
	"  targets: { type: sockmap, max_entries: 4 }\n"                                           \
	"  sources: { type: sockmap, max_entries: 4 }\n"                                           \
	"programs:\n"
#define PROGRAM(name, type)                                                                        \
	"  " name ":\n"                                                                            \
	"    type: " type "\n"                                                                     \
	"    body:\n"
#define ITEM(text) "      - " text "\n"
#define ATTACHMENTS "attachments:\n"
#define ATTACH(program, type)                                                                      \
	"  - { program: " program ", target: sources, attach_type: " type " }\n"

/* Programs that redirect to index 0 of the targets, where there is nothing pass, and those that pass. */
#define REDIRECT_SKB(name, flags)                                                                  \
	PROGRAM(name, "sk_skb")                                                                    \
	ITEM("sk_redirect_map: { map: targets, key: 0, flags: " flags ", on_miss: pass }")         \
	ITEM("exit")
#define REDIRECT_MSG(name, flags)                                                                  \
	PROGRAM(name, "sk_msg")                                                                    \
	ITEM("msg_redirect_map: { map: targets, key: 0, flags: " flags ", on_miss: pass }")        \
	ITEM("exit")
#define PASS_SKB(name) PROGRAM(name, "sk_skb") ITEM("sk_skb_pass")
#define PASS_MSG(name) PROGRAM(name, "sk_msg") ITEM("sk_msg_pass")
#define PARSE(name) PROGRAM(name, "sk_skb") ITEM("r0 = *(u32 *)(r1 + 0)") ITEM("exit")

/* One program and its attachment. */
#define WITH_SKB(flags, type)                                                                      \
	MAPS REDIRECT_SKB("redirect", flags) PASS_SKB("pass") ATTACHMENTS ATTACH("redirect", type)
#define WITH_PARSER(flags)                                                                         \
	MAPS REDIRECT_SKB("redirect", flags) PARSE("parse")                                        \
		ATTACHMENTS ATTACH("redirect", "stream_verdict") ATTACH("parse", "stream_parser")
#define WITH_MSG(flags)                                                                            \
	MAPS REDIRECT_MSG("redirect", flags) PASS_MSG("pass")                                      \
		ATTACHMENTS ATTACH("redirect", "msg_verdict")
#define WITH_PASS_SKB MAPS PASS_SKB("pass") ATTACHMENTS ATTACH("pass", "stream_verdict")
#define WITH_PASS_MSG MAPS PASS_MSG("pass") ATTACHMENTS ATTACH("pass", "msg_verdict")

#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))
