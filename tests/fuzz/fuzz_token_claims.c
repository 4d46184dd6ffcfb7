/* Behind the signature: header and claims are fuzzed and then signed with the real key, and verified against a
 * store. Acceptance must imply every demand of SECURITY R15, read here once more from the JSON itself.
 *
 * Input: a byte for the key, the header up to a line break (empty: a good one), the payload.
 */
#include "common/domain/signing_key.h"
#include "common/domain/token.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_keys.h"
#include "tests/support/temp_store.h"

#define ACTIVE "018f0000-0000-7000-8000-000000000001"
#define DISABLED "018f0000-0000-7000-8000-00000000000d"
#define REVOKED_JTI "018f0000-0000-7000-8000-0000000000ff"
#define SESSION "018f0000-0000-7000-8000-0000000000aa"        /* of ACTIVE */
#define OTHER_SESSION "018f0000-0000-7000-8000-0000000000bb"  /* of DISABLED */
#define ENDED_SESSION "018f0000-0000-7000-8000-0000000000cc"  /* of ACTIVE, revoked */
#define CUT (FUZZ_NOW - 1000)

static struct ja_test_store *store;
static struct ja_key *keys[FUZZ_KEYS];
static struct ja_keyset set = {keys, FUZZ_KEYS};

static void clean_up(void)
{
    for (size_t i = 0; i < FUZZ_KEYS; i++)
        ja_key_free(keys[i]);
    ja_test_store_free(store);
}

static void sql(const char *statement)
{
    FUZZ_DEMAND(ja_db_exec_(store->ctx.db, statement, NULL, 0, NULL, NULL) == JA_OK);
}

#define SQL_SESSION(id, user, revoked) \
    "INSERT INTO sessions (id, user_id, service, amr, auth_time, audience, ends_at, last_used_at, revoked_at, " \
    "created_at) VALUES ('" id "', '" user "', 'sshd', 'pwd', 1780000000, 'h', 1790000000, 1780000000, " revoked \
    ", 1780000000)"

static void fill_store(void)
{
    struct ja_error err = {0};
    char id[JA_UUID_LEN + 1];

    ja_test_user(store, "active", NULL, id);
    ja_test_user(store, "disabled", NULL, id);
    FUZZ_DEMAND(ja_db_begin(store->ctx.db, &err) == JA_OK);
    sql("DELETE FROM user_roles");
    sql("UPDATE users SET id = '" ACTIVE "', tokens_not_before = 1779999000 WHERE username = 'active'");
    sql("UPDATE users SET id = '" DISABLED "', status = 'disabled' WHERE username = 'disabled'");
    sql("INSERT INTO revoked_tokens (jti, exp, created_at) VALUES ('" REVOKED_JTI "', 1790000000, 1780000000)");
    sql(SQL_SESSION(SESSION, ACTIVE, "NULL"));
    sql(SQL_SESSION(OTHER_SESSION, DISABLED, "NULL"));
    sql(SQL_SESSION(ENDED_SESSION, ACTIVE, "1780000000"));
    sql("UPDATE signing_keys SET state = 'retiring', retiring_at = 1780000000");
    for (size_t i = 0; i < FUZZ_KEYS; i++) {
        keys[i] = fuzz_key_for_store(i);
        FUZZ_DEMAND(ja_signing_key_insert(&store->ctx, keys[i], i == 0 ? "active" : "next", &err) == JA_OK);
        if (i > 0)
            sql("UPDATE signing_keys SET state = 'retiring', retiring_at = 1780000000 WHERE state = 'next'");
    }
    FUZZ_DEMAND(ja_db_commit(store->ctx.db, &err) == JA_OK);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    store = ja_test_store_new(NULL);
    atexit(clean_up);
    fill_store();
    return 0;
}

/* ---- the demands, read from the JSON itself ---- */

static const char *text(const json_t *o, const char *name)
{
    const json_t *member = json_object_get(o, name);

    return json_is_string(member) ? json_string_value(member) : NULL;
}

static bool is(const json_t *o, const char *name, const char *wanted)
{
    return text(o, name) && strcmp(text(o, name), wanted) == 0;
}

static void demand_times(const json_t *claims, const struct ja_token_check *check, bool iat_needed)
{
    const json_t *exp = json_object_get(claims, "exp"), *nbf = json_object_get(claims, "nbf"),
                 *iat = json_object_get(claims, "iat");
    double leeway = (double)check->leeway;

    FUZZ_DEMAND(leeway <= 60);
    FUZZ_DEMAND(json_is_number(exp) && json_number_value(exp) > (double)FUZZ_NOW - leeway);
    FUZZ_DEMAND(json_number_value(exp) <= (double)(FUZZ_NOW + check->max_ttl) + leeway);
    FUZZ_DEMAND(!nbf || (json_is_number(nbf) && json_number_value(nbf) <= (double)FUZZ_NOW + leeway));
    FUZZ_DEMAND(iat ? json_is_number(iat) && json_number_value(iat) <= (double)FUZZ_NOW + leeway : !iat_needed);
}

static void demand_header(const char *header_text, const struct ja_key *key)
{
    static const char *const never[] = {"crit", "jwk", "jku", "x5u", "x5c", "zip", "b64", "cty", "enc"};
    json_t *header = json_loads(header_text, JSON_REJECT_DUPLICATES, NULL);

    FUZZ_DEMAND(json_is_object(header) && is(header, "alg", ja_alg_name(ja_key_alg(key))));
    FUZZ_DEMAND(is(header, "kid", ja_key_kid(key)) && (is(header, "typ", "at+jwt") || is(header, "typ", "JWT")));
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        FUZZ_DEMAND(!json_object_get(header, never[i]));
    json_decref(header);
}

/* R15, and revocation. */
static void demand_ours(const json_t *claims, const struct ja_token_check *check)
{
    demand_times(claims, check, true);
    FUZZ_DEMAND(is(claims, "iss", FUZZ_ISSUER) && is(claims, "aud", FUZZ_AUDIENCE));
    FUZZ_DEMAND(is(claims, "token_use", "access") && is(claims, "sub", ACTIVE));
    FUZZ_DEMAND(text(claims, "jti") && strlen(text(claims, "jti")) == JA_UUID_LEN && !is(claims, "jti", REVOKED_JTI));
    if (json_object_get(claims, "sid"))
        FUZZ_DEMAND(is(claims, "sid", SESSION));
    else
        FUZZ_DEMAND(json_number_value(json_object_get(claims, "iat")) >= (double)CUT);
}

static void verify_here(const char *token, const char *header, const struct ja_key *key, const char *payload,
                        size_t payload_len)
{
    struct ja_token_check check = ja_token_check_default(&store->ctx);
    json_t *claims = NULL, *read = NULL;
    struct ja_error err = {0};
    enum ja_status st = ja_token_verify(&store->ctx, token, strlen(token), &check, false, &claims, &err);

    if (st != JA_OK && st != JA_ERR_DENIED)
        fprintf(stderr, "%s: %s\n", err.code, err.message);
    FUZZ_DEMAND(st == JA_OK || st == JA_ERR_DENIED); /* hostile bytes are no fault of the store */
    if (st != JA_OK)
        return;
    read = json_loadb(payload, payload_len, JSON_REJECT_DUPLICATES, NULL);
    FUZZ_DEMAND(read && json_equal(read, claims));
    demand_header(header, key);
    demand_ours(read, &check);
    json_decref(read);
    json_decref(claims);
}

/* A relying party with a key set: any issuer's tokens. */
static void verify_elsewhere(const char *token)
{
    static const struct ja_token_check check = {.issuer = FUZZ_ISSUER, .audience = FUZZ_AUDIENCE, .leeway = 30,
                                                .max_ttl = 3600};
    json_t *claims = NULL;
    const json_t *aud;
    bool listed;
    size_t i;
    const json_t *item;

    if (ja_token_verify_keyset(&set, token, strlen(token), &check, FUZZ_NOW, &claims, NULL) != JA_OK)
        return;
    FUZZ_DEMAND(is(claims, "iss", FUZZ_ISSUER));
    aud = json_object_get(claims, "aud");
    listed = is(claims, "aud", FUZZ_AUDIENCE);
    json_array_foreach(aud, i, item)
        listed = listed || (json_is_string(item) && strcmp(json_string_value(item), FUZZ_AUDIENCE) == 0);
    FUZZ_DEMAND(listed);
    demand_times(claims, &check, false);
    json_decref(claims);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t which[8] = {1, 3, 1, 3, 1, 3, 0, 2}; /* mostly the fast ones */
    struct fuzz_bytes in = {data, size};
    struct ja_key *key = keys[which[fuzz_byte(&in) % 8]];
    char *header = fuzz_text(&in, '\n'), *token;

    if (!*header) {
        free(header);
        FUZZ_DEMAND(asprintf(&header, "{\"alg\":\"%s\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}",
                             ja_alg_name(ja_key_alg(key)), ja_key_kid(key)) > 0);
    }
    token = fuzz_sign(key, header, in.p, in.left);
    verify_here(token, header, key, (const char *)in.p, in.left);
    verify_elsewhere(token);
    free(token);
    free(header);
    return 0;
}
