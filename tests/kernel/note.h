/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What a test has to say when it passes: how much it tried, and measured. Criterion throws away what
 * tests write, so notes go through a file to the process that reports, which adds them below its
 * results as lines of TAP that begin with "#". A test that uses this has its main() from here.
 */
#pragma once

void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
