/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A fuzz target is one file with this one function.  With --enable-fuzzers it
 * is linked with libFuzzer; otherwise with replay.c, which feeds it the files
 * of tests/fuzz/corpus/NAME in "make check".
 */
#ifndef BALLOON_TESTS_FUZZ_FUZZ_H
#define BALLOON_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/*
 * Must survive any size bytes at data, which are the caller's and not to be
 * written, and keeps nothing from one call to the next.  Returns 0; a finding
 * is an abort, a failed assertion or a sanitizer's report.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
