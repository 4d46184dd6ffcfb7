/* Statements: prepared once per connection, kept by their literal, read by column name. */
#include "common/db/db_driver.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HINTS 256 /* a power of two, several times the columns of the widest row: few names share a place */

struct ja_rows {
    struct ja_db *db;
    struct ja_rows *next;
    const char *sql;
    void *stmt;
    bool held;  /* between query and end */
    bool on_row, done, reads_only;
    bool once; /* the kept one was in use: this one goes at its end */
    enum ja_status status;
    char unknown[40]; /* the column that does not exist */
    unsigned char hints[HINTS]; /* where the name at an address was found last; looked at again each time */
};

static void finish(struct ja_rows *rows)
{
    rows->db->driver->finish(rows->stmt);
    free(rows);
}

void ja_db_finish_statements(struct ja_db *db)
{
    while (db->statements) {
        struct ja_rows *rows = db->statements;
        db->statements = rows->next;
        finish(rows);
    }
}

/* The caller may still hold rows: they answer "no row" and are ended as usual. */
void ja_db_reset_statements(struct ja_db *db)
{
    for (struct ja_rows *r = db->statements; r; r = r->next) {
        if (!r->held)
            continue;
        db->driver->reset(r->stmt);
        r->on_row = false;
        if (r->status == JA_OK)
            r->status = JA_ERR_CONFLICT;
    }
}

bool ja_db_write_pending(const struct ja_db *db)
{
    for (const struct ja_rows *r = db->statements; r; r = r->next)
        if (r->held && r->on_row && !r->reads_only)
            return true;
    return false;
}

static struct ja_rows *find_kept(struct ja_db *db, const char *sql)
{
    for (struct ja_rows *r = db->statements; r; r = r->next)
        if (r->sql == sql && !r->once)
            return r;
    /* The same literal in another file has another address. */
    for (struct ja_rows *r = db->statements; r; r = r->next)
        if (!r->once && strcmp(r->sql, sql) == 0)
            return r;
    return NULL;
}

static enum ja_status take(struct ja_db *db, const char *sql, struct ja_rows **ret,
                           struct ja_error *err)
{
    struct ja_rows *rows = find_kept(db, sql);
    bool in_use = rows && rows->held;
    enum ja_status st;

    if (!rows || in_use) {
        rows = calloc(1, sizeof *rows);
        if (!rows)
            return ja_fail_nomem(err);
        rows->db = db;
        rows->sql = sql;
        rows->once = in_use;
        st = db->driver->prepare(db->conn, sql, &rows->stmt, err);
        if (st != JA_OK) {
            free(rows);
            return st;
        }
        rows->reads_only = db->driver->reads_only(rows->stmt);
        rows->next = db->statements;
        db->statements = rows;
    }
    rows->held = true;
    rows->on_row = rows->done = false;
    rows->status = JA_OK;
    *ret = rows;
    return JA_OK;
}

static void unlink_rows(struct ja_rows *rows)
{
    for (struct ja_rows **at = &rows->db->statements; *at; at = &(*at)->next) {
        if (*at == rows) {
            *at = rows->next;
            return;
        }
    }
}

void ja_rows_end(struct ja_rows *rows)
{
    if (!rows)
        return;
    rows->db->driver->reset(rows->stmt);
    rows->held = rows->on_row = false;
    if (rows->once) {
        unlink_rows(rows);
        finish(rows);
    }
}

/* A write outside a transaction would commit by itself, half of a change without its audit row; one whose
 * transaction was given up by the engine would, too. */
static enum ja_status may_write(struct ja_db *db, struct ja_error *err)
{
    if (!db->begun || !db->writing)
        return ja_fail(err, JA_ERR_INTERNAL, "no_transaction",
                       "a write outside of a write transaction");
    if (!db->driver->in_transaction(db->conn))
        return ja_fail(err, JA_ERR_IO, "transaction_lost",
                       "the database gave the transaction up after an earlier error");
    return JA_OK;
}

enum ja_status ja_db_query_(struct ja_db *db, const char *sql, const struct ja_value *binds,
                            size_t nbinds, struct ja_rows **ret, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    enum ja_status st = take(db, sql, &rows, err);

    if (st != JA_OK)
        return st;
    if (!rows->reads_only)
        st = may_write(db, err);
    if (st == JA_OK)
        st = db->driver->bind(db->conn, rows->stmt, binds, nbinds, err);
    if (st == JA_OK)
        *ret = rows;
    else
        ja_rows_end(rows);
    return st;
}

enum ja_status ja_db_exec_(struct ja_db *db, const char *sql, const struct ja_value *binds,
                           size_t nbinds, int64_t *ret_changes, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st = ja_db_query_(db, sql, binds, nbinds, &rows, err);

    if (st != JA_OK)
        return st;
    st = ja_rows_next(rows, &row, err);
    if (st == JA_OK && row)
        st = ja_fail(err, JA_ERR_INTERNAL, "unexpected_row", "a statement run for its effect gave rows");
    if (st == JA_OK && ret_changes)
        *ret_changes = db->driver->changes(db->conn);
    ja_rows_end(rows);
    return st;
}

enum ja_status ja_rows_status(struct ja_rows *rows, struct ja_error *err)
{
    switch (rows->status) {
    case JA_OK:
        return JA_OK;
    case JA_ERR_INTERNAL:
        return ja_fail(err, JA_ERR_INTERNAL, "unknown_column", "the query has no column '%s'",
                       rows->unknown);
    case JA_ERR_NOMEM:
        return ja_fail_nomem(err);
    default:
        return ja_fail(err, JA_ERR_INTERNAL, "rows_ended",
                       "rows were read after their transaction ended");
    }
}

enum ja_status ja_rows_next(struct ja_rows *rows, bool *ret_row, struct ja_error *err)
{
    struct ja_db *db = rows->db;
    bool row = false;
    enum ja_status st = ja_rows_status(rows, err);

    if (st != JA_OK)
        return st;
    if (rows->done) { /* the binds are gone: it must not run again */
        *ret_row = false;
        return JA_OK;
    }
    st = db->driver->step(db->conn, rows->stmt, &row, err);
    rows->on_row = st == JA_OK && row;
    if (st != JA_OK)
        return st;
    if (!row) {
        db->driver->reset(rows->stmt);
        rows->done = true;
    }
    *ret_row = row;
    return JA_OK;
}

/* -1 when the value cannot be read. */
static int column(struct ja_rows *rows, const char *name)
{
    /* The high bits of a product depend on all bits of the address (Knuth, vol. 3, 6.4). */
    unsigned char *hint = &rows->hints[(uint32_t)((uintptr_t)name * UINT64_C(0x9e3779b97f4a7c15) >> 32) % HINTS];
    int i = rows->db->driver->column(rows->stmt, name, *hint);

    if (i >= 0 && i <= UCHAR_MAX)
        *hint = (unsigned char)i;
    if (i < 0 && rows->status == JA_OK) {
        rows->status = JA_ERR_INTERNAL;
        (void)snprintf(rows->unknown, sizeof rows->unknown, "%s", name);
    }
    return rows->on_row ? i : -1;
}

const char *ja_col_text(struct ja_rows *rows, const char *name)
{
    int i = column(rows, name);
    const char *text = i < 0 ? NULL : rows->db->driver->text(rows->stmt, i);

    /* Short memory must not look like SQL NULL. */
    if (i >= 0 && !text && !rows->db->driver->is_null(rows->stmt, i))
        rows->status = JA_ERR_NOMEM;
    return text;
}

int64_t ja_col_int(struct ja_rows *rows, const char *name)
{
    int i = column(rows, name);

    return i < 0 ? 0 : rows->db->driver->integer(rows->stmt, i);
}

bool ja_col_null(struct ja_rows *rows, const char *name)
{
    int i = column(rows, name);

    return i < 0 || rows->db->driver->is_null(rows->stmt, i);
}
