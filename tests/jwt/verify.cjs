// Verifies tokens with jose, with nothing but our key set.
//
// Usage: verify.cjs FOLDER, which has jwks.json and NAME.jwt… Prints {NAME: claims, or null for a token that is refused}.
'use strict'

const { readFileSync, readdirSync } = require('node:fs')
const { join, parse } = require('node:path')
const { createLocalJWKSet, errors, jwtVerify } = require('jose')

const folder = process.argv[2]
const read = (file) => readFileSync(join(folder, file), 'utf8')
const keys = createLocalJWKSet(JSON.parse(read('jwks.json')))
const expected = {
  typ: 'at+jwt',
  issuer: 'payme',
  audience: 'payme',
  algorithms: ['RS256', 'ES256'],
  requiredClaims: ['sub', 'iat', 'exp'],
}

async function verified(token) {
  try {
    return (await jwtVerify(token, keys, expected)).payload
  } catch (refusal) {
    if (!(refusal instanceof errors.JOSEError)) throw refusal
    console.error('refused:', refusal.code, refusal.message)
    return null
  }
}

async function main() {
  const answers = {}
  for (const file of readdirSync(folder).filter((file) => file.endsWith('.jwt'))) {
    answers[parse(file).name] = await verified(read(file))
  }
  console.log(JSON.stringify(answers))
}

main()
