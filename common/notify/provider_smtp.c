/* Mail by SMTP: the dialogue and MIME are libcurl's. */
#include "common/notify/curl_call.h"
#include "common/notify/mail_header.h"
#include "common/notify/provider.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Canonical line ends, as quoted-printable wants them (RFC 2045 section 6.7). */
static enum ja_status add_text(struct ja_curl *c, curl_mime *mime, const struct ja_secret *text, const char *type,
                               struct ja_error *err)
{
    struct ja_secret crlf = {0};
    curl_mimepart *part = c->lib.mime_addpart(mime);
    size_t lines = 0;
    enum ja_status st;

    for (size_t i = 0; i < text->len; i++)
        lines += text->data[i] == '\n';
    st = part ? ja_secret_init(&crlf, text->len + lines, err) : ja_fail_nomem(err);
    for (size_t i = 0; st == JA_OK && i < text->len; i++)
        st = text->data[i] == '\n' ? ja_secret_append(&crlf, "\r\n", 2, err)
                                   : ja_secret_append(&crlf, text->data + i, 1, err);
    if (st == JA_OK && (c->lib.mime_data(part, (const char *)crlf.data, crlf.len) != CURLE_OK ||
                        c->lib.mime_type(part, type) != CURLE_OK ||
                        c->lib.mime_encoder(part, "quoted-printable") != CURLE_OK))
        st = ja_fail_nomem(err);
    ja_secret_clear(&crlf);
    return st;
}

static enum ja_status add_headers(struct ja_ctx *ctx, struct ja_curl *c, const struct ja_outgoing *m,
                                  struct ja_error *err)
{
    const char *from = ctx->cfg->email.from, *at = strchr(from, '@');
    char subject[JA_SUBJECT_ENCODED], date[JA_MAIL_DATE];
    enum ja_status st = ja_mail_subject((const char *)m->words->subject.data, subject, sizeof subject, err);

    if (st == JA_OK)
        st = ja_mail_date(ja_now(&ctx->clock), date, err);
    if (st != JA_OK)
        return st;
    ja_curl_header(c, "Date: %s", date);
    ja_curl_header(c, "From: <%s>", from);
    ja_curl_header(c, "To: <%s>", m->destination);
    ja_curl_header(c, "Subject: %s", subject);
    ja_curl_header(c, "Message-ID: <%s%s>", m->id, at ? at : "");
    ja_curl_header(c, "Content-Type: multipart/alternative"); /* libcurl adds the boundary */
    ja_curl_header(c, "Auto-Submitted: auto-generated"); /* RFC 3834: answer with no out-of-office note */
    return JA_OK;
}

static enum ja_status connect_options(struct ja_ctx *ctx, struct ja_curl *c, struct ja_error *err)
{
    const char *url = ctx->cfg->email.url;
    bool implicit = strncmp(url, "smtps://", 8) == 0, plain = strcmp(ctx->cfg->email.starttls, "off") == 0;
    struct ja_secret password = {0};
    enum ja_status st = ja_curl_begin(c, url, implicit ? "smtps" : "smtp", err);

    if (st != JA_OK)
        return st;
    /* config_check.c allows off to loopback only */
    ja_curl_set(c, CURLOPT_USE_SSL, (long)(!implicit && plain ? CURLUSESSL_NONE : CURLUSESSL_ALL));
    if (!*ctx->cfg->email.username)
        return JA_OK;
    st = ja_provider_secret(ctx->cfg->email.password_file, "[email] password_file", &password, err);
    if (st == JA_OK) {
        ja_curl_set(c, CURLOPT_USERNAME, ctx->cfg->email.username);
        ja_curl_set(c, CURLOPT_PASSWORD, (const char *)password.data);
    }
    ja_secret_clear(&password);
    return st;
}

enum ja_status ja_provider_smtp(struct ja_ctx *ctx, struct ja_curl *c, const struct ja_outgoing *m,
                                struct ja_error *err)
{
    struct curl_slist *to = NULL;
    curl_mime *mime = NULL;
    char from[JA_EMAIL_MAX + 3], rcpt[JA_EMAIL_MAX + 3];
    long code = 0;
    enum ja_status st = connect_options(ctx, c, err);

    if (st == JA_OK)
        st = add_headers(ctx, c, m, err);
    if (st != JA_OK)
        return st;
    (void)snprintf(from, sizeof from, "<%s>", ctx->cfg->email.from);
    (void)snprintf(rcpt, sizeof rcpt, "<%s>", m->destination);
    to = c->lib.slist_append(NULL, rcpt);
    mime = c->lib.mime_init(c->easy);
    st = to && mime ? add_text(c, mime, &m->words->text, "text/plain; charset=utf-8", err) : ja_fail_nomem(err);
    if (st == JA_OK && m->words->html.len > 0)
        st = add_text(c, mime, &m->words->html, "text/html; charset=utf-8", err);
    if (st == JA_OK) {
        ja_curl_set(c, CURLOPT_MAIL_FROM, from);
        ja_curl_set(c, CURLOPT_MAIL_RCPT, to);
        ja_curl_set(c, CURLOPT_MIMEPOST, mime);
        st = ja_curl_run(c, &code, err);
    }
    if (c->easy)
        c->lib.easy_reset(c->easy); /* lets go of mime and to */
    c->lib.mime_free(mime);
    c->lib.slist_free_all(to);
    return st;
}
