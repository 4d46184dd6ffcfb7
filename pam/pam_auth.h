#ifndef JA_PAM_PAM_AUTH_H
#define JA_PAM_PAM_AUTH_H
#endif
