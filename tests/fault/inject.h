/* Fault injection for tests: an LD_PRELOAD library that lets the Nth call of a kind fail.
 *
 * A driver that was started with LD_PRELOAD=inject.so finds these by dlsym(RTLD_DEFAULT, ...).  Only calls of
 * the arming thread count, and only while armed, so that libpam's own start and the test itself
 * run undisturbed.
 */
#ifndef JA_FAULT_INJECT_H
#define JA_FAULT_INJECT_H

enum ja_fault_kind {
    JA_FAULT_ALLOC,  /* malloc calloc realloc posix_memalign aligned_alloc, anonymous mmap */
    JA_FAULT_OPEN,   /* open openat fopen */
    JA_FAULT_READ,   /* read pread */
    JA_FAULT_WRITE,  /* write pwrite fsync fdatasync ftruncate */
    JA_FAULT_SQLITE, /* sqlite3_open_v2 prepare step exec bind */
    JA_FAULT_RANDOM, /* getrandom */
    JA_FAULT_KINDS
};

/* The nth call (from 1) of `kind` fails, once; n = 0 only counts. */
typedef void (*ja_fault_arm_fn)(int kind, long nth);
/* Ends it; returns how many calls of the armed kind were made, and whether one failed. */
typedef long (*ja_fault_disarm_fn)(int *ret_fired);
typedef void (*ja_fault_pause_fn)(int pause);

#endif
