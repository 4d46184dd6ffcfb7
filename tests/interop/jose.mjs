// jose.mjs verify ALG KEYFILE AUDIENCE <token | jose.mjs sign ALG KEYFILE KID SUBJECT: node's jose.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

// The package lies in the build folder, not beside this file.
const require = createRequire(pathToFileURL(process.env.JOSE_FOLDER + '/'));
const { importJWK, jwtVerify, SignJWT } = require('jose');
const [mode, alg, file, ...rest] = process.argv.slice(2);
const key = await importJWK(JSON.parse(readFileSync(file, 'utf8')), alg);

if (mode === 'verify') {
    try {
        const { payload } = await jwtVerify(readFileSync(0, 'utf8').trim(), key, {
            algorithms: [alg], audience: rest[0], issuer: 'https://auth.example.org',
        });
        console.log(payload.preferred_username);
    } catch (error) {
        console.log(error.code);
        process.exit(1);
    }
} else {
    console.log(await new SignJWT({}).setProtectedHeader({ alg, kid: rest[0] })
        .setIssuer('https://other.example.org').setAudience('them').setSubject(rest[1])
        .setIssuedAt().setExpirationTime('5m').sign(key));
}
