/* One writer of a public file after the other. */
#ifndef JA_DOMAIN_SNAPSHOT_LOCK_H
#define JA_DOMAIN_SNAPSHOT_LOCK_H

/* The descriptor that holds PATH.lock, a file that nobody else can open, so that nobody else can hold its lock; close
 * it to let go. Who does not get it in 5 seconds (its holder was stopped) goes on without it: the generation in the
 * file decides. -1: there is no such file to be had. */
int ja_snapshot_lock(const char *path);

#endif
