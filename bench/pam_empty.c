/* A module that does nothing but is linked to all that pam_jwtauth.so is linked to (LIMITS:
 * libraries are the cost of a module). */
#include <ini_configobj.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <security/pam_modules.h>
#include <sodium.h>
#include <sqlite3.h>

/* One symbol of each keeps the linker from leaving a library out. */
__attribute__((used)) static void (*const linked[])(void) = {
    (void (*)(void))sodium_init,       (void (*)(void))sqlite3_libversion_number,
    (void (*)(void))json_object,       (void (*)(void))OPENSSL_version_major,
    (void (*)(void))ini_config_create,
};

#define ENTRY __attribute__((visibility("default")))

ENTRY int pam_sm_authenticate(pam_handle_t *h, int flags, int argc, const char **argv)
{
    (void)h, (void)flags, (void)argc, (void)argv;
    return PAM_SUCCESS;
}

ENTRY int pam_sm_setcred(pam_handle_t *h, int flags, int argc, const char **argv)
{
    (void)h, (void)flags, (void)argc, (void)argv;
    return PAM_SUCCESS;
}
