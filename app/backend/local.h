/* The engine in this process as a backend: one thread that owns the model and its KV cache. */
#ifndef APP_BACKEND_LOCAL_H
#define APP_BACKEND_LOCAL_H

#include "app/backend/backend.h"

/* Events go to `m`, which must outlive the backend. Ended by ops->close. */
struct backend *backend_local_new(struct mailbox *m, struct err *e);

#endif
