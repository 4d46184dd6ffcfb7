/* What the two kinds of imports share. */
#ifndef JA_FLOW_IMPORT_INTERNAL_H
#define JA_FLOW_IMPORT_INTERNAL_H

#include "common/flow/account_internal.h"
#include "common/flow/import_flow.h"

/* Is it the row that is wrong, or the installation? */
bool ja_import_of_the_row(enum ja_status st);
/* A judgement about a row becomes its outcome; anything else ends the run. */
enum ja_status ja_import_judged(struct ja_import_row *row, enum ja_status st, const struct ja_error *why,
                                struct ja_error *err);
/* Rows (the first member of elements of `size`) whose name an earlier line has: the later one fails. */
enum ja_status ja_import_refuse_twins(void *rows, size_t n, size_t size, struct ja_error *err);
void ja_import_count(const struct ja_import_row *row, struct ja_import_tally *t);
/* "import.shadow" with the number of users, in the caller's transaction. */
enum ja_status ja_import_summary(struct ja_ctx *ctx, const struct ja_import_mode *mode, size_t n, struct ja_error *err);
void ja_import_tell(const struct ja_import_mode *mode, size_t done, size_t total);

#endif
