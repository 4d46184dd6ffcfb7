# man pages
dist_man_MANS += man/libnss_jwtauth.8 man/jwtauth.conf.5 man/jwtauthd.8 man/pam_jwtauth.8
dist_man_MANS += man/authctl.1 man/jwtauth.7
