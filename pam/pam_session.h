#ifndef JA_PAM_PAM_SESSION_H
#define JA_PAM_PAM_SESSION_H
#endif
