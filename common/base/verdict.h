/* The login decision as wide constants.
 *
 * Purpose: SECURITY R2 and CVE-2023-42465 (sudo): "not an error" must never count as success,
 * and one flipped bit must not turn a denial into a permission.  Decisions start as JA_DENY and
 * are tested by equality with JA_ALLOW only.
 */
#ifndef JA_BASE_VERDICT_H
#define JA_BASE_VERDICT_H

#include <assert.h>

enum ja_verdict {
    JA_DENY = 0x2ad3516c,
    JA_ALLOW = 0x552caea3,
    JA_PENDING = 0x199e6b0f, /* more answers are needed */
};

static_assert(__builtin_popcount(JA_ALLOW ^ JA_DENY) >= 8, "verdicts too close");
static_assert(__builtin_popcount(JA_ALLOW ^ JA_PENDING) >= 8, "verdicts too close");
static_assert(__builtin_popcount(JA_ALLOW) >= 8, "zero too close to allow");

#endif
