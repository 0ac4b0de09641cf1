/* Reports each block of memory that is given back with a secret still in it. Loaded with LD_PRELOAD.
   SCAN_FOR is the text, each byte with its lowest bit inverted, so that copies of the environment do not
   contain it; SCAN_LOG is the file to which a line is written for each block. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void __libc_free(void *block);
void *__libc_malloc(size_t size);

static char text[128];
static char log_file[4096];

__attribute__((constructor)) static void begin(void) {
    const char *wanted = getenv("SCAN_FOR"), *file = getenv("SCAN_LOG");
    if (!wanted || !file) return;
    strncpy(log_file, file, sizeof log_file - 1);
    for (size_t at = 0; wanted[at] && at < sizeof text - 1; at++) text[at] = wanted[at] ^ 1;
}

static void look(void *block) {
    if (!block || !text[0]) return;
    size_t size = malloc_usable_size(block);
    if (!memmem(block, size, text, strlen(text))) return;
    /* The program closes descriptors that it does not know. */
    int log = open(log_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int is_header = size > 7 && !memcmp(block, "Bearer ", 7);
    dprintf(log, is_header ? "header\n" : "%zu bytes\n", size);
    close(log);
}

void free(void *block) {
    look(block);
    __libc_free(block);
}

/* Always moves, as it may. */
void *realloc(void *block, size_t size) {
    if (!block) return __libc_malloc(size);
    void *moved = __libc_malloc(size ? size : 1);
    if (!moved) return NULL;
    size_t old = malloc_usable_size(block);
    memcpy(moved, block, old < size ? old : size);
    free(block);
    return moved;
}
