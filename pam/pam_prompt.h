#ifndef JA_PAM_PAM_PROMPT_H
#define JA_PAM_PAM_PROMPT_H
#endif
