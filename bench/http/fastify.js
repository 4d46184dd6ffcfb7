// fastify.js PORT KEY STORE OWN: the work of jwtauthd with fastify, fast-jwt and better-sqlite3. /verify-cached uses
// fast-jwt's memory of tokens.
'use strict';
const fastify = require('fastify');
const { createSigner, createVerifier } = require('fast-jwt');
const w = require('./work.js');

const app = fastify();
const wanted = { key: w.publicPem, algorithms: [w.algorithm], allowedIss: w.issuer, allowedAud: w.audience };
const plain = createVerifier(wanted), cached = createVerifier({ ...wanted, cache: 4096 });
const sign = createSigner({ key: w.privatePem, algorithm: w.algorithm });

function check(verify) {
    return (req, reply) => {
        try {
            const claims = verify(req.headers.authorization.slice(7));
            if (w.live(claims)) return reply.send({ success: true, data: { claims } });
        } catch { /* refused below */ }
        return reply.code(401).send({ success: false });
    };
}
app.get('/verify', check(plain));
app.get('/verify-cached', check(cached));
app.post('/refresh', (req, reply) => {
    try {
        const claims = plain(req.body.refresh_token), next = w.claims('refresh');
        if (w.exchange(claims.jti, next.jti))
            return reply.send({ token: sign(w.claims('access')), refresh_token: sign(next) });
    } catch { /* refused below */ }
    return reply.code(401).send({ success: false });
});
app.post('/login', async (req, reply) => {
    const hash = w.hashOf(req.body.username), next = w.claims('refresh');
    if (!hash || !await w.bcrypt.compare(req.body.password, hash)) return reply.code(401).send({ success: false });
    w.first(next.jti);
    return { token: sign(w.claims('access')), refresh_token: sign(next) };
});
w.seed(sign);
app.listen({ port: w.port, host: '127.0.0.1' });
