#ifndef CARRYON_CPOSTGRES_SHIM_H
#define CARRYON_CPOSTGRES_SHIM_H

#include <libpq-fe.h>

#endif
