#ifndef JA_DB_DB_SQLITE_H
#define JA_DB_DB_SQLITE_H
#endif
