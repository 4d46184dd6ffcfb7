/* One line of an authorized_keys file: what is taken has a type of the list, one spelling, and reads back to the same;
 * what is refused has one of two codes and a clean line that repeats nothing of it.
 *
 * Input: the line.
 */
#include "common/base/text.h"
#include "common/domain/seal.h"
#include "common/domain/ssh_key_line.h"
#include "tests/fuzz/fuzz.h"

#include <sodium.h>

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    FUZZ_DEMAND(ja_crypto_init(NULL) == JA_OK);
    return 0;
}

static bool known_type(const char *type)
{
    static const char *const known[] = {
        "ssh-ed25519", "sk-ssh-ed25519@openssh.com", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521", "sk-ecdsa-sha2-nistp256@openssh.com", "ssh-rsa",
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i], type) == 0)
            return true;
    return false;
}

/* The type is said once more inside, and the base64 is the only spelling of its bytes. */
static void demand_blob(const struct ja_ssh_line *k)
{
    unsigned char bin[JA_SSH_BLOB_MAX];
    char again[sizeof k->blob];
    size_t len = 0, type = strlen(k->type);

    FUZZ_DEMAND(sodium_base642bin(bin, sizeof bin, k->blob, strlen(k->blob), NULL, &len, NULL,
                                  sodium_base64_VARIANT_ORIGINAL) == 0);
    (void)sodium_bin2base64(again, sizeof again, bin, len, sodium_base64_VARIANT_ORIGINAL);
    FUZZ_DEMAND(strcmp(again, k->blob) == 0);
    FUZZ_DEMAND(len > 4 + type && bin[3] == type && strncmp((const char *)bin + 4, k->type, type) == 0);
}

static void demand_key(const struct ja_ssh_line *k)
{
    struct ja_ssh_line again;
    char line[sizeof *k + 8];

    FUZZ_DEMAND(known_type(k->type));
    FUZZ_DEMAND(strncmp(k->fingerprint, "SHA256:", 7) == 0 && strlen(k->fingerprint) == 50);
    FUZZ_DEMAND(ja_utf8_valid(k->comment, strlen(k->comment)) && !strpbrk(k->blob, " \t\n"));
    FUZZ_DEMAND(k->bits == 256 || k->bits == 384 || k->bits == 521 || (k->bits >= 2048 && k->bits <= 8192));
    demand_blob(k);
    (void)snprintf(line, sizeof line, "%s %s %s", k->type, k->blob, k->comment);
    FUZZ_DEMAND(ja_ssh_line_parse(line, strlen(line), &again, NULL) == JA_OK);
    FUZZ_DEMAND(strcmp(again.type, k->type) == 0 && strcmp(again.blob, k->blob) == 0 &&
                strcmp(again.fingerprint, k->fingerprint) == 0 && strcmp(again.comment, k->comment) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ja_ssh_line k = {0};
    struct ja_error err = {0};
    enum ja_status st = ja_ssh_line_parse((const char *)data, size, &k, &err);

    if (st == JA_OK) {
        demand_key(&k);
        return 0;
    }
    FUZZ_DEMAND((st == JA_ERR_INVALID && strcmp(err.code, "invalid_ssh_key") == 0) ||
                (st == JA_ERR_POLICY && strcmp(err.code, "ssh_key_refused") == 0));
    FUZZ_DEMAND(ja_text_valid(err.message, sizeof err.message) && err.message[0] && k.type[0] == 0);
    return 0;
}
