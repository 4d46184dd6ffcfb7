dnl Compiler and linker protections, each probed; the strict warning set; sanitizers.

dnl JA_TRY_CFLAG(FLAG, VARIABLE): adds FLAG to VARIABLE when the compiler takes it.
AC_DEFUN([JA_TRY_CFLAG], [
  AS_VAR_PUSHDEF([cache], [ja_cv_cflag_$1])
  AC_CACHE_CHECK([whether $CC takes $1], [cache], [
    ja_save_cflags=$CFLAGS
    CFLAGS="$CFLAGS -Werror $1"
    AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])], [AS_VAR_SET([cache], [yes])], [AS_VAR_SET([cache], [no])])
    CFLAGS=$ja_save_cflags
  ])
  AS_VAR_IF([cache], [yes], [$2="$$2 $1"])
  AS_VAR_POPDEF([cache])
])

AC_DEFUN([JA_TRY_LDFLAG], [
  AS_VAR_PUSHDEF([cache], [ja_cv_ldflag_$1])
  AC_CACHE_CHECK([whether the linker takes $1], [cache], [
    ja_save_ldflags=$LDFLAGS
    LDFLAGS="$LDFLAGS $1"
    AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])], [AS_VAR_SET([cache], [yes])], [AS_VAR_SET([cache], [no])])
    LDFLAGS=$ja_save_ldflags
  ])
  AS_VAR_IF([cache], [yes], [$2="$$2 $1"])
  AS_VAR_POPDEF([cache])
])

AC_DEFUN([JA_HARDENING], [
  AC_ARG_ENABLE([sanitizers],
    [AS_HELP_STRING([--enable-sanitizers@<:@=thread@:>@], [AddressSanitizer and UndefinedBehaviorSanitizer, or ThreadSanitizer (for tests)])],
    [], [enable_sanitizers=no])
  JA_CFLAGS="-fvisibility=hidden"
  JA_LDFLAGS=""
  JA_TRY_CFLAG([-fstack-protector-strong], [JA_CFLAGS])
  JA_TRY_CFLAG([-fstack-clash-protection], [JA_CFLAGS])
  JA_TRY_CFLAG([-fcf-protection], [JA_CFLAGS])
  JA_TRY_CFLAG([-ftrivial-auto-var-init=zero], [JA_CFLAGS])
  JA_TRY_CFLAG([-fno-strict-aliasing], [JA_CFLAGS])
  AS_IF([test "$enable_sanitizers" = no], [JA_TRY_CFLAG([-D_FORTIFY_SOURCE=2], [JA_CFLAGS])])
  dnl What a module never calls (running chpasswd, loginctl) is not in it.
  JA_TRY_CFLAG([-ffunction-sections], [JA_CFLAGS])
  JA_TRY_CFLAG([-fdata-sections], [JA_CFLAGS])
  JA_TRY_LDFLAG([-Wl,--gc-sections], [JA_LDFLAGS])
  JA_TRY_LDFLAG([-Wl,-z,relro], [JA_LDFLAGS])
  JA_TRY_LDFLAG([-Wl,-z,now], [JA_LDFLAGS])
  JA_TRY_LDFLAG([-Wl,-z,noexecstack], [JA_LDFLAGS])
  JA_TRY_LDFLAG([-Wl,--as-needed], [JA_LDFLAGS])
  AC_SUBST([JA_CFLAGS])
  AC_SUBST([JA_LDFLAGS])
])

AC_DEFUN([JA_WARNINGS], [
  AC_ARG_ENABLE([werror], [AS_HELP_STRING([--enable-werror], [warnings are errors])], [], [enable_werror=no])
  JA_WARN_CFLAGS=""
  m4_foreach_w([flag], [-Wall -Wextra -Wformat=2 -Wshadow -Wstrict-prototypes -Wmissing-prototypes
    -Wold-style-definition -Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef -Wvla
    -Wimplicit-fallthrough -Wlogical-op -Wduplicated-cond
    -Walloca -Wno-unused-parameter],
    [JA_TRY_CFLAG(flag, [JA_WARN_CFLAGS])])
  AS_IF([test "$enable_werror" = yes], [JA_WARN_CFLAGS="$JA_WARN_CFLAGS -Werror"])
  AC_SUBST([JA_WARN_CFLAGS])
])

AC_DEFUN([JA_SANITIZERS], [
  AS_CASE([$enable_sanitizers],
    [no], [],
    [yes], [
      JA_CFLAGS="$JA_CFLAGS -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer"
      JA_LDFLAGS="$JA_LDFLAGS -fsanitize=address,undefined"],
    [thread], [
      JA_CFLAGS="$JA_CFLAGS -fsanitize=thread -fno-omit-frame-pointer"
      JA_LDFLAGS="$JA_LDFLAGS -fsanitize=thread"],
    [AC_MSG_ERROR([--enable-sanitizers takes no value, or thread])])
  AM_CONDITIONAL([SANITIZERS], [test "$enable_sanitizers" != no])
])
