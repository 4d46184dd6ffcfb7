// express.js PORT KEY STORE OWN: the work of jwtauthd with Express, jsonwebtoken and better-sqlite3.
'use strict';
const express = require('express');
const jwt = require('jsonwebtoken');
const w = require('./work.js');

const app = express();
const wanted = { algorithms: [w.algorithm], issuer: w.issuer, audience: w.audience };
const sign = (claims) => jwt.sign(claims, w.privateKey, { algorithm: w.algorithm });

app.use(express.json());
app.get('/verify', (req, res) => {
    try {
        const claims = jwt.verify(req.get('authorization').slice(7), w.publicKey, wanted);
        if (w.live(claims)) return res.json({ success: true, data: { claims } });
    } catch { /* refused below */ }
    return res.status(401).json({ success: false });
});
app.post('/refresh', (req, res) => {
    try {
        const claims = jwt.verify(req.body.refresh_token, w.publicKey, wanted), next = w.claims('refresh');
        if (w.exchange(claims.jti, next.jti))
            return res.json({ token: sign(w.claims('access')), refresh_token: sign(next) });
    } catch { /* refused below */ }
    return res.status(401).json({ success: false });
});
app.post('/login', async (req, res) => {
    const hash = w.hashOf(req.body.username), next = w.claims('refresh');
    if (!hash || !await w.bcrypt.compare(req.body.password, hash)) return res.status(401).json({ success: false });
    w.first(next.jti);
    return res.json({ token: sign(w.claims('access')), refresh_token: sign(next) });
});
w.seed(sign);
app.listen(w.port, '127.0.0.1');
