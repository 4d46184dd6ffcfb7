/* Published vectors of JOSE, and keys that must be refused. */
#ifndef JA_TEST_JOSE_VECTORS_H
#define JA_TEST_JOSE_VECTORS_H

/* RFC 7515 appendix A.1: HS256 */
#define RFC7515_A1_JWK \
    "{\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUu" \
    "TwjAzZr1Z9CAow\"}"
#define RFC7515_A1_TOKEN \
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogI" \
    "mh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
/* A.2: RS256 */
#define RFC7515_A2_JWK \
    "{\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qP" \
    "CJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LO" \
    "L-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5Zw" \
    "Kh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ" \
    "\",\"e\":\"AQAB\",\"d\":\"Eq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAeP88vLNO97IjlA7_GQ5sLKMgv" \
    "fTeXZx9SE-7YwVol2NXOoAJe46sui395IW_GO-pWJ1O0BkTGoVEn2bKVRUCgu-GjBVaYLU6f3l9kJfFNS3E0QbVdxz" \
    "ubSu3Mkqzjkn439X0M_V51gfpRLI9JYanrC4D4qAdGcopV_0ZHHzQlBjudU2QvXt4ehNYTCBr6XCLQUShb1juUO1Zd" \
    "iYoFaFQT5Tw8bGUl_x_jTj3ccPDVZFD9pIuhLhBOneufuBiB4cS98l2SR_RQyGWSeWjnczT0QU91p1DhOVRuOopznQ" \
    "\",\"p\":\"4BzEEOtIpmVdVEZNCqS7baC4crd0pqnRH_5IB3jw3bcxGn6QLvnEtfdUdiYrqBdss1l58BQ3KhooKeQTa9A" \
    "B0Hw_Py5PJdTJNPY8cQn7ouZ2KKDcmnPGBY5t7yLc1QlQ5xHdwW1VhvKn-nXqhJTBgIPgtldC-KDV5z-y2XDwGUc\"," \
    "\"q\":\"uQPEfgmVtjL0Uyyx88GZFF1fOunH3-7cepKmtH4pxhtCoHqpWmT8YAmZxaewHgHAjLYsp1ZSe7zFYHj7C6ul7" \
    "TjeLQeZD_YwD66t62wDmpe_HlB-TnBA-njbglfIsRLtXlnDzQkv5dTltRJ11BKBBypeeF6689rjcJIDEz9RWdc\",\"d" \
    "p\":\"BwKfV3Akq5_MFZDFZCnW-wzl-CCo83WoZvnLQwCTeDv8uzluRSnm71I3QCLdhrqE2e9YkxvuxdBfpT_PI7Yz-F" \
    "OKnu1R6HsJeDCjn12Sk3vmAktV2zb34MCdy7cpdTh_YVr7tss2u6vneTwrA86rZtu5Mbr1C1XsmvkxHQAdYo0\",\"dq" \
    "\":\"h_96-mK1R_7glhsum81dZxjTnYynPbZpHziZjeeHcXYsXaaMwkOlODsWa7I9xXDoRwbKgB719rrmI2oKr6N3Do9" \
    "U0ajaHF-NKJnwgjMd2w9cjz3_-kyNlxAr2v4IKhGNpmM5iIgOS1VZnOZ68m6_pbLBSp3nssTdlqvd0tIiTHU\",\"qi\"" \
    ":\"IYd7DHOhrWvxkwPQsRM2tOgrjbcrfvtQJipd-DlcxyVuuM9sQLdgjVk2oy26F0EmpScGLq2MowX7fhd_QJQ3ydy5" \
    "cY7YIBi87w93IKLEdfnbJtoOPLUW0ITrJReOgo1cq9SbsxYawBgfp_gh6A5603k2-ZQwVK0JKSHuLFkuQ3U\"}"
#define RFC7515_A2_PUBLIC_JWK \
    "{\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qP" \
    "CJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LO" \
    "L-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5Zw" \
    "Kh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ" \
    "\",\"e\":\"AQAB\"}"
#define RFC7515_A2_TOKEN \
    "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlL" \
    "mNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7" \
    "AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWz" \
    "O75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZES" \
    "c6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlU" \
    "PQGe77Rw"
/* A.3: ES256 */
#define RFC7515_A3_JWK \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"x_FEzRu9m" \
    "36HLN_tue659LNpXW6pCyStikYjKIWI5a0\",\"d\":\"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI\"}"
#define RFC7515_A3_PUBLIC_JWK \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"x_FEzRu9m" \
    "36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}"
#define RFC7515_A3_TOKEN \
    "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlL" \
    "mNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSA" \
    "pmWQxfKTUJqPP3-Kg6NU1Q"
/* A.4: ES512, not one of ours */
#define RFC7515_A4_TOKEN \
    "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWRO" \
    "c-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vc" \
    "nwNrmxYbSW9ERBXukOXolLzeO_Jn"
/* A.5: none */
#define RFC7515_A5_TOKEN \
    "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLm" \
    "NvbS9pc19yb290Ijp0cnVlfQ."
/* RFC 8037 appendix A */
#define RFC8037_JWK \
    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"d\":\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\",\"x\":\"11qYAY" \
    "KxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}"
#define RFC8037_TOKEN \
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGc" \
    "vMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
#define RFC8037_THUMBPRINT \
    "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
/* RFC 7638 section 3.1 */
#define RFC7638_JWK \
    "{\"kty\":\"RSA\",\"n\":\"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aP" \
    "FFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4Qy" \
    "Q5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyr" \
    "dkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw" \
    "\",\"e\":\"AQAB\",\"alg\":\"RS256\",\"kid\":\"2011-04-29\"}"
#define RFC7638_THUMBPRINT \
    "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
/* Keys that are too weak or of another kind, made for these tests */
#define RSA_1024_JWK \
    "{\"kty\":\"RSA\",\"n\":\"1zUSM4qbougzc0ZA7lAwygXqWdwaSS-rGwDwUCGCPp3PQUsoTjECtSOj1ZLAL6JVAdRkg0MD" \
    "Grxcv6-xKKQDoDrTRJXoxvcUdYNLUCjvUD_UxT7fyMDDlxtYGKoLNRWMLGHTJa-EMMiA08LC9DYxM53ZxlbM4rtv1D" \
    "0ubT0E9k8\",\"e\":\"AQAB\",\"d\":\"Q9ejKURk0_JHZeubxITbHJTI0BMm5jN0yUp-d4RYvsyY7Yh36E5jAB-AIm_kzh9" \
    "qlO0T0p1peSAwTO1h9-Hcki4X1C0pbiW_dGqO9B86d4B_LBFGgqSFA5OOe-nsXFTfUP1F_WsKyTDcbwLilWG4nirZT" \
    "2MnUkBJufBI1nhhcQE\",\"p\":\"_G0Jod7JahuUEoKicFWP8Mr_OhN8bu6CBKWrMECYzDFg5APaST_AiPbzPd4YysIwF" \
    "4MrPzqoqkcZSKh7vWGqrw\",\"q\":\"2kEgxWEItny-nxW3ziEHMto7-fYIR6BYPccaQIqLnh02fl4bD7m0dAHTC8nXWg" \
    "MDrhhspP6OoPIVL93vgDvWYQ\",\"dp\":\"wL-V-ld_Hxnd8GB2HycGmYy4ZSVZ_-75swi59kdtJYaTAKl8djBLGYrQZC" \
    "6CadjsFhgf3tEw140g3l1g11SLmw\",\"dq\":\"TcLioDCAYDR13kxonqKZ4_5pXBfSv2JbzjcAHXq_X-hcoA17atDpgG" \
    "OeBBc4CTQFvaOqIecofiOCdPmH-ZJYQQ\",\"qi\":\"xfIVdMbNl7ufYJgcqP7g-vK2RYSGjq2duQ19BeHexbJJplz_TH" \
    "DU5Culgfs1oK1baiv0sAbewfMRXUvmkELf6Q\"}"
#define RSA_E3_JWK \
    "{\"kty\":\"RSA\",\"n\":\"wwvBCjrzuRim4HjyIWK2KUV9sjpAX-_k8xrCNKcztYCPguqTmMU477jZ0ChuUl7pMgrWzyPb" \
    "e_hNM8iBLUFOkc994M3kMnLJF56h0MM0UuFGBfWMYpsOJcf4VaK_waLXjiUpU5RyJSdTOhzBIagfyNjKVtbdcBGawK" \
    "1SK7hv-9writH0s6BGUtAJ2lth9OqK1Hz21njNeleCyvF-ZHfWfTDADZwI45S4JLApVUATXn-I-i0auwKkqGungKHb" \
    "oz0jh-PeugpwrxRBd1s2LMhF0BFGcJQkXCNzwH-wr-zGZW7HUU-7elI3WYbGAMCueUGwxOnugEsUQFtvEJVKWnW6YQ" \
    "\",\"e\":\"Aw\",\"d\":\"ggfWBtH30LsZ6vtMFkHOxi5TzCbVlUqYohHWzcTNI6sKV0cNEIN7Sns74Br0NunwzAc53208_V" \
    "Azd9sAyNY0YTT-ld6YIaHbZRRr4IIi4euEA_kIQby0GS_648HVK8HlCW4bjQ2hbho3fBMra8VqheXcOeSToAu8gHOM" \
    "HSWf_TxIMflp4gu0xYXz3oyT7HTiaSsMsOAaw2lIW1CUyCtRDM7vkomflQ_42Zior1Z_Rb2Zopc6SUYVsv87kGL1sB" \
    "X8AlYf3BU2zDPbNHAKCnVZS8CGU3acdGWfzmlvYN3gNs8DNaDA5LNYpHBkUhp-bUm-Tf0cenBQQO1JCr058pDDKw\"," \
    "\"p\":\"6FuL0ZR8TGg-z36JPqysXBhxXpmdHRLHWnc_bLLwnCWk7RpPZq4AL1mFA7yqQrKsmXWCPA8YgtrDWGjA5S7ZR" \
    "I9HtL9J_958QULTxAmyFVw9uGBVALlCaUd_rxA-rZ37iYgVlQDD6c6IHGvowbWJtH24UnkuZ5I6BACSkY2hN4k\",\"q" \
    "\":\"1uRQBEwSasJITI3_RWWO2x5LBTOLiEJyO8q5MoVGQMRVa5d-MtX8k4TGKJGUEcM2iRDIBz4BAUEpdb9MhexC5PU" \
    "a-jCgnp5KN2XfYxNmKoIyxJMNOPRImsNh2o5hSHU8uPjJBSKBSJRWExmwLx_JXtI18U90NEy9fX_m4eD7Xhk\",\"dp\"" \
    ":\"mueyi7hS3ZrUilRbfx3IPWWg6bu-E2HaPE9_ncygaBkYnhGKRHQAH5EDV9McLHcdu6OsKAoQVzyCOvCAmMnmLbTa" \
    "eH-GqpRS1iyNLVvMDj1-eurjVdDW8NpVH2ApyRP9Blq5DgCCm98FaEfwgSOxIv564aYe77bRWABhtl5rels\",\"dq\":" \
    "\"j0LgAt1hnIGFiF6qLkO0khQyA3eyWtb20ocmIa4u1dg48mT-zI6oYliEGwu4C9d5sLXar36rVitw-SozA_LXQ04R_" \
    "CBrFGmGz5k_l2JEHFbMgwyze02FvIJBPF7rhaN90KXbWMGrhbg5YhEgH2qGPzbOoN-izYh-U6qZ6-tSPrs\",\"qi\":\"" \
    "LGOLjHZa_7Xn_EZv_YlmJzPa6BHUcL8mSJ4Ew_Og7yLI8IyjHjXzXl0hBiUwJmvsBcOVhDAn12--O5UhRYLTsNIgYN" \
    "LDrQLo_cpUerYRQfcQGvX5w0o0M_MjmvDLx_7vLlauWSnjpPQMnPMVZIPNJmIVkX2JZE7e3z0_jgevi1Q\"}"
#define P384_JWK \
    "{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"sK6AwKp3PnQZN8XAhzXbjAWMrKLeTteFquVqXSk4b5sn8YbJ6mnsTGBUH2r" \
    "7-RiN\",\"y\":\"cxt-BqrFWUPxXCi--f49wNYAHoT_ZBL_OK6Qi64yfzB4-TrykWG8ojZ0OgvVq_sj\",\"d\":\"c9TS4M0" \
    "Kl-z52WSuz9W91MV--8o7EsZh_qGI3lf_T9LGbde2wfij-9_x1SDxFItU\"}"

#endif
