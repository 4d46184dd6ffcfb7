#ifndef JA_PAM_PAM_CONTEXT_H
#define JA_PAM_PAM_CONTEXT_H
#endif
