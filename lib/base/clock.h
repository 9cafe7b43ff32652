/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* A clock that nobody sets, for how long something takes. */
#pragma once

#include <stdint.h>
#include <time.h>

#define NS_PER_MS 1000000ull
#define NS_PER_S 1000000000ull

static inline uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static inline double clock_milliseconds(void)
{
	return (double)clock_ns() / NS_PER_MS;
}
