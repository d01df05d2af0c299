/* SPDX-License-Identifier: MIT
 *
 * obstack.c - mempool_porting(7): before, with an obstack of glibc.
 */
#include <obstack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define obstack_chunk_alloc malloc
#define obstack_chunk_free free

int main(void)
{
    static const char *const words[] = {"to", "be", "or", "not"};
    struct obstack stack;
    obstack_init(&stack);
    char *kept = obstack_copy0(&stack, "kept", 4);
    char *first = obstack_alloc(&stack, 100); /* a place to return to */
    strcpy(first, "scratch");
    for (int i = 0; i < 4; i++) {
        obstack_grow(&stack, words[i], strlen(words[i]));
        obstack_1grow(&stack, ' ');
    }
    obstack_1grow(&stack, '\0');
    char *line = obstack_finish(&stack);
    printf("%s: %s\n", first, line);
    obstack_free(&stack, first); /* and the line, which is younger */
    puts(kept);
    obstack_free(&stack, NULL);
    return 0;
}
