#ifndef JA_DOMAIN_JWK_IMPL_H
#define JA_DOMAIN_JWK_IMPL_H
#endif
