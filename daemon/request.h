/* Between libmicrohttpd and a call: reads the head and the body, refuses what is ambiguous or too big, sends the
 * call where it runs, and turns its outcome into a response. */
#ifndef JA_DAEMON_REQUEST_H
#define JA_DAEMON_REQUEST_H

#include "daemon/loop.h"

/* MHD_AccessHandlerCallback; cls: the loop */
enum MHD_Result request_handle(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
                               const char *version, const char *upload, size_t *upload_size, void **con_cls);
/* MHD_RequestCompletedCallback */
void request_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
                       enum MHD_RequestTerminationCode toe);
/* MHD_NotifyConnectionCallback */
void request_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
                        enum MHD_ConnectionNotificationCode toe);
/* Leaves the path as it came: it is decoded segment by segment (routes.c). */
size_t request_unescape(void *cls, struct MHD_Connection *connection, char *s);

#endif
