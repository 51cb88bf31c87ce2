// A token verified by aws-jwt-verify with a key from a file: no policy and no log. Never deploy it.

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { JwtVerifier } from "aws-jwt-verify";

const { AUTHORIZER_CONFIG, ISSUER, AUDIENCE } = process.env;
const verifier = JwtVerifier.create({ issuer: ISSUER, audience: AUDIENCE, jwksUri: `${ISSUER}/.well-known/jwks.json` });
verifier.cacheJwks(JSON.parse(readFileSync(join(dirname(AUTHORIZER_CONFIG), "jwks.json"), "utf8")));

/** Verifies the event's token. */
export function handler(event) {
  return { isAuthenticated: true, principalId: verifier.verifySync(event.token).sub };
}
