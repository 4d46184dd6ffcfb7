/* Runs one fuzz target over its corpus, in place of libFuzzer's main: files or folders as arguments, or, without any,
 * $top_srcdir/tests/fuzz/corpus/<name of the program>. One TAP case. */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

/* A target that needs no fixtures has none of its own. */
__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    return 0;
}

static int files;

static void replay_file(const char *path)
{
    FILE *f = fopen(path, "rbe");
    long size = -1;
    uint8_t *data;

    FUZZ_DEMAND(f && fseek(f, 0, SEEK_END) == 0);
    size = ftell(f);
    FUZZ_DEMAND(size >= 0 && fseek(f, 0, SEEK_SET) == 0);
    data = malloc(size > 0 ? (size_t)size : 1); /* exactly as long: reading over the end is seen */
    FUZZ_DEMAND(data && fread(data, 1, (size_t)size, f) == (size_t)size);
    fclose(f);
    printf("# %s\n", path); /* the last one of these is what a crash is about */
    fflush(stdout);
    (void)LLVMFuzzerTestOneInput(data, (size_t)size);
    free(data);
    files++;
}

static int not_hidden(const struct dirent *d)
{
    return d->d_name[0] != '.';
}

static void replay(const char *path)
{
    struct dirent **list = NULL;
    struct stat sb;
    char inner[4096];
    int n;

    FUZZ_DEMAND(stat(path, &sb) == 0);
    if (!S_ISDIR(sb.st_mode)) {
        replay_file(path);
        return;
    }
    n = scandir(path, &list, not_hidden, alphasort);
    FUZZ_DEMAND(n >= 0);
    for (int i = 0; i < n; i++) {
        (void)snprintf(inner, sizeof inner, "%s/%s", path, list[i]->d_name);
        replay(inner);
        free(list[i]);
    }
    free(list);
}

static const char *name_of(const char *program)
{
    const char *slash = strrchr(program, '/'), *name = slash ? slash + 1 : program;

    return strncmp(name, "lt-", 3) == 0 ? name + 3 : name;
}

int main(int argc, char **argv)
{
    const char *src = getenv("top_srcdir"), *name = name_of(argv[0]);
    char path[4096];

    printf("1..1\n");
    (void)LLVMFuzzerInitialize(&argc, &argv);
    if (argc > 1) {
        for (int i = 1; i < argc; i++)
            replay(argv[i]);
    } else {
        (void)snprintf(path, sizeof path, "%s/tests/fuzz/corpus/%s", src ? src : ".", name);
        replay(path);
    }
    printf("%s 1 - %s: %d inputs keep its demands\n", files > 0 ? "ok" : "not ok", name, files);
    return files > 0 ? 0 : 1;
}
