/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The main of a fuzz target without libFuzzer: feeds it each file of its
 * corpus, and the empty input, as one TAP test each.  A file that once broke
 * something is a regression test from then on; an input that breaks something
 * now ends the program, and the plan is left short.
 *
 * With arguments: feeds it those files instead.  Without: the folder is
 * $FUZZ_CORPUS/NAME for the program fuzz_NAME.
 */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A corpus file is small; this only bounds a mistake. */
#define INPUT_MAX (1024U * 1024U)

static unsigned int count;
static bool failed;

static void feed(const char *name, const uint8_t *data, size_t size)
{
    /* Seen even when the target does not come back. */
    printf("# %s, %zu bytes\n", name, size);
    (void)fflush(stdout);
    (void)LLVMFuzzerTestOneInput(data, size);
    count++;
    printf("ok %u - %s\n", count, name);
}

static void not_ok(const char *name, const char *why)
{
    failed = true;
    count++;
    printf("not ok %u - %s: %s\n", count, name, why);
}

static void feed_file(const char *path, const char *name)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = NULL;
    long size;

    if (!file) {
        not_ok(name, strerror(errno));
        return;
    }
    if (fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0 ||
        (unsigned long)size > INPUT_MAX || fseek(file, 0, SEEK_SET) != 0) {
        not_ok(name, "cannot be measured, or too large");
        goto out;
    }
    /* Exactly as long as the input, so that a sanitizer sees the end. */
    data = malloc(size > 0 ? (size_t)size : 1);
    if (!data || fread(data, 1, (size_t)size, file) != (size_t)size) {
        not_ok(name, "cannot be read");
        goto out;
    }
    feed(name, data, (size_t)size);
out:
    free(data);
    (void)fclose(file);
}

static int no_dot(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void feed_folder(const char *folder)
{
    struct dirent **entries;
    int n = scandir(folder, &entries, no_dot, alphasort);

    if (n <= 0) {
        not_ok(folder, n < 0 ? strerror(errno) : "is empty");
        return;
    }
    for (int i = 0; i < n; i++) {
        char *path = NULL;

        if (asprintf(&path, "%s/%s", folder, entries[i]->d_name) < 0) {
            not_ok(entries[i]->d_name, "no memory");
        } else {
            feed_file(path, entries[i]->d_name);
            free(path);
        }
        free(entries[i]);
    }
    free(entries);
}

int main(int argc, char **argv)
{
    static const char prefix[] = "fuzz_";

    feed("the empty input", (const uint8_t *)"", 0);
    if (argc > 1) {
        for (int i = 1; i < argc; i++)
            feed_file(argv[i], argv[i]);
    } else {
        const char *corpus = getenv("FUZZ_CORPUS");
        const char *name = strrchr(argv[0], '/');
        char *folder = NULL;

        name = name ? name + 1 : argv[0];
        if (strncmp(name, prefix, strlen(prefix)) == 0)
            name += strlen(prefix);
        if (asprintf(&folder, "%s/%s", corpus ? corpus : "tests/fuzz/corpus",
                     name) < 0) {
            return 1;
        }
        feed_folder(folder);
        free(folder);
    }
    printf("1..%u\n", count);
    return failed ? 1 : 0;
}
