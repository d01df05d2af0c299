/* SPDX-License-Identifier: MIT
 *
 * model.h - what a sequence of calls ought to have done, beside the pools.
 *
 * The model knows each pool's bytes, objects, marks, cleanups and children, and
 * what it has refused.  It is written from the manual, and looks at the library
 * through the public functions only.  A step reads its arguments from the
 * input, makes one call, and holds result, errno and report to the model.
 *
 * What it cannot do: know the order of two threads' calls.  So only one of its
 * threads works at a time.
 */
#ifndef FUZZ_MODEL_H
#define FUZZ_MODEL_H

#include <setjmp.h>

#include "inject.h"
#include "pools.h"

#define MODEL_POOLS 6
#define MODEL_OBJECTS 1024
#define MODEL_USERS 4 /* two threads, and two handles of each pool */
#define MODEL_THREADS 2
#define MODEL_DEEP 4
#define MODEL_CLEANUPS 12
#define MODEL_CALLED (MODEL_POOLS * MODEL_CLEANUPS)
#define MODEL_STRINGS 4
#define MODEL_GONE 16
#define MODEL_BUFFER ((size_t)256 << 10)
#define MODEL_BYTES ((size_t)16 << 20) /* that all objects have at most */
/* Of an object that no system has. */
#define MODEL_HUGE \
    (SIZE_MAX > UINT32_MAX ? SIZE_MAX >> 24 : SIZE_MAX / 4 * 3)
#define MODEL_TEXT 4096

#define MODEL_EXPECT(what)                       \
    do {                                         \
        if (!(what)) {                           \
            model_fail(__FILE__, __LINE__, #what); \
        }                                        \
    } while (0)
_Noreturn void model_fail(const char *file, int line, const char *what);

struct model_object {
    unsigned char *at; /* NULL: none here */
    size_t size;       /* all that may be used */
    uint32_t tag;
    int pool;
    int user;       /* whose mark it goes with */
    unsigned depth; /* marks of that user as it was made */
    bool text;      /* a string's, with the string's bytes */
    bool visited;
};

struct model_cleanup {
    uintptr_t id;
    int user; /* of a mark; -1: of the pool */
    uint64_t mark;
};

struct model_user {
    mp_handle_t *handle; /* NULL: a thread, or no handle yet */
    unsigned depth;
    mp_mark_t marks[MODEL_DEEP];
};

struct model_pool {
    memory_pool_t *mp; /* NULL: none here */
    int parent;        /* -1: none */
    uint64_t birth;
    size_t capacity; /* SIZE_MAX: none */
    size_t widest;   /* that the capacity ever was */
    bool limits;     /* it was made with one */
    bool most_is_capacity;
    size_t most;     /* bytes of one object */
    bool counts;     /* to the byte */
    bool tracked;
    bool base;    /* reports on standard error */
    bool reports; /* to the model */
    bool leaks;   /* MP_LEAK_CHECK */
    bool bounded; /* its backing may have no more */
    size_t held;  /* bytes of its objects */
    size_t total; /* and of those below */
    size_t peak;  /* of total if it was made with a capacity, else of held */
    unsigned objects;
    unsigned leaked; /* reports of leaks */
    int failure;     /* what its failure function does */
    uint64_t made;   /* objects, without those that moved */
    uint64_t moved;
    uint64_t resets;
    uint64_t refused[3]; /* EINVAL, ENOBUFS, ENOMEM */
    unsigned cleanups;
    struct model_cleanup cleanup[MODEL_CLEANUPS];
    struct model_user users[MODEL_USERS];
    struct pools_backing own;
    unsigned char *buffer;
};

struct model_string {
    mp_string_t string;
    int object; /* -1: none yet */
};

struct model {
    const unsigned char *input;
    size_t left;
    unsigned step;
    int self;    /* the thread that works */
    int chosen;  /* the pool that was chosen last */
    size_t size; /* that was asked for last */
    uint64_t births;
    uint32_t tags;
    size_t bytes;
    struct model_pool pools[MODEL_POOLS];
    struct model_object objects[MODEL_OBJECTS];
    struct model_string strings[MODEL_STRINGS];
    const unsigned char *gone[MODEL_GONE];
    unsigned went;
    /* Of the call that is being made: */
    struct pools_report report;
    int kept;         /* an object that the failure function leaves alone */
    unsigned retries; /* that it asked for */
    jmp_buf *jump;    /* it may leave */
    int ending;       /* a pool that is reset or destroyed; -1: none */
    uintptr_t called[MODEL_CALLED];
    unsigned called_count;
    uintptr_t expected[MODEL_CALLED];
    unsigned expected_count;
};
extern struct model model;

/* The next of the input, 0 behind its end. */
unsigned model_byte(void);
unsigned model_word(void);
size_t model_below(size_t bound);

/* A pool, or an object, that the input chooses; -1: there is none. */
int model_pick_pool(void);
int model_pick_object(void);
int model_next_object(int pool, int from, int but);
/* A slot for one more; -1: there are enough. */
int model_free_slot(void);
/* A user of the pool: the thread that works, or one of its handles. */
int model_pick_user(int pool);
/* A size, at which something changes in the pool, or any. */
size_t model_size(int pool);

/* Bytes that still fit, into the pool and those above. */
size_t model_room(int pool);

/* The pool, or one above it, was made with a capacity; of -1 none was. */
bool model_is_limited(int pool);

/* A call for the pool begins; -1: for none. */
void model_begin(int pool);
/* It has ended: with this errno, 0 if it succeeded, and with this report, 0 if
 * it made none. */
void model_end(int pool, mp_event_t event, const void *ptr, int error);
/* The call was refused memory. */
bool model_was_refused(int pool);

/* It wanted an object of size bytes, more of them new.  What errno has to be,
 * given whether it got one; counts, and ends the call. */
int model_settle(int pool, size_t size, size_t more, bool got);

/* Bytes that tell an object from others; of a text, too. */
void model_fill(const struct model_object *object, size_t from);
bool model_holds(const struct model_object *object, size_t n);
char model_letter(uint32_t tag, size_t i);

/* An object came, of at least size bytes; it moved, stayed or changed its size;
 * it went. */
void model_came(int i, int pool, int user, void *at, size_t size);
void model_resized(int i, int user, void *at, size_t size);
void model_went(int i);

/* All that can be said of a pool, and of all. */
void model_verify(int pool);
void model_verify_all(void);

mp_report_fn model_report;
mp_failure_fn model_failure;

typedef void model_step_fn(void);
struct model_step {
    model_step_fn *run;
    unsigned weight;
};

/* The steps of each file; the last one is NULL. */
extern const struct model_step changes_steps[];
extern const struct model_step lives_steps[];
extern const struct model_step misuse_steps[];
extern const struct model_step objects_steps[];
extern const struct model_step scopes_steps[];
extern const struct model_step views_steps[];

/* Destroys all pools that are left. */
void lives_finish(void);
/* A cleanup is to be called next; and just those were called. */
void scopes_expect_called(const struct model_cleanup *cleanup);
void scopes_compare_called(void);
/* A thread ends, and with it its marks. */
void scopes_end_thread(int thread);

#endif /* FUZZ_MODEL_H */
