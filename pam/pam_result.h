#ifndef JA_PAM_PAM_RESULT_H
#define JA_PAM_PAM_RESULT_H
#endif
