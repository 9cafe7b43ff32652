/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/bpfasm/helpers.h"

#include "lib/bpfasm/words.h"

#include <string.h>

#define SKB (1u << BPF_PROG_TYPE_SK_SKB)
#define MSG (1u << BPF_PROG_TYPE_SK_MSG)
#define OPS (1u << BPF_PROG_TYPE_SOCK_OPS)
#define ALL (SKB | MSG | OPS)

#define MAP(type) (UINT64_C(1) << BPF_MAP_TYPE_##type)
#define SOCKETS (MAP(SOCKMAP) | MAP(SOCKHASH))
#define QUEUES (MAP(QUEUE) | MAP(STACK))
/* Types that take only the helpers made for them (check_map_func_compatibility). */
#define SPECIAL                                                                                    \
	(SOCKETS | QUEUES | MAP(BLOOM_FILTER) | MAP(PROG_ARRAY) | MAP(PERF_EVENT_ARRAY) |          \
		MAP(RINGBUF) | MAP(USER_RINGBUF) | MAP(STACK_TRACE) | MAP(CGROUP_ARRAY) |          \
		MAP(CGROUP_STORAGE) | MAP(PERCPU_CGROUP_STORAGE) | MAP(DEVMAP) |                   \
		MAP(DEVMAP_HASH) | MAP(CPUMAP) | MAP(XSKMAP) | MAP(ARRAY_OF_MAPS) |                \
		MAP(HASH_OF_MAPS) | MAP(REUSEPORT_SOCKARRAY) | MAP(SK_STORAGE) |                   \
		MAP(INODE_STORAGE) | MAP(TASK_STORAGE) | CGRP_STORAGE_MAP)
#define PLAIN (~SPECIAL)
#define NESTED (MAP(ARRAY_OF_MAPS) | MAP(HASH_OF_MAPS))
#define DEVICES (MAP(DEVMAP) | MAP(DEVMAP_HASH) | MAP(XSKMAP))
#define PER_CPU (MAP(PERCPU_ARRAY) | MAP(PERCPU_HASH) | MAP(LRU_PERCPU_HASH))

#define STATUS HELPER_GIVES_STATUS
#define VERDICT HELPER_GIVES_VERDICT
#define WORD HELPER_GIVES_WORD
#define LARGE HELPER_GIVES_LARGE
#define ZERO HELPER_GIVES_ZERO
#define VALUE HELPER_GIVES_VALUE
#define SOCKET HELPER_GIVES_SOCKET
#define NOTHING HELPER_GIVES_NOTHING
#define ANYTHING HELPER_GIVES_ANYTHING
#define GPL HELPER_GPL
#define MOVES HELPER_MOVES
#define PULLS HELPER_PULLS
#define CHANGES (HELPER_MOVES | HELPER_CHANGES_SKB)

/* Later than the headers that this is built with. */
#define CGRP_STORAGE_GET 210
#define CGRP_STORAGE_DELETE 211
#define CGRP_STORAGE_MAP (UINT64_C(1) << 32)

static const struct helper rows[HELPER_NUMBERS] = {
	/* Sockets, messages and their payload. */
	[BPF_FUNC_sk_redirect_map] = { SKB, VERDICT, 0, "ctx map index flags", MAP(SOCKMAP) },
	[BPF_FUNC_sk_redirect_hash] = { SKB, VERDICT, 0, "ctx map key flags", MAP(SOCKHASH) },
	[BPF_FUNC_msg_redirect_map] = { MSG, VERDICT, 0, "ctx map index flags", MAP(SOCKMAP) },
	[BPF_FUNC_msg_redirect_hash] = { MSG, VERDICT, 0, "ctx map key flags", MAP(SOCKHASH) },
	[BPF_FUNC_sock_map_update] = { OPS, STATUS, 0, "ctx map key flags", MAP(SOCKMAP) },
	[BPF_FUNC_sock_hash_update] = { OPS, STATUS, 0, "ctx map key flags", MAP(SOCKHASH) },
	[BPF_FUNC_msg_apply_bytes] = { MSG, STATUS, 0, "ctx bytes", 0 },
	[BPF_FUNC_msg_cork_bytes] = { MSG, STATUS, 0, "ctx bytes", 0 },
	[BPF_FUNC_msg_pull_data] = { MSG, STATUS, MOVES | PULLS, "ctx start end flags", 0 },
	[BPF_FUNC_msg_push_data] = { MSG, STATUS, MOVES, "ctx start length flags", 0 },
	[BPF_FUNC_msg_pop_data] = { MSG, STATUS, MOVES, "ctx start length flags", 0 },
	[BPF_FUNC_skb_load_bytes] = { SKB, STATUS, 0, "ctx offset to size", 0 },
	[BPF_FUNC_skb_store_bytes] = { SKB, STATUS, CHANGES, "ctx offset from size flags", 0 },
	[BPF_FUNC_skb_pull_data] = { SKB, STATUS, CHANGES | PULLS, "ctx length", 0 },
	[BPF_FUNC_skb_change_tail] = { SKB, STATUS, CHANGES, "ctx length flags", 0 },
	[BPF_FUNC_skb_change_head] = { SKB, STATUS, CHANGES, "ctx length flags", 0 },
	[BPF_FUNC_skb_adjust_room] = { SKB, STATUS, CHANGES, "ctx difference mode flags", 0 },
	[BPF_FUNC_get_socket_cookie] = { SKB | OPS, LARGE, 0, "ctx", 0 },
	[BPF_FUNC_get_socket_uid] = { SKB, WORD, 0, "ctx", 0 },
	[BPF_FUNC_get_netns_cookie] = { MSG | OPS, LARGE, 0, "ctx?", 0 },
	[BPF_FUNC_setsockopt] = { OPS, STATUS, 0, "ctx level option from size", 0 },
	[BPF_FUNC_getsockopt] = { OPS, STATUS, 0, "ctx level option to size", 0 },
	[BPF_FUNC_sock_ops_cb_flags_set] = { OPS, STATUS, 0, "ctx flags", 0 },
	[BPF_FUNC_load_hdr_opt] = { OPS, STATUS, 0, "ctx to size flags", 0 },
	[BPF_FUNC_store_hdr_opt] = { OPS, STATUS, MOVES, "ctx from size flags", 0 },
	[BPF_FUNC_reserve_hdr_opt] = { OPS, STATUS, 0, "ctx length flags", 0 },
	[BPF_FUNC_sk_lookup_tcp] = { SKB, SOCKET, 0, "ctx from size netns flags", 0 },
	[BPF_FUNC_sk_lookup_udp] = { SKB, SOCKET, 0, "ctx from size netns flags", 0 },
	[BPF_FUNC_skc_lookup_tcp] = { SKB, SOCKET, 0, "ctx from size netns flags", 0 },
	[BPF_FUNC_sk_release] = { SKB, STATUS, 0, "socket", 0 },
	[BPF_FUNC_tcp_sock] = { OPS, SOCKET, 0, "socket", 0 },
	[BPF_FUNC_sk_storage_get] = { MSG | OPS, VALUE, 0, "map socket value? flags",
		MAP(SK_STORAGE) },
	[BPF_FUNC_sk_storage_delete] = { MSG | OPS, STATUS, 0, "map socket", MAP(SK_STORAGE) },
	[BPF_FUNC_skc_to_tcp6_sock] = { ALL, ANYTHING, 0, "socket", 0 },
	[BPF_FUNC_skc_to_tcp_sock] = { ALL, ANYTHING, 0, "socket", 0 },
	[BPF_FUNC_skc_to_tcp_timewait_sock] = { ALL, ANYTHING, 0, "socket", 0 },
	[BPF_FUNC_skc_to_tcp_request_sock] = { ALL, ANYTHING, 0, "socket", 0 },
	[BPF_FUNC_skc_to_udp6_sock] = { ALL, ANYTHING, 0, "socket", 0 },
	[BPF_FUNC_skc_to_unix_sock] = { ALL, ANYTHING, 0, "socket", 0 },
	[BPF_FUNC_skc_to_mptcp_sock] = { ALL, ANYTHING, 0, "socket", 0 },
	/* Maps. */
	[BPF_FUNC_map_lookup_elem] = { ALL, VALUE, 0, "map key",
		PLAIN | SOCKETS | NESTED | DEVICES },
	[BPF_FUNC_map_update_elem] = { ALL, STATUS, 0, "map key value flags", PLAIN },
	[BPF_FUNC_map_delete_elem] = { ALL, STATUS, 0, "map key", PLAIN | SOCKETS },
	[BPF_FUNC_map_lookup_percpu_elem] = { ALL, VALUE, 0, "map key cpu", PER_CPU },
	[BPF_FUNC_map_push_elem] = { ALL, STATUS, 0, "map value flags",
		QUEUES | MAP(BLOOM_FILTER) },
	[BPF_FUNC_map_pop_elem] = { ALL, STATUS, 0, "map element", QUEUES },
	[BPF_FUNC_map_peek_elem] = { ALL, STATUS, 0, "map element", QUEUES | MAP(BLOOM_FILTER) },
	[BPF_FUNC_for_each_map_elem] = { ALL, STATUS, 0, "map function pointer any", 0 },
	[BPF_FUNC_tail_call] = { ALL, NOTHING, 0, "ctx map index", MAP(PROG_ARRAY) },
	[BPF_FUNC_perf_event_output] = { ALL, STATUS, GPL, "ctx map flags from size",
		MAP(PERF_EVENT_ARRAY) },
	[BPF_FUNC_perf_event_read] = { ALL, LARGE, GPL, "map flags", MAP(PERF_EVENT_ARRAY) },
	[BPF_FUNC_perf_event_read_value] = { ALL, STATUS, GPL, "map flags to size",
		MAP(PERF_EVENT_ARRAY) },
	[BPF_FUNC_ringbuf_output] = { ALL, STATUS, 0, "map from size flags", MAP(RINGBUF) },
	[BPF_FUNC_ringbuf_reserve] = { ALL, ANYTHING, 0, "map size flags", MAP(RINGBUF) },
	[BPF_FUNC_ringbuf_submit] = { ALL, NOTHING, 0, "record flags", 0 },
	[BPF_FUNC_ringbuf_discard] = { ALL, NOTHING, 0, "record flags", 0 },
	[BPF_FUNC_ringbuf_query] = { ALL, LARGE, 0, "map flags", MAP(RINGBUF) },
	[BPF_FUNC_ringbuf_reserve_dynptr] = { ALL, STATUS, 0, "map length flags dynptr",
		MAP(RINGBUF) },
	[BPF_FUNC_ringbuf_submit_dynptr] = { ALL, NOTHING, 0, "dynptr flags", 0 },
	[BPF_FUNC_ringbuf_discard_dynptr] = { ALL, NOTHING, 0, "dynptr flags", 0 },
	[BPF_FUNC_user_ringbuf_drain] = { ALL, STATUS, 0, "map function pointer any",
		MAP(USER_RINGBUF) },
	[BPF_FUNC_get_local_storage] = { OPS, ANYTHING, 0, "map flags",
		MAP(CGROUP_STORAGE) | MAP(PERCPU_CGROUP_STORAGE) },
	[BPF_FUNC_task_storage_get] = { ALL, ANYTHING, 0, "map task pointer flags",
		MAP(TASK_STORAGE) },
	[BPF_FUNC_task_storage_delete] = { ALL, STATUS, 0, "map task", MAP(TASK_STORAGE) },
	[CGRP_STORAGE_GET] = { ALL, ANYTHING, 0, "map cgroup pointer flags", CGRP_STORAGE_MAP },
	[CGRP_STORAGE_DELETE] = { ALL, STATUS, 0, "map cgroup", CGRP_STORAGE_MAP },
	[BPF_FUNC_current_task_under_cgroup] = { ALL, STATUS, 0, "map index", MAP(CGROUP_ARRAY) },
	[BPF_FUNC_kptr_xchg] = { ALL, ANYTHING, 0, "field pointer", 0 },
	[BPF_FUNC_spin_lock] = { ALL, NOTHING, 0, "lock", 0 },
	[BPF_FUNC_spin_unlock] = { ALL, NOTHING, 0, "lock", 0 },
	[BPF_FUNC_timer_init] = { ALL, STATUS, GPL, "timer map flags", 0 },
	[BPF_FUNC_timer_set_callback] = { ALL, STATUS, GPL, "timer function", 0 },
	[BPF_FUNC_timer_start] = { ALL, STATUS, GPL, "timer nanoseconds flags", 0 },
	[BPF_FUNC_timer_cancel] = { ALL, STATUS, GPL, "timer", 0 },
	/* Time, chance, the processor and who is running. */
	[BPF_FUNC_ktime_get_ns] = { ALL, LARGE, 0, "", 0 },
	[BPF_FUNC_ktime_get_boot_ns] = { ALL, LARGE, 0, "", 0 },
	[BPF_FUNC_ktime_get_coarse_ns] = { ALL, LARGE, 0, "", 0 },
	[BPF_FUNC_ktime_get_tai_ns] = { ALL, LARGE, 0, "", 0 },
	[BPF_FUNC_jiffies64] = { ALL, LARGE, 0, "", 0 },
	[BPF_FUNC_get_prandom_u32] = { ALL, WORD, 0, "", 0 },
	[BPF_FUNC_get_smp_processor_id] = { ALL, ZERO, 0, "", 0 },
	[BPF_FUNC_get_numa_node_id] = { ALL, ZERO, 0, "", 0 },
	[BPF_FUNC_get_current_pid_tgid] = { ALL, LARGE, 0, "", 0 },
	[BPF_FUNC_get_current_uid_gid] = { ALL, LARGE, 0, "", 0 },
	[BPF_FUNC_get_current_comm] = { ALL, STATUS, 0, "to size", 0 },
	[BPF_FUNC_get_current_task] = { ALL, LARGE, GPL, "", 0 },
	[BPF_FUNC_get_current_task_btf] = { ALL, ANYTHING, GPL, "", 0 },
	[BPF_FUNC_get_current_cgroup_id] = { ALL, LARGE, 0, "", 0 },
	[BPF_FUNC_get_current_ancestor_cgroup_id] = { ALL, LARGE, 0, "level", 0 },
	[BPF_FUNC_get_ns_current_pid_tgid] = { ALL, STATUS, 0, "device inode to size", 0 },
	[BPF_FUNC_get_cgroup_classid] = { ALL, WORD, 0, "", 0 },
	[BPF_FUNC_send_signal] = { ALL, STATUS, 0, "signal", 0 },
	[BPF_FUNC_send_signal_thread] = { ALL, STATUS, 0, "signal", 0 },
	/* Memory, text and tracing. */
	[BPF_FUNC_trace_printk] = { ALL, STATUS, GPL, "from size", 0 },
	[BPF_FUNC_trace_vprintk] = { ALL, STATUS, GPL, "from size from? size", 0 },
	[BPF_FUNC_snprintf] = { ALL, STATUS, GPL, "to? size text from? size", 0 },
	[BPF_FUNC_snprintf_btf] = { ALL, STATUS, 0, "to size from size flags", 0 },
	[BPF_FUNC_strtol] = { ALL, STATUS, 0, "from size flags pointer", 0 },
	[BPF_FUNC_strtoul] = { ALL, STATUS, 0, "from size flags pointer", 0 },
	[BPF_FUNC_strncmp] = { ALL, STATUS, 0, "from size text", 0 },
	[BPF_FUNC_probe_read_user] = { ALL, STATUS, GPL, "to size address", 0 },
	[BPF_FUNC_probe_read_kernel] = { ALL, STATUS, GPL, "to size address", 0 },
	[BPF_FUNC_probe_read_user_str] = { ALL, ZERO, GPL, "to size address", 0 },
	[BPF_FUNC_probe_read_kernel_str] = { ALL, ZERO, GPL, "to size address", 0 },
	[BPF_FUNC_get_task_stack] = { ALL, ZERO, 0, "task to size flags", 0 },
	[BPF_FUNC_task_pt_regs] = { ALL, ANYTHING, GPL, "task", 0 },
	[BPF_FUNC_get_branch_snapshot] = { ALL, STATUS, GPL, "to size", 0 },
	[BPF_FUNC_find_vma] = { ALL, STATUS, 0, "task address function pointer flags", 0 },
	[BPF_FUNC_per_cpu_ptr] = { ALL, ANYTHING, 0, "pointer cpu", 0 },
	[BPF_FUNC_this_cpu_ptr] = { ALL, ANYTHING, 0, "pointer", 0 },
	[BPF_FUNC_loop] = { ALL, STATUS, 0, "times function pointer flags", 0 },
	[BPF_FUNC_dynptr_from_mem] = { ALL, STATUS, 0, "to size flags dynptr", 0 },
	[BPF_FUNC_dynptr_read] = { ALL, STATUS, 0, "to size dynptr offset flags", 0 },
	[BPF_FUNC_dynptr_write] = { ALL, STATUS, 0, "dynptr offset from size flags", 0 },
	[BPF_FUNC_dynptr_data] = { ALL, ANYTHING, 0, "dynptr offset size", 0 },
};

const struct helper *helper_row(int32_t number)
{
	if (number <= 0 || number >= HELPER_NUMBERS || !rows[number].types)
		return NULL;
	return &rows[number];
}

bool helper_exists(int32_t number)
{
	return number < HELPER_NUMBERS && asm_helper_name(number) != NULL;
}

const char *helper_name(struct arena *arena, int32_t number)
{
	const char *name = asm_helper_name(number);

	return name ? arena_printf(arena, "bpf_%s", name)
		    : arena_printf(arena, "helper %d", number);
}

static enum helper_need need_of(const char *word)
{
	static const struct {
		const char *word;
		enum helper_need need;
	} needs[] = {
		{ "ctx", HELPER_CONTEXT },
		{ "map", HELPER_MAP },
		{ "key", HELPER_KEY },
		{ "value", HELPER_VALUE },
		{ "from", HELPER_MEMORY },
		{ "to", HELPER_BUFFER },
		{ "size", HELPER_SIZE },
		{ "socket", HELPER_SOCKET },
		{ "index", HELPER_NUMBER },
		{ "flags", HELPER_NUMBER },
		{ "bytes", HELPER_NUMBER },
		{ "start", HELPER_NUMBER },
		{ "end", HELPER_NUMBER },
		{ "length", HELPER_NUMBER },
		{ "offset", HELPER_NUMBER },
		{ "difference", HELPER_NUMBER },
		{ "mode", HELPER_NUMBER },
		{ "level", HELPER_NUMBER },
		{ "option", HELPER_NUMBER },
		{ "netns", HELPER_NUMBER },
		{ "cpu", HELPER_NUMBER },
	};

	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++)
		if (strcmp(needs[i].word, word) == 0)
			return needs[i].need;
	return HELPER_ANYTHING;
}

void helper_arguments(const struct helper *helper, struct helper_argument *ret)
{
	const char *at = helper->arguments;

	memset(ret, 0, HELPER_ARGUMENTS * sizeof(*ret));
	for (size_t i = 0; i < HELPER_ARGUMENTS && *at; i++) {
		size_t length = strcspn(at, " ?");

		if (length >= sizeof(ret[i].name))
			length = sizeof(ret[i].name) - 1;
		memcpy(ret[i].name, at, length);
		ret[i].need = need_of(ret[i].name);
		at += length;
		ret[i].or_null = *at == '?';
		at += ret[i].or_null;
		at += *at == ' ';
	}
}

bool helper_map_is_plain(enum bpf_map_type type)
{
	return PLAIN >> type & 1;
}

const char *helper_advice(int32_t number, enum bpf_prog_type type)
{
	static const struct {
		int32_t number;
		uint32_t types;
		const char *text;
	} advice[] = {
		{ BPF_FUNC_get_socket_cookie, MSG,
			"tell sockets apart by a key of addresses and ports instead" },
		{ BPF_FUNC_sk_redirect_map, MSG, "bpf_msg_redirect_map does it here" },
		{ BPF_FUNC_sk_redirect_hash, MSG, "bpf_msg_redirect_hash does it here" },
		{ BPF_FUNC_msg_redirect_map, SKB, "bpf_sk_redirect_map does it here" },
		{ BPF_FUNC_msg_redirect_hash, SKB, "bpf_sk_redirect_hash does it here" },
		{ BPF_FUNC_sk_redirect_map, OPS, "an sk_skb or sk_msg program redirects" },
		{ BPF_FUNC_sk_redirect_hash, OPS, "an sk_skb or sk_msg program redirects" },
		{ BPF_FUNC_msg_redirect_map, OPS, "an sk_skb or sk_msg program redirects" },
		{ BPF_FUNC_msg_redirect_hash, OPS, "an sk_skb or sk_msg program redirects" },
		{ BPF_FUNC_sock_map_update, SKB | MSG, "a sock_ops program adds sockets" },
		{ BPF_FUNC_sock_hash_update, SKB | MSG, "a sock_ops program adds sockets" },
		{ BPF_FUNC_skb_pull_data, MSG, "bpf_msg_pull_data does it here" },
		{ BPF_FUNC_msg_pull_data, SKB, "bpf_skb_pull_data does it here" },
		{ BPF_FUNC_skb_load_bytes, MSG,
			"call bpf_msg_pull_data, then read between data and data_end" },
		{ BPF_FUNC_skb_store_bytes, MSG,
			"call bpf_msg_pull_data, then write between data and data_end" },
		{ BPF_FUNC_msg_push_data, SKB, "bpf_skb_adjust_room makes room here" },
		{ BPF_FUNC_msg_pop_data, SKB, "bpf_skb_adjust_room takes room away here" },
		{ BPF_FUNC_skb_change_tail, MSG, "bpf_msg_push_data and bpf_msg_pop_data do it" },
		{ BPF_FUNC_skb_adjust_room, MSG, "bpf_msg_push_data and bpf_msg_pop_data do it" },
		{ BPF_FUNC_redirect_map, ALL,
			"bpf_sk_redirect_map and bpf_msg_redirect_map do it" },
		{ BPF_FUNC_get_netns_cookie, SKB, "sk_msg and sock_ops programs may call it" },
	};

	for (size_t i = 0; i < sizeof(advice) / sizeof(advice[0]); i++)
		if (advice[i].number == number && advice[i].types & (1u << type))
			return advice[i].text;
	return NULL;
}

bool licence_is_gpl_compatible(const char *license)
{
	static const char *const compatible[] = { "GPL", "GPL v2", "GPL and additional rights",
		"Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL" };

	for (size_t i = 0; i < sizeof(compatible) / sizeof(compatible[0]); i++)
		if (strcmp(compatible[i], license) == 0)
			return true;
	return false;
}
