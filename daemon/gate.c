#include "daemon/gate.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#define ANSWERS 2048 /* a power of two; about 2.5 KiB each when taken */

struct answer {
    unsigned char token[JA_TOKEN_HASH_LEN];
    int64_t stamp, until;
    struct MHD_Response *response; /* NULL: free */
};

struct gate {
    struct ja_token_memory *tokens;
    struct answer answers[ANSWERS];
};

struct gate_note {
    unsigned char token[JA_TOKEN_HASH_LEN];
    int64_t stamp, until; /* until 0: not to be kept */
    struct MHD_Response *known;
};

enum ja_status gate_new(struct gate **ret, struct ja_error *err)
{
    struct gate *g = calloc(1, sizeof *g);
    enum ja_status st = g ? ja_token_memory_new(&g->tokens, err) : ja_fail_nomem(err);

    if (st == JA_OK)
        *ret = g;
    else
        free(g);
    return st;
}

void gate_forget(struct gate *g)
{
    ja_token_memory_forget(g->tokens);
    for (size_t i = 0; i < ANSWERS; i++) {
        if (g->answers[i].response)
            MHD_destroy_response(g->answers[i].response);
        g->answers[i] = (struct answer){.response = NULL};
    }
}

void gate_free(struct gate *g)
{
    if (!g)
        return;
    gate_forget(g);
    ja_token_memory_free(g->tokens);
    free(g);
}

struct ja_token_memory *gate_tokens(struct gate *g)
{
    return g->tokens;
}

static struct answer *place_of(struct gate *g, const unsigned char token[JA_TOKEN_HASH_LEN])
{
    size_t at = 0;

    memcpy(&at, token, sizeof at);
    return &g->answers[at % ANSWERS];
}

enum ja_status gate_look(struct http_call *call, const char *token, size_t len, bool *ret_known, struct ja_error *err)
{
    struct gate_note note = {.until = 0};
    const struct answer *a;
    enum ja_status st = ja_db_stamp(call->ctx->db, &note.stamp, err);

    *ret_known = false;
    if (st == JA_ERR_UNSUPPORTED)
        return JA_OK;
    if (st == JA_OK)
        st = ja_token_memory_hash(call->gate->tokens, token, len, note.token, err);
    if (st != JA_OK)
        return st;
    a = place_of(call->gate, note.token);
    if (a->response && a->stamp == note.stamp && ja_now(&call->ctx->clock) < a->until &&
        ja_token_hash_equal(a->token, note.token))
        note.known = a->response;
    call->note = malloc(sizeof note);
    if (!call->note)
        return ja_fail_nomem(err);
    *call->note = note;
    *ret_known = note.known != NULL;
    return JA_OK;
}

const unsigned char *gate_hash(const struct gate_note *note)
{
    return note ? note->token : NULL;
}

void gate_until(struct http_call *call, int64_t until)
{
    if (call->note)
        call->note->until = until;
}

struct MHD_Response *gate_known(const struct gate_note *note)
{
    return note ? note->known : NULL;
}

bool gate_keep(struct gate *g, const struct gate_note *note, struct MHD_Response *response)
{
    struct answer *a;

    if (!note || note->until == 0)
        return false;
    a = place_of(g, note->token);
    if (a->response)
        MHD_destroy_response(a->response);
    memcpy(a->token, note->token, sizeof a->token);
    a->stamp = note->stamp;
    a->until = note->until;
    a->response = response;
    return true;
}
