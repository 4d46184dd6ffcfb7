/* libjwt_verify ALG KEYFILE <token: libjwt as the other side. KEYFILE: public PEM, or the raw secret. */
#include <jwt.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    static unsigned char key[16384];
    static char token[16384];
    jwt_t *jwt = NULL;
    FILE *f = argc == 3 ? fopen(argv[2], "r") : NULL;
    size_t len;
    int result = 1;

    if (!f)
        return 2;
    len = fread(key, 1, sizeof key - 1, f);
    (void)fclose(f);
    token[fread(token, 1, sizeof token - 1, stdin)] = 0;
    token[strcspn(token, "\n")] = 0;
    if (jwt_decode(&jwt, token, key, (int)len) != 0)
        return 1;
    /* libjwt 1.x takes the algorithm of the header: the caller compares */
    if (jwt_get_alg(jwt) == jwt_str_alg(argv[1]) && jwt_get_grant(jwt, "preferred_username")) {
        (void)puts(jwt_get_grant(jwt, "preferred_username"));
        result = 0;
    }
    jwt_free(jwt);
    return result;
}
