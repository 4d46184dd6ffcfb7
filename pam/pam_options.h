#ifndef JA_PAM_PAM_OPTIONS_H
#define JA_PAM_PAM_OPTIONS_H
#endif
