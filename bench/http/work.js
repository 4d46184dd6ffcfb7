// What the Express and the fastify server share: the key, the store, and the statements of the work.
'use strict';
const fs = require('fs');
const crypto = require('crypto');
const Database = require('better-sqlite3');
const bcrypt = require('bcrypt');

// KEY STORE OWN REFRESH-TOKENS-OUT
const [keyFile, storeFile, ownFile] = process.argv.slice(3);
const jwk = JSON.parse(fs.readFileSync(keyFile, 'utf8'));
const algorithm = { RSA: 'RS256', EC: 'ES256', OKP: 'EdDSA', oct: 'HS256' }[jwk.kty];
const pem = (key, type) => key.export({ type, format: 'pem' });
const secret = jwk.kty === 'oct' ? Buffer.from(jwk.k, 'base64url') : null;
const privateKey = secret || crypto.createPrivateKey({ key: jwk, format: 'jwk' });
const publicKey = secret || crypto.createPublicKey(privateKey);

// The live sessions and revoked tokens are looked up in the store that jwtauthd uses, what is written goes to an own one.
const store = new Database(storeFile);
store.pragma('mmap_size = 67108864');
const find = store.prepare('SELECT s.revoked_at, s.ends_at, r.jti FROM sessions s ' +
    'LEFT JOIN revoked_tokens r ON r.jti = ? WHERE s.id = ?');
const own = new Database(ownFile);
own.pragma('journal_mode = WAL');
own.pragma('synchronous = FULL');
own.exec('CREATE TABLE users (name TEXT PRIMARY KEY, hash TEXT);' +
    'CREATE TABLE refresh (jti TEXT PRIMARY KEY, used BIGINT)');
own.prepare('INSERT INTO users VALUES (?, ?)').run('alice', bcrypt.hashSync('Correct-Horse-42', 10));
const user = own.prepare('SELECT hash FROM users WHERE name = ?');
const use = own.prepare('UPDATE refresh SET used = 1 WHERE jti = ? AND used = 0');
const add = own.prepare('INSERT INTO refresh VALUES (?, 0)');

module.exports = {
    algorithm, secret, privateKey, publicKey, bcrypt,
    publicPem: secret || pem(publicKey, 'spki'),
    privatePem: secret || pem(privateKey, 'pkcs8'),
    port: Number(process.argv[2]),
    issuer: 'https://auth.example.org',
    audience: 'bench.example.org',
    live(claims) {
        const row = find.get(claims.jti, claims.sid);
        return row !== undefined && row.revoked_at === null && row.jti === null && row.ends_at > Date.now() / 1000;
    },
    claims: (kind) => ({
        iss: 'https://auth.example.org', aud: 'bench.example.org', sub: '0197c7a2-0000-7000-8000-000000000001',
        preferred_username: 'alice', roles: ['user'], token_use: kind, jti: crypto.randomUUID(),
        iat: Math.floor(Date.now() / 1000), exp: Math.floor(Date.now() / 1000) + 3600,
    }),
    hashOf: (name) => (user.get(name) || {}).hash,
    first: (jti) => add.run(jti),
    exchange: own.transaction((used, jti) => use.run(used).changes === 1 && add.run(jti).changes === 1),
    // 512 of its own making, for the client.
    seed(sign) {
        const tokens = [];
        own.transaction(() => {
            for (let i = 0; i < 512; i++) {
                const claims = module.exports.claims('refresh');
                add.run(claims.jti);
                tokens.push(sign(claims));
            }
        })();
        fs.writeFileSync(ownFile + '.refresh', tokens.join('\n') + '\n');
    },
};
