/* What becomes of a row, and what is common to both kinds. */
#include "common/flow/import_internal.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *ja_import_outcome_name(enum ja_import_outcome o)
{
    static const char *const names[] = {
        [JA_IMPORT_READY] = "ready", [JA_IMPORT_ADDED] = "added", [JA_IMPORT_ADOPTED] = "adopted",
        [JA_IMPORT_UNCHANGED] = "unchanged", [JA_IMPORT_SKIPPED] = "skipped", [JA_IMPORT_FAILED] = "failed",
        [JA_IMPORT_HELD] = "not_imported", [JA_IMPORT_PLANNED] = "would_add",
        [JA_IMPORT_PLANNED_ADOPTION] = "would_adopt",
    };

    return (size_t)o < sizeof names / sizeof *names ? names[o] : "unknown";
}

void ja_import_note(struct ja_import_row *row, const char *text)
{
    char *both = NULL;

    if (asprintf(&both, "%s%s%s", row->message ? row->message : "", row->message ? "; " : "", text) < 0)
        return; /* ignoring: a notice is lost, the row is not */
    free(row->message);
    row->message = both;
}

void ja_import_refuse(struct ja_import_row *row, enum ja_import_outcome outcome, const struct ja_error *why)
{
    if (row->outcome == JA_IMPORT_FAILED || row->outcome == JA_IMPORT_SKIPPED)
        return;
    row->outcome = outcome;
    row->status = why->status;
    (void)snprintf(row->code, sizeof row->code, "%s", why->code);
    free(row->message);
    row->message = NULL;
    ja_import_note(row, why->message);
}

bool ja_import_of_the_row(enum ja_status st)
{
    return st == JA_ERR_INVALID || st == JA_ERR_POLICY || st == JA_ERR_EXISTS || st == JA_ERR_CONFLICT ||
           st == JA_ERR_NOT_FOUND || st == JA_ERR_CORRUPT;
}

enum ja_status ja_import_judged(struct ja_import_row *row, enum ja_status st, const struct ja_error *why,
                                struct ja_error *err)
{
    if (st == JA_OK)
        return JA_OK;
    if (!ja_import_of_the_row(st))
        return ja_fail(err, st, why->code, "%s", why->message);
    ja_import_refuse(row, JA_IMPORT_FAILED, why);
    return JA_OK;
}

void ja_import_count(const struct ja_import_row *row, struct ja_import_tally *t)
{
    switch (row->outcome) {
    case JA_IMPORT_ADDED: t->added++; break;
    case JA_IMPORT_ADOPTED: t->adopted++; break;
    case JA_IMPORT_UNCHANGED: t->unchanged++; break;
    case JA_IMPORT_SKIPPED: t->skipped++; break;
    case JA_IMPORT_FAILED: t->failed++; break;
    case JA_IMPORT_READY:
    case JA_IMPORT_HELD:
    case JA_IMPORT_PLANNED:
    case JA_IMPORT_PLANNED_ADOPTION: break;
    }
}

static int by_name(const void *a, const void *b)
{
    const struct ja_import_row *x = *(struct ja_import_row *const *)a, *y = *(struct ja_import_row *const *)b;
    int order = strcmp(x->name, y->name);

    return order ? order : x->line < y->line ? -1 : x->line > y->line;
}

enum ja_status ja_import_refuse_twins(void *rows, size_t n, size_t size, struct ja_error *err)
{
    struct ja_import_row **sorted = calloc(n + 1, sizeof *sorted);
    struct ja_error why = {0};

    if (!sorted)
        return ja_fail_nomem(err);
    for (size_t i = 0; i < n; i++)
        sorted[i] = (struct ja_import_row *)((char *)rows + i * size);
    if (n > 0)
        qsort(sorted, n, sizeof(struct ja_import_row *), by_name);
    for (size_t i = 1; i < n; i++) {
        if (!sorted[i]->name[0] || strcmp(sorted[i]->name, sorted[i - 1]->name) != 0)
            continue;
        (void)ja_fail(&why, JA_ERR_INVALID, "duplicate_row", "%s stands in the file twice: keep one row",
                      sorted[i]->name);
        ja_import_refuse(sorted[i], JA_IMPORT_FAILED, &why);
    }
    free(sorted);
    return JA_OK;
}

enum ja_status ja_import_summary(struct ja_ctx *ctx, const struct ja_import_mode *mode, size_t n, struct ja_error *err)
{
    char action[64];
    json_t *detail = json_pack("{s:I}", "users", (json_int_t)n);
    struct ja_audit_event ev = {.action = action, .outcome = "success", .detail = detail};
    enum ja_status st;

    if (!detail)
        return ja_fail_nomem(err);
    (void)snprintf(action, sizeof action, "import.%s", mode->source);
    st = ja_audit_write(ctx, &ev, err);
    json_decref(detail);
    return st;
}

void ja_import_tell(const struct ja_import_mode *mode, size_t done, size_t total)
{
    if (mode->progress)
        mode->progress(mode->arg, (int64_t)done, (int64_t)total);
}

void ja_import_account_clear(struct ja_import_account *a)
{
    free(a->row.message);
    ja_user_clear(&a->user);
    *a = (struct ja_import_account){0};
}

void ja_import_factor_clear(struct ja_import_factor *f)
{
    free(f->row.message);
    ja_totp_clear(&f->totp);
    sodium_memzero(f, sizeof *f);
}
