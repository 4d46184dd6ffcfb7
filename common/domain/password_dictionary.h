/* The dictionary check of libpwquality (loaded late), and nothing else of it: its settings are set
 * one by one, /etc/security/pwquality.conf neither weakens nor adds.
 *
 * Counts as "in the dictionary": what cracklib derives from a word of its dictionary, too few
 * different characters, a systematic sequence, and a palindrome (libpwquality looks no further at
 * one).
 * Threads: cracklib keeps no state between calls.
 */
#ifndef JA_DOMAIN_PASSWORD_DICTIONARY_H
#define JA_DOMAIN_PASSWORD_DICTIONARY_H

#include "common/base/secret.h"

/* `pw` ends with a NUL. A missing library or dictionary is an error, never a no. */
enum ja_status ja_dictionary_has(const char *pw, bool *ret_found, struct ja_error *err);

#endif
