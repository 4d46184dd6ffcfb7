#ifndef JA_DB_DB_DRIVER_H
#define JA_DB_DB_DRIVER_H
#endif
