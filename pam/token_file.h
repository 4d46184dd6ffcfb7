#ifndef JA_PAM_TOKEN_FILE_H
#define JA_PAM_TOKEN_FILE_H
#endif
