#ifndef JA_CLI_QR_H
#define JA_CLI_QR_H
#endif
