# man pages
dist_man_MANS += man/pam_jwtauth.8
